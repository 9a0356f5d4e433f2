"""The vocabulary of architecture.md as types. Everything here is frozen and JSON-serialisable."""

from gome_graph.records.base import Bytes, Component, Record, Seconds, Stage, StepId, TraceId, step_id
from gome_graph.records.diagnosis import (
    BudgetStage,
    CalibrationFacts,
    ClassFacts,
    Diagnosis,
    DiagnosticPack,
    Evidence,
    Finding,
    FoldFacts,
    ResidualFacts,
    SliceFacts,
    StepSummary,
)
from gome_graph.records.event import JOURNAL_VERSION, Event, EventKind
from gome_graph.records.execution import Execution, Limits, Outcome, Protections, ScriptJob
from gome_graph.records.profile import ColumnKind, ColumnProfile, FileKind, LinkedTable, RowFiles, TargetKind, TargetProfile, TaskProfile
from gome_graph.records.score import Score
from gome_graph.records.step import (
    Check,
    Edit,
    Experience,
    Hypothesis,
    Momentum,
    Patch,
    Recalled,
    RecallQuery,
    Solution,
    Verdict,
    VerdictKind,
)

__all__ = [
    "JOURNAL_VERSION", "BudgetStage", "Bytes", "CalibrationFacts", "Check", "ClassFacts", "ColumnKind", "ColumnProfile", "Component",
    "Diagnosis", "DiagnosticPack", "Edit", "Event", "EventKind", "Evidence", "Execution", "Experience", "FileKind", "Finding",
    "FoldFacts", "Hypothesis", "Limits", "LinkedTable", "Momentum", "Outcome", "Patch", "Protections", "RecallQuery", "Recalled",
    "Record", "ResidualFacts", "RowFiles", "Score", "ScriptJob", "Seconds", "SliceFacts", "Solution", "Stage", "StepId", "StepSummary",
    "TargetKind", "TargetProfile", "TaskProfile", "TraceId", "Verdict", "VerdictKind", "step_id",
]  # fmt: skip
