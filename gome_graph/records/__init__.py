"""The vocabulary of architecture.md as types. Everything here is frozen and JSON-serialisable."""

from gome_graph.records.base import Bytes, Component, Record, Seconds, Stage, StepId, TraceId, field_docs, step_id
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
from gome_graph.records.facts import (
    AgreementFacts,
    DataFacts,
    DriftFacts,
    DuplicateFacts,
    GroupFacts,
    LabelNoiseFacts,
    LeakFacts,
    OrderFacts,
    SpreadFacts,
    StructureFacts,
)
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
    "JOURNAL_VERSION", "AgreementFacts", "BudgetStage", "Bytes", "CalibrationFacts", "Check", "ClassFacts", "ColumnKind",
    "ColumnProfile", "Component", "DataFacts", "Diagnosis", "DiagnosticPack", "DriftFacts", "DuplicateFacts", "Edit", "Event",
    "EventKind", "Evidence", "Execution", "Experience", "FileKind", "Finding", "FoldFacts", "GroupFacts", "Hypothesis",
    "LabelNoiseFacts", "LeakFacts", "Limits", "LinkedTable", "Momentum", "OrderFacts", "Outcome", "Patch", "Protections", "RecallQuery",
    "Recalled", "Record", "ResidualFacts", "RowFiles", "Score", "ScriptJob", "Seconds", "SliceFacts", "Solution", "SpreadFacts",
    "Stage", "StepId", "StepSummary", "StructureFacts", "TargetKind", "TargetProfile", "TaskProfile", "TraceId", "Verdict",
    "VerdictKind", "field_docs", "step_id",
]  # fmt: skip
