"""Displays for machines: nothing at all, or each event as a line of JSON."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gome_graph.records import Event


class Silent:
    """Shows nothing."""

    live = False

    @contextmanager
    def open(self, stopping: Callable[[], bool]) -> Iterator[None]:
        """Nothing to open."""
        yield

    def event(self, event: Event) -> None:
        """Ignored."""

    def abandon(self) -> None:
        """Nothing to give back."""


class JsonLines(Silent):
    """Each event as one line of JSON on stdout, as in ``journal.jsonl``."""

    def event(self, event: Event) -> None:
        """Print it."""
        sys.stdout.write(event.model_dump_json() + "\n")
        sys.stdout.flush()
