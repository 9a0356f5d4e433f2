"""The gradient: measured facts, deterministic findings, and the reasoner's diagnosis of them."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from gome_graph.records.base import Bytes, Component, Record, Seconds, StepId
from gome_graph.records.execution import Execution
from gome_graph.records.facts import AgreementFacts, DataFacts, LabelNoiseFacts, SpreadFacts, StructureFacts
from gome_graph.records.profile import TaskProfile
from gome_graph.records.score import Score


class Evidence(Record):
    """A pointer to a measured fact. It must resolve: ``pack.resolve(ref)`` finds it, or it is dropped and counted."""

    ref: str
    """Dotted path into the diagnostic pack, for example ``score.by_fold`` or ``slices.0.gap``."""
    value: Any = None
    """The value found there when the evidence was written (JSON)."""
    note: str = ""
    """What it shows, in a few words."""


class Finding(Record):
    """One symptom, found by a diagnosis plugin from measurements alone."""

    symptom: str
    """Stable snake_case name, for example ``overfit`` or ``unused_column``; techniques refer to it."""
    component: Component
    severity: float = Field(ge=0, le=1)
    """0 harmless, 1 it decides the score."""
    summary: str
    """One sentence for people, with numbers."""
    evidence: list[Evidence] = []
    direction: str = ""
    """Suggested direction of change, in words."""
    columns: list[str] = []
    """Columns concerned, if any."""
    source: str = ""
    """Name of the diagnoser or plugin; filled in by the caller."""


class Diagnosis(Record):
    """The reasoner's structured gradient: a cause and a direction, with evidence and a way to be proven wrong."""

    findings: list[str] = []
    """Symptoms of the findings it rests on."""
    cause: str
    direction: str
    component: Component
    evidence: list[Evidence] = []
    expected_gain: float = 0.0
    """Predicted gain in noise units (gain / standard error of the paired difference)."""
    confidence: float = Field(default=0.5, ge=0, le=1)
    """Stated probability that the step is accepted; Brier-scored over the run."""
    cost_seconds: Seconds = 0.0
    """Predicted run time of the next script."""
    falsifier: str = ""
    """What measurement would show the diagnosis to be wrong."""
    unresolved_evidence: int = 0
    """Evidence references that did not resolve and were dropped."""


class FoldFacts(Record):
    """What the script reported of one fold of one of its models."""

    fold: int
    model: str = ""
    train_score: float | None = None
    """The metric on the rows it was fitted on."""
    valid_score: float | None = None
    """The metric on the fold's held-out rows, as the script saw it (for curves only; never used as a score)."""
    seconds: Seconds | None = None
    iterations: int | None = None
    """Boosting rounds or solver iterations used."""
    max_iterations: int | None = None
    """The cap on them."""
    kept: bool = False
    """Taken over from an earlier run of the same code, not fitted again."""


class SliceFacts(Record):
    """Error on one slice of the rows against all other rows."""

    column: str
    value: str
    """Value or interval of the slice."""
    rows: int
    loss: float
    """Mean loss in the slice (row loss of the metric, or a proxy for metrics that do not decompose)."""
    rest: float
    """Mean loss on the other rows."""
    z: float
    """Difference in standard errors; positive is worse than the rest."""
    excess: float
    """Share of the total loss that would vanish if the slice were as good as the rest."""


class ResidualFacts(Record):
    """Shape of the residuals ``y - prediction`` (regression)."""

    mean: float
    std: float
    skew: float
    outlier_share: float
    """Share beyond 4 robust standard deviations."""
    outlier_loss: float
    """Share of the total squared loss those rows carry."""
    trend: float
    """Correlation of |residual| with the prediction (heteroscedasticity)."""
    above: float = 0.5
    """Share of the rows whose truth lies above the prediction: one half where medians are predicted."""


class ClassFacts(Record):
    """How one class fares (classification)."""

    label: str
    share: float
    """Share of the rows."""
    predicted_share: float
    recall: float
    precision: float


class CalibrationFacts(Record):
    """Stated against observed probabilities."""

    bins: list[tuple[float, float, int]]
    """(mean predicted, observed share, rows) per bin."""
    error: float
    """Expected calibration error."""
    lean: float = 0.0
    """Mean stated probability minus observed share, of the class where they differ most."""
    lean_class: str = ""
    """That class."""
    lean_z: float = 0.0
    """The difference in standard errors."""
    gain: float | None = None
    """What one temperature fitted on the other half of the folds would take off the log loss; None for several targets."""
    temperature: float | None = None
    """That temperature (mean of both halves): above 1 where the model is too sure."""


