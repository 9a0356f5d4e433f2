"""The step: one hypothesis, its patch, the solution it makes, and the verdict on it."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from gome_graph.records.base import Component, Record, Seconds, StepId, TraceId
from gome_graph.records.score import Score


class Hypothesis(Record):
    """One proposed change and why it should help."""

    title: str
    """Imperative, short: "Blend the linear and the boosted model"."""
    rationale: str
    component: Component
    technique: str | None = None
    """Name in the technique catalog, if it comes from one."""
    source: str = ""
    """Name of the reasoner that thought of it, where a run has several; empty for the rules."""
    family: str = ""
    """Model family of the solution it leads to (``boosting``, ``linear``, ``forest``, ``neighbours``, ``blend`` …)."""
    symptoms: list[str] = []
    """Findings it answers."""
    expected_gain: float = 0.0
    """In noise units."""
    cost_seconds: Seconds = 0.0
    """Predicted run time at full stage."""
    params: dict[str, Any] = {}
    """Settings of the technique for this step (JSON)."""

    @property
    def text(self) -> str:
        """What is embedded for retrieval."""
        return f"{self.title}. {self.rationale}"


class Edit(Record):
    """One search/replace block. `search` must occur exactly once in the script."""

    search: str
    replace: str


class Patch(Record):
    """A change of a script, as search/replace blocks; a root has `whole` instead."""

    edits: list[Edit] = []
    whole: str | None = None
    """Full text, only for the first script of a trace or a new root."""


class Solution(Record):
    """The parameters: a script and how it came to be."""

    step: StepId
    trace: TraceId
    parent: StepId | None = None
    """The accepted step it was patched from; None for a root."""
    merged: list[StepId] = []
    """Other steps whose members' predictions it takes over: its further parents."""
    script: str
    """Full text of ``solution.py``."""
    recipe: dict[str, Any] | None = None
    """The rules reasoner's own description of the script (JSON), if it wrote it."""
    family: str = ""


class VerdictKind(StrEnum):
    """Why a step was accepted or not. A rejection keeps its kind: leakage is not a crash."""

    ACCEPTED = "accepted"
    NOT_BETTER = "not_better"
    LEAKAGE = "leakage"
    BAD_FORMAT = "bad_format"
    MISALIGNED = "misaligned"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    LIMIT = "limit"
    STOPPED = "stopped"
    VETOED = "vetoed"
    """A plugin gate or a person refused it."""


class Check(Record):
    """One deterministic check and what it found."""

    name: str
    passed: bool
    detail: str = ""


class Verdict(Record):
    """The line search: accepted or not, with its numbers."""

    kind: VerdictKind
    reason: str
    """One sentence with the deciding numbers."""
    score: Score | None = None
    """The step's own score, if it has one."""
    against: StepId | None = None
    """The incumbent it was compared with."""
    gain: float | None = None
    """Paired difference in the metric's direction: positive is better."""
    gain_error: float | None = None
    """Standard error of the paired difference."""
    gain_in_noise: float | None = None
    """gain / gain_error, clipped to [-20, 20]."""
    p_better: float | None = None
    """Probability that the step is really better (see validation)."""
    threshold: float | None = None
    """What `p_better` had to reach."""
    checks: list[Check] = []

    @property
    def accepted(self) -> bool:
        """True only for `VerdictKind.ACCEPTED`."""
        return self.kind is VerdictKind.ACCEPTED


class Experience(Record):
    """One remembered step, success or failure."""

    key: str
    """``run/trace/step``: deterministic, so that writing twice is harmless."""
    run: str
    trace: int
    step: StepId
    task: str
    traits: dict[str, Any] = {}
    """Task traits: target kind, metric, rows, columns, text columns …"""
    findings: list[str] = []
    """Findings signature: sorted symptoms."""
    hypothesis: Hypothesis
    patch_summary: str = ""
    gain: float | None = None
    """Raw gain in the metric's direction; for people only, never for ranking."""
    gain_in_noise: float = 0.0
    """Signed, scale-free; failures without a score carry a negative value."""
    cost_seconds: Seconds = 0.0
    verdict: VerdictKind
    reason: str = ""

    @property
    def success(self) -> bool:
        """True if the step was accepted."""
        return self.verdict is VerdictKind.ACCEPTED


class Recalled(Record):
    """An experience with the weight it was retrieved by."""

    experience: Experience
    similarity: float
    """Cosine of the two hypotheses' embeddings."""
    weight: float
    """``cos * exp(-gamma L) + tanh(z)`` (architecture.md, "Momentum")."""
    probability: float
    """Softmax share among the retrieved."""


class Momentum(Record):
    """What memory says about the hypotheses at hand."""

    successes: list[Recalled] = []
    """Two samples and the best one, most weighty first."""
    failures: list[Recalled] = []
    """Nearest failures: things not to repeat."""
    considered: int = 0
    """How many experiences were ranked."""


class RecallQuery(Record):
    """What to look up in memory."""

    hypotheses: list[Hypothesis]
    trace_steps: int = Field(ge=0)
    """L: steps taken on this trace so far (decay of similarity)."""
    seed: int
    """For the two samples; same seed, same memory, same answer."""
    task: str
    run: str
    traits: dict[str, Any] = {}
    """Traits of the task, named as in `Experience`."""
    findings: list[str] = []
    """Symptoms before this step."""
