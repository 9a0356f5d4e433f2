"""How a run is shown while it goes on: one interface, and the implementation that fits who is watching."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from gome_graph.cli import output

if TYPE_CHECKING:
    from gome_graph.records import Event

__all__ = ["Display", "make_display"]


class Display(Protocol):
    """Shows a run. `event` is called from trace threads and must be quick."""

    live: bool
    """True if it owns the screen while it is open."""

    def open(self, stopping: Callable[[], bool]) -> AbstractContextManager[None]:
        """Show until the context ends. `stopping` says whether the user asked for an end."""
        ...

    def event(self, event: "Event") -> None:
        """Take one event in."""
        ...

    def abandon(self) -> None:
        """Give the terminal back at once; called from a signal handler."""
        ...


def make_display(*, json_events: bool = False) -> Display:
    """The display that fits: a live view on a terminal, plain lines elsewhere, nothing or JSON for machines."""
    if json_events:
        from gome_graph.cli.display.silent import JsonLines

        return JsonLines()
    if output.mode.json or output.mode.quiet:
        from gome_graph.cli.display.silent import Silent

        return Silent()
    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb"):
        from gome_graph.cli.display.live import LiveDisplay

        return LiveDisplay()
    from gome_graph.cli.display.plain import PlainDisplay

    return PlainDisplay()
