"""What a run looks like to people: the story (`RunView`), numbers in words, and the HTML page.

Names load on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gome_graph.report.page import write_report
    from gome_graph.report.story import RunView, StepView, TraceView, fold, story_of

__all__ = ["RunView", "StepView", "TraceView", "fold", "story_of", "write_report"]

_HOME = {"RunView": "story", "StepView": "story", "TraceView": "story", "fold": "story", "story_of": "story", "write_report": "page"}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"gome_graph.report.{_HOME[name]}"), name)
    raise AttributeError(f"module 'gome_graph.report' has no attribute {name!r}")
