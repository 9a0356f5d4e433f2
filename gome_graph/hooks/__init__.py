"""The plugin contract: hook specifications, protocols, and the manager that loads plugins."""

from gome_graph.hooks.contracts import (
    BrowsableMemory,
    Executor,
    GateFacts,
    KeptPredictions,
    Library,
    LoaderMatch,
    Memory,
    Move,
    MoveKind,
    Offer,
    Reasoner,
    SiblingFacts,
    StepContext,
    Strategy,
    TaskBrief,
    Tell,
    TraceView,
    Trial,
    Trials,
    Update,
)
from gome_graph.hooks.specs import hookimpl

__all__ = [
    "BrowsableMemory", "Executor", "GateFacts", "KeptPredictions", "Library", "LoaderMatch", "Memory", "Move",
    "MoveKind", "Offer", "Reasoner",
    "SiblingFacts", "StepContext", "Strategy", "TaskBrief", "Tell", "TraceView", "Trial", "Trials", "Update", "hookimpl",
]  # fmt: skip
