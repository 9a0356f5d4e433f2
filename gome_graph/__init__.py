"""gome: a machine-learning engineer you can run, read and extend.

The public names, for people who write plugins. They load on first use, so that ``import gome_graph`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gome_graph.hooks import hookimpl as hookimpl  # a decorator without a type would take away that of what it decorates

__version__ = "0.1.0"

_PUBLIC = {
    "gome_graph.hooks": ("Executor", "GateFacts", "LoaderMatch", "Memory", "Move", "MoveKind", "Offer", "Reasoner",
                         "SiblingFacts", "StepContext",
                         "Strategy", "TaskBrief", "TraceView", "Update", "hookimpl"),
    "gome_graph.errors": ("BudgetExceeded", "GomeError", "ModelError", "PatchError", "PluginError", "RunError", "SandboxError",
                          "TaskError"),
    "gome_graph.records": ("BudgetStage", "Check", "ColumnKind", "ColumnProfile", "Component", "Diagnosis", "DiagnosticPack", "Edit",
                           "Event", "EventKind", "Evidence", "Execution", "Experience",
                           "Finding", "Hypothesis", "Limits", "Momentum", "Outcome",
                           "Patch", "Protections", "RecallQuery", "Recalled", "Record", "Score", "ScriptJob", "Solution", "Stage",
                           "StepSummary", "TargetKind", "TargetProfile", "TaskProfile", "Verdict", "VerdictKind"),
    "gome_graph.models": ("Answer", "Ask", "Backend", "CapReached", "ChatBackend", "Failure", "FailureKind",
                          "InvalidAnswer", "ModelUnavailable", "Models", "Reply", "Request", "Role"),
    "gome_graph.reasoners.rules.recipe": ("FeatureStep", "Member", "Recipe"),
    "gome_graph.reasoners.rules.technique": ("Technique", "TechniqueContext"),
    "gome_graph.task": ("Measured", "Metric", "PreparedTask", "SubmissionFormat", "Task"),
}  # fmt: skip
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = [*sorted(_HOME), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gome_graph' has no attribute {name!r}")
