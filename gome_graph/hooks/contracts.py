"""What a plugin may be: the protocols behind the hooks. Built-ins implement the same ones."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from gome_graph.records import (
    BudgetStage,
    Diagnosis,
    DiagnosticPack,
    Execution,
    Experience,
    Finding,
    Hypothesis,
    Momentum,
    Patch,
    Protections,
    RecallQuery,
    ScriptJob,
    Seconds,
    Solution,
    Stage,
    StepId,
    StepSummary,
    TaskProfile,
    Verdict,
    VerdictKind,
)


@runtime_checkable
class Executor(Protocol):
    """Runs scripts, contained. One executor serves all traces at once: `run` must be thread-safe."""

    name: str

    def protections(self) -> Protections:
        """Which walls are up on this machine; probed once, cheap afterwards."""
        ...

    def run(self, job: ScriptJob, stopped: Callable[[], bool] = lambda: False) -> Execution:
        """Run ``solution.py`` to its end or its limit and measure it. Never raises for what the script does.

        `stopped` is polled about once a second; when it turns true the whole process group is killed.
        Raises `SandboxError` if the machine, not the script, is at fault.
        """
        ...

    def close(self) -> None:
        """Kill what still runs and release resources."""
        ...


@runtime_checkable
class Memory(Protocol):
    """The success memory. Safe to use from several threads and several processes."""

    name: str

    def remember(self, experience: Experience) -> None:
        """Store durably; once it returns, kill -9 does not lose it. The same key twice replaces."""
        ...

    def recall(self, query: RecallQuery) -> Momentum:
        """Rank stored experiences against hypotheses (architecture.md, "Momentum")."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class BrowsableMemory(Protocol):
    """A memory that can also list what it holds, for people who look into it."""

    def browse(self, *, text: str = "", verdict: str | None = None, offset: int = 0, limit: int = 50) -> tuple[int, list[Experience]]:
        """How many experiences have `text` in hypothesis or task, and that verdict; and `limit` of them, largest gain first."""
        ...


@dataclass(frozen=True)
class TaskBrief:
    """What a reasoner may know of the task: measured facts and the user's words, never labels of the audit part."""

    name: str
    description: str
    metric: str
    """Canonical metric name."""
    higher_is_better: bool
    prediction: str
    """What ``output/oof.csv`` holds: ``label``, ``probability``, ``probabilities`` or ``number`` (see `SubmissionFormat`)."""
    id_column: str | None
    prediction_columns: list[str]
    """Columns after the id in oof.csv and submission.csv."""
    train_file: str
    """File name in ``input/``: ``train.csv``."""
    test_file: str
    sample_submission_file: str | None
    folds_file: str
    """``folds.csv``: columns id, fold."""
    profile: TaskProfile
    limits: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SiblingFacts:
    """What another trace is doing now; hypotheses in flight included."""

    trace: int
    hypothesis: Hypothesis | None
    """Being executed now."""
    incumbent: Solution | None
    score: float | None
    steps: int


class KeptPredictions(Protocol):
    """Out-of-fold predictions of members that earlier steps of the run have fitted, by the key of the code behind them."""

    def keys(self) -> frozenset[str]:
        """Keys of all members that need not be fitted again."""
        ...

    def load(self, key: str) -> Any:
        """Array ``(n,)`` or ``(n, columns)`` over the training rows, on the model's own scale; None if there is none."""
        ...


@dataclass(frozen=True)
class Library:
    """What all traces have found so far, for reasoners that build ensembles from it."""

    solutions: list[Solution]
    """Every solution with a valid score, accepted or not, in the order of their steps."""
    kept: KeptPredictions
    truth: Any
    """Encoded truth of the training rows (see `Metric`), in the order of the predictions."""
    folds: Any


@dataclass(frozen=True)
class StepContext:
    """Everything a reasoner may look at when it thinks about the next step of a trace."""

    task: TaskBrief
    trace: int
    step: int
    """Number of the step being prepared (0 is the draft)."""
    seed: int
    """Derived from the run's seed, trace and step: the only source of randomness a reasoner may use."""
    stage: BudgetStage
    seconds_left: Seconds
    """Budget left for steps (the reserve for finalise already taken off)."""
    cpus: int
    incumbent: Solution | None = None
    """The trace's accepted solution; None before the first acceptance."""
    latest: Solution | None = None
    """The solution that was executed last, accepted or not."""
    verdict: Verdict | None = None
    """The verdict on it, with its numbers."""
    pack: DiagnosticPack | None = None
    """Measured facts of the incumbent, or of the latest step if nothing was accepted or the latest failed to run."""
    findings: list[Finding] = field(default_factory=list)
    history: list[StepSummary] = field(default_factory=list)
    siblings: list[SiblingFacts] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    """Words of the user (``gome instruct``)."""
    insisted: bool = False
    """The user asked for further steps (``gome resume --more``): what is left is to be tried even if it promises little."""
    incumbent_seconds: Seconds = 0.0
    """Wall time of the incumbent at full stage."""
    time_limit: Seconds = 0.0
    """Wall limit the next script will get at full stage."""
    final_limit: Seconds = 0.0
    """Longest solution (wall seconds in a trace, nothing taken over) that can still be fitted again on all rows at the end; 0: no limit."""
    library: Library | None = None
    """None before the first score, or where nothing is kept."""