class StepSummary(Record):
    """One line of a trace's history."""

    step: StepId
    hypothesis: str
    """Its title."""
    technique: str | None
    component: Component
    outcome: str
    """The verdict's kind."""
    reason: str = ""
    """The verdict's sentence."""
    source: str = ""
    """`Hypothesis.source`."""
    score: float | None = None
    gain_in_noise: float | None = None
    seconds: Seconds = 0.0


class DiagnosticPack(Record):
    """Facts that the controller measured about one step. Everything a diagnoser or reasoner may rest on; no audit data."""

    step: StepId
    profile: TaskProfile
    execution: Execution
    verdict: str | None = None
    """Kind of the step's verdict, None before validation."""
    verdict_reason: str = ""
    score: Score | None = None
    """Recomputed out-of-fold score; None if there are no valid predictions."""
    folds: list[FoldFacts] = []
    """What the script reported per fold and model (telemetry)."""
    curve: list[tuple[float, float]] = []
    """Learning curve (share of training rows, score), if known."""
    slices: list[SliceFacts] = []
    """Worst slices first."""
    residuals: ResidualFacts | None = None
    classes: list[ClassFacts] = []
    calibration: CalibrationFacts | None = None
    best_threshold: tuple[float, float] | None = None
    """(threshold, metric gain over the labels submitted) for binary label metrics, when the script saved probabilities."""
    used_columns: list[str] = []
    """Columns the script said, or its text shows, that it uses."""
    unused_columns: list[str] = []
    importance: dict[str, float] = {}
    """Feature use by input column, sums to 1, where the script reported it."""
    text_as_category: list[str] = []
    """Text columns that the script feeds to a category encoder."""
    phases: dict[str, Seconds] = {}
    """Seconds by phase of the script (load, features, fit, predict)."""
    warnings: list[str] = []
    """Distinct warnings from the log (ConvergenceWarning …)."""
    peak_memory_bytes: Bytes = 0
    history: list[StepSummary] = []
    """Earlier steps of the trace, oldest first."""
    diff: str = ""
    """Unified diff against the incumbent's script."""
    drift: float | None = None
    """AUC of telling train from test rows apart, if measured (``tables.drift``)."""
    tables: DataFacts | None = None
    """Facts of the tables alone; the same for every step of a run."""
    spread: list[SpreadFacts] = []
    """Where the errors of numbers are larger than elsewhere, most uneven first."""
    structure: list[StructureFacts] = []
    """What the errors of neighbours in time, or of one entity's rows, have in common; strongest first."""
    label_noise: LabelNoiseFacts | None = None
    agreement: list[AgreementFacts] = []
    """How alike the members of the blend are, by pair (telemetry and residuals)."""
    decisions: dict[str, float] = {}
    """Gain in the metric (positive is better) of other ways to choose labels from the same probabilities, over the labels submitted."""
    distinct_predictions: int = 0
    """Distinct values among the predictions of one column, counted up to 3; 0 if there are none."""
    weights: dict[str, float] = {}
    """Weight of each member of the script's blend, as it reported them (telemetry); they add up to 1."""
    trivial_score: float | None = None
    """The metric of the best constant prediction, recomputed by us: what any solution must beat."""
    time_limit: Seconds = 0.0
    """Wall limit the script had; 0 if unknown."""
    cpus: int = 0
    """Cores the script was given; 0 if unknown."""
    memory_limit: Bytes = 0
    """Memory the script may use; 0 if unknown or not limited."""
    malformed_telemetry: int = 0
    """Telemetry lines that were not understood and dropped."""

    def resolve(self, ref: str) -> Any:
        """Follow a dotted path such as ``slices.0.z``; raises `KeyError` if nothing is there.

        Examples
        --------
        ``pack.resolve("execution.wall_seconds")``
        """
        here: Any = self
        for part in ref.split("."):
            if isinstance(here, Record):
                if part not in type(here).model_fields:
                    raise KeyError(ref)
                here = getattr(here, part)
            elif isinstance(here, dict):
                if part not in here:
                    raise KeyError(ref)
                here = here[part]
            elif isinstance(here, list | tuple):
                if not part.isdigit() or int(part) >= len(here):
                    raise KeyError(ref)
                here = here[int(part)]
            else:
                raise KeyError(ref)
        if here is None:
            raise KeyError(ref)
        return here


class BudgetStage(StrEnum):
    """Where a run is in its budget (gome.md, "Stages by time used")."""

    DRAFT = "draft"
    IMPROVE = "improve"
    ENSEMBLE = "ensemble"
