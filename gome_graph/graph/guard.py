"""A fault in one trace ends that trace, not the run."""

import contextlib
import functools
import logging
import traceback
from collections.abc import Callable
from typing import Any

from langgraph.errors import GraphBubbleUp

from gome_graph.graph.services import services
from gome_graph.graph.state import TraceState
from gome_graph.records import EventKind
from gome_graph.support.secrets import redact

log = logging.getLogger(__name__)


def contained(node: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The node, with what it raises turned into the end of its trace: traceback to ``crash.log``, one line to the journal.

    Langgraph's own signals (interrupts) pass.
    """

    @functools.wraps(node)
    def run(state: TraceState, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            return node(state, *args, **kwargs)
        except GraphBubbleUp:
            raise
        except Exception as error:
            parts = services(state["run_dir"])
            reason = redact(f"{node.__name__.removesuffix('_node')} failed: {type(error).__name__}: {error}")
            text = redact(traceback.format_exc())
            with contextlib.suppress(OSError), (parts.run.root / "crash.log").open("a", encoding="utf-8") as file:
                file.write(f"trace {state['trace']}: {reason}\n{text}\n")
            parts.journal.add(EventKind.WARNING, trace=state["trace"], text=f"{reason} (traceback in crash.log)")
            return {"end": reason}

    return run
