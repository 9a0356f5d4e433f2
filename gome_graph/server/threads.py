"""Nodes block: they run scripts, read tables and files. A server's event loop must not wait with them."""

import asyncio
import functools
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from gome_graph.graph.services import abandon, close

_working: Counter[str] = Counter()
"""Nodes at work, by run directory."""
_counting = threading.Lock()


def off_the_loop(node: Callable[..., Any]) -> Callable[..., Any]:
    """The node as a coroutine that leaves the work to a thread.

    A thread cannot be cancelled. So when the request is, the run's scripts are told to end, the thread is waited for, and only then the
    cancellation goes on: whoever takes the run up again finds nobody working on it.
    """

    @functools.wraps(node)
    async def run(state: Any, *args: Any, **kwargs: Any) -> Any:
        run_dir = state.get("run_dir") or ""
        with _counting:
            _working[run_dir] += 1
        work = asyncio.ensure_future(asyncio.to_thread(node, state, *args, **kwargs))
        broken = True
        try:
            result = await asyncio.shield(work)
            broken = False
            return result
        except asyncio.CancelledError:
            abandon(run_dir)
            await asyncio.wait([work])
            if not run_dir and work.exception() is None:
                await asyncio.to_thread(close, work.result()["run_dir"])  # `prepare` had just made it
            raise
        finally:
            with _counting:
                _working[run_dir] -= 1
                last = _working[run_dir] <= 0
                if last:
                    del _working[run_dir]
            if broken and last:
                await asyncio.to_thread(close, run_dir)

    return run