@dataclass(frozen=True)
class Update:
    """A reasoner's answer: the next script, as a patch on the incumbent (or a new root)."""

    hypothesis: Hypothesis
    patch: Patch
    solution: Solution
    """`solution.script` is the patched text; `solution.step` is set by the caller."""


@dataclass(frozen=True)
class Trial:
    """What came of trying a script out on few rows."""

    execution: Execution
    kind: VerdictKind
    """``accepted`` where it ran and wrote well-formed files: says nothing about its score."""
    reason: str
    """What was wrong, in one sentence; empty where nothing was."""

    @property
    def ok(self) -> bool:
        """True if it ran and wrote well-formed files."""
        return self.kind is VerdictKind.ACCEPTED


class Trials(Protocol):
    """Tries scripts out before they become a step: contained like any run, on a smaller copy of the data, never scored."""

    def run(self, trace: int, step: int, script: str, stage: Stage) -> Trial:
        """Run `script` at ``smoke`` or ``sample`` stage. The same script is run once a step and stage, also after a resume."""
        ...


Tell = Callable[..., None]
"""``tell(trace, step, what, **details)``: a line in the journal on how a step came about (`EventKind.REASONED`)."""


@runtime_checkable
class Reasoner(Protocol):
    """Who thinks. Called by the graph in this order: draft; then diagnose, propose, (recall), update for each further step."""

    name: str

    def draft(self, context: StepContext) -> Update:
        """The first solution of a trace (or a new root), different from what the siblings are doing."""
        ...

    def diagnose(self, context: StepContext) -> Diagnosis:
        """The gradient at the trace's current point."""
        ...

    def propose(self, context: StepContext, diagnosis: Diagnosis) -> list[Hypothesis]:
        """Candidate changes, best first; empty if nothing is left to try."""
        ...

    def update(self, context: StepContext, diagnosis: Diagnosis, hypotheses: list[Hypothesis], momentum: Momentum) -> Update | None:
        """Choose one hypothesis in the light of momentum and apply it; None if nothing is left to try."""
        ...


@dataclass(frozen=True)
class TraceView:
    """What a strategy sees of a trace when it decides how to go on."""

    trace: int
    step: int
    """Number of the step to come."""
    history: list[StepSummary]
    """All judged steps of the trace, oldest first."""
    has_incumbent: bool
    seconds_left: Seconds
    higher_is_better: bool = True
    """Direction of the scores in `history`."""
    progress: float = 0.0
    """Share of the budget that is used, 0 to 1: of the steps where those are counted, else of the seconds."""
    seed: int = 0
    """Derived from the run's seed, trace and step: the only source of randomness a strategy may use."""
    parents: dict[StepId, StepId | None] = field(default_factory=dict)
    """The step that each one was made from; None for roots."""
    confidences: dict[StepId, float] = field(default_factory=dict)
    """Stated probability of acceptance of each step that had a diagnosis."""
    exhausted: frozenset[StepId] = frozenset()
    """Steps from which the reasoner found nothing left to try."""
    validity: float = 1.0
    """Share of the language models' answers that were valid at the first try, in the steps before this one; 1 without models."""


class MoveKind(StrEnum):
    """How a trace goes on."""

    IMPROVE = "improve"
    DEBUG = "debug"
    ROOT = "root"
    STOP = "stop"


@dataclass(frozen=True)
class Move:
    """A strategy's answer."""

    kind: MoveKind
    parent: StepId | None = None
    """The step to go on from: a sound one to improve, a failed one to debug. Improve without one: the trace's incumbent, in the light of
    the failure where the latest script failed."""
    probes: int = 1
    """So many directions are measured at sample stage first, and the best one goes on; 1: no measurement."""


class Strategy(Protocol):
    """Who chooses where the next step starts. Deterministic in the view, so that a run that was killed goes on as it would have."""

    name: str

    def next(self, view: TraceView) -> Move:
        """How the trace goes on from here."""
        ...


@dataclass(frozen=True)
class Offer:
    """A typed descriptor that a registration hook yields; looked up by `name`, built by `factory` only when chosen."""

    name: str
    """What the user types: ``local``, ``rules``, ``chroma``."""
    factory: Callable[..., Any]
    """Called with the validated `config` model (or nothing if there is none) and keyword services documented at the hook."""
    summary: str = ""
    """One line for ``gome plugins``."""
    config: type | None = None
    """Pydantic model of its settings."""
    api_version: int = 1
    requires: Callable[[], list[str]] = list
    """Returns what is missing on this machine, in plain sentences; empty if it can run."""
    wants: frozenset[str] = frozenset()
    """Further services, by keyword, that its factory is given; the hook names those there are. They are made only where they are wanted."""


@dataclass(frozen=True)
class GateFacts:
    """What a gate may look at beside the solution and its verdict; nothing of the audit part."""

    run_dir: Path
    """A gate keeps what it must remember in a folder of its own in there."""
    incumbent: StepId | None
    """The accepted step that would be replaced; None for the first one of a trace."""
    measured: Callable[[StepId], Any]
    """The arrays behind a step (`Measured`), row by row over the same training rows for every step of the run."""


@dataclass(frozen=True)
class LoaderMatch:
    """A task loader's claim on a path."""

    name: str
    load: Callable[[Path], Any]
    """Path -> Task."""
    confidence: float
    """0 to 1; the highest claim loads."""
