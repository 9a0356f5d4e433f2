"""Every hook of `gome`, in one page. Entry-point group ``gome_graph``; implement with ``@gome_graph.hookimpl``.

Hooks that *offer* something yield `Offer` descriptors which are looked up by name; ``firstresult`` is used only for choosers. A hook
implementation may leave out arguments it does not need (pluggy passes by name).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from gome_graph.hooks.contracts import GateFacts, LoaderMatch, Offer
from gome_graph.records import DiagnosticPack, Event, Finding, Solution, Verdict

if TYPE_CHECKING:
    import typer

    from gome_graph.task import Measured

PROJECT = "gome_graph"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def gome_chat_model() -> Iterable[Offer]:
    """Offer language-model providers. ``factory(config, model=..., base_url=...)`` returns a LangChain chat model, or a `Backend`."""
    return []


@hookspec
def gome_reasoner() -> Iterable[Offer]:
    """Offer reasoners. ``factory(config, techniques=...)`` returns a `Reasoner`.

    An offer may want further keywords (`Offer.wants`): ``models`` (`gome_graph.models.Models`), ``trials`` (`Trials`), ``tell`` (`Tell`).
    """
    return []


@hookspec
def gome_executor() -> Iterable[Offer]:
    """Offer executors. ``factory(config)`` returns an `Executor`."""
    return []


@hookspec
def gome_memory() -> Iterable[Offer]:
    """Offer memories. ``factory(config, path=...)`` returns a `Memory`."""
    return []


@hookspec
def gome_embedding() -> Iterable[Offer]:
    """Offer text embeddings. ``factory(config)`` returns a callable ``list[str] -> list[list[float]]`` (unit vectors)."""
    return []


@hookspec
def gome_diagnose(pack: DiagnosticPack, data: "Measured") -> Iterable[Finding]:
    """Look at one step's measurements and yield findings. Deterministic; a few milliseconds; must not change its arguments."""
    return []


@hookspec
def gome_techniques() -> Iterable[Any]:
    """Offer `Technique` entries for the rules reasoner's catalog (see `gome_graph.reasoners.rules`)."""
    return []


@hookspec
def gome_strategy() -> Iterable[Offer]:
    """Offer strategies. ``factory(config)`` returns a `Strategy`."""
    return []


@hookspec
def gome_validate(solution: Solution, verdict: Verdict, facts: GateFacts) -> Verdict | None:
    """A further gate on a step that would be accepted: return a changed verdict (kind ``vetoed``) to refuse it, or None.

    The reason of a refusal becomes a finding (``refused_by_gate``) for the reasoner.
    """


@hookspec
def gome_task_loader(path: Path) -> LoaderMatch | None:
    """Claim a path as a task you can load, or None."""


@hookspec
def gome_metric() -> Iterable[Any]:
    """Offer `Metric` objects beside the built-in ones."""
    return []


@hookspec
def gome_on_event(event: Event, run_dir: Path) -> None:
    """Told of each journalled event, after it is on disk. Exceptions are logged, never fatal."""


@hookspec
def gome_register_commands(app: "typer.Typer") -> None:
    """Add commands to the ``gome`` command line."""
