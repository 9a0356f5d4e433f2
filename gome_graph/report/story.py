"""The run as a story: the journal folded into what people look at.

`RunView` is built from events and nothing else, so the live view, ``gome show`` and the report cannot disagree, and folding the journal
of a finished run gives what the live view ended with.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gome_graph.records import BudgetStage, Diagnosis, Event, EventKind, Execution, Finding, Hypothesis, Score, Seconds, Verdict
from gome_graph.report.asked import Asked
from gome_graph.report.reasoned import sentence
from gome_graph.report.status import is_live
from gome_graph.run.budget import DRAFT_SHARE, ENSEMBLE_SHARE

if TYPE_CHECKING:
    from gome_graph.run import RunDirectory

DOING = {
    EventKind.DIAGNOSED: "recalling",
    EventKind.RECALLED: "updating",
    EventKind.STEP_STARTED: "executing",
    EventKind.UPDATED: "executing",
    EventKind.EXECUTED: "validating",
    EventKind.VALIDATED: "remembering",
    EventKind.REMEMBERED: "diagnosing",
}
"""What a trace does after an event of this kind."""


@dataclass
class StepView:
    """One step, as far as it has come."""

    step: str
    trace: int
    number: int
    started: Seconds
    """Budget seconds when the step's first event was written."""
    ended: Seconds | None = None
    """Budget seconds of its verdict; None before."""
    parent: str | None = None
    family: str = ""
    hypothesis: Hypothesis | None = None
    diagnosis: Diagnosis | None = None
    base: str | None = None
    """The step whose facts the diagnosis rests on."""
    findings: list[Finding] = field(default_factory=list)
    momentum: dict[str, Any] | None = None
    patch: dict[str, Any] | None = None
    execution: Execution | None = None
    verdict: Verdict | None = None
    reasoned: list[str] = field(default_factory=list)
    """How a reasoner came to it, in sentences."""
    dropped: str | None = None
    """Why nothing came of it: the trace ended after the diagnosis, before a script was written."""

    @property
    def title(self) -> str:
        """The hypothesis in a line."""
        if self.hypothesis is not None:
            return self.hypothesis.title
        return "diagnosing" if self.dropped is None else f"no step: {self.dropped}"

    @property
    def score(self) -> Score | None:
        """The step's validation score."""
        return self.verdict.score if self.verdict else None

    @property
    def accepted(self) -> bool:
        """True once the step was accepted."""
        return self.verdict is not None and self.verdict.accepted


@dataclass
class TraceView:
    """One trace."""

    trace: int
    doing: str = "drafting"
    steps: list[StepView] = field(default_factory=list)
    ended: str | None = None
    """Why the trace is over; None while it goes on."""

    @property
    def current(self) -> StepView | None:
        """The step in hand, or the last one."""
        return self.steps[-1] if self.steps else None

    @property
    def judged(self) -> StepView | None:
        """The last step that has a verdict."""
        return next((s for s in reversed(self.steps) if s.verdict is not None), None)

    @property
    def accepted(self) -> int:
        """Accepted steps."""
        return sum(s.accepted for s in self.steps)


@dataclass
class FinalRun:
    """One re-run of a top-k solution."""

    step: str
    seed: int
    outcome: str
    score: Score | None


@dataclass
class RunView:
    """Everything the views show. `apply` is its only mutator."""

    task: str = ""
    metric: str = ""
    higher_is_better: bool | None = None
    seed: int = 0
    budget_seconds: Seconds = 0.0
    elapsed: Seconds = 0.0
    parts: dict[str, str] = field(default_factory=dict)
    """reasoner, strategy, executor, memory: names."""
    protections: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    inferred: list[str] = field(default_factory=list)
    derived_from: dict[str, str] | None = None
    """run and step that the run began with, if it was derived."""
    data: dict[str, Any] = field(default_factory=dict)
    """rows, test_rows, audit_rows, folds, split."""
    phase: str = "starting"
    """``starting``, ``preparing``, ``running``, ``paused`` (waits for a person), ``finalising`` or ``ended``."""
    traces: list[TraceView] = field(default_factory=list)
    best_step: str | None = None
    best: Score | None = None
    asked: Asked = field(default_factory=Asked)
    """What language models were asked, and what they used."""
    warnings: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    pinned: str | None = None
    """The step that a person wants handed out."""
    selected: list[str] = field(default_factory=list)
    """Steps that finalise re-runs."""
    final_runs: list[FinalRun] = field(default_factory=list)
    status: str | None = None
    """Of the `RunResult`; None before the end."""
    chosen: str | None = None
    audit: Score | None = None
    first: Score | None = None
    final: Score | None = None
    resumed: int = 0
    """How often the run was taken up again."""

    @property
    def steps(self) -> list[StepView]:
        """All steps, in the order in which they began."""
        return sorted((s for t in self.traces for s in t.steps), key=lambda s: (s.started, s.trace, s.number))

    @property
    def judged(self) -> int:
        """Steps with a verdict."""
        return sum(s.verdict is not None for s in self.steps)

    @property
    def accepted(self) -> int:
        """Accepted steps."""
        return sum(t.accepted for t in self.traces)

    @property
    def baseline(self) -> Score | None:
        """The best of the traces' first drafts: what improvement is measured against."""
        if self.first is not None:
            return self.first
        best: Score | None = None
        for trace in self.traces:
            score = trace.steps[0].score if trace.steps and trace.steps[0].number == 0 and trace.steps[0].accepted else None
            if score is not None and (best is None or score.better_than(best)):
                best = score
        return best

    @property
    def baseline_step(self) -> str | None:
        """The draft that `baseline` comes from."""
        wanted = self.baseline
        drafts = [t.steps[0] for t in self.traces if t.steps and t.steps[0].number == 0]
        return next((s.step for s in drafts if wanted is not None and s.score is not None and s.score.value == wanted.value), None)

    @property
    def stage(self) -> BudgetStage:
        """Draft, improve or ensemble, by the share of time used."""
        used = self.elapsed / self.budget_seconds if self.budget_seconds else 0.0
        return BudgetStage.DRAFT if used < DRAFT_SHARE else BudgetStage.ENSEMBLE if used > ENSEMBLE_SHARE else BudgetStage.IMPROVE

    def find(self, step: str) -> StepView | None:
        """The step of that name."""
        return next((s for t in self.traces for s in t.steps if s.step == step), None)

    def apply(self, event: Event) -> None:
        """Take one event in. Events must come in the journal's order."""
        self.elapsed = max(self.elapsed, event.elapsed)
        if event.kind in _RUN:
            _RUN[event.kind](self, event)
        elif event.kind in _STEP and event.trace is not None:
            trace = self._trace(event.trace)
            if event.kind is EventKind.TRACE_ENDED:
                _end_trace(trace, str(event.data.get("reason", "")))
            elif event.kind is EventKind.VETOED:
                _take_step(_step(trace, event), event)  # the trace goes on with what it does
                if event.step == self.best_step:
                    self.best_step = self.best = None  # another best follows, if there is one
            elif event.step is not None:
                self.phase = "running" if self.phase in ("starting", "preparing") else self.phase
                step = _step(trace, event)
                step.dropped = None
                _take_step(step, event)
                trace.ended, trace.doing = None, DOING.get(event.kind, trace.doing)
                self._note_direction(event)

    def _trace(self, number: int) -> TraceView:
        while len(self.traces) <= number:
            self.traces.append(TraceView(len(self.traces)))
        return self.traces[number]

    def _note_direction(self, event: Event) -> None:
        if self.higher_is_better is None and event.kind is EventKind.VALIDATED:
            score = (event.data.get("verdict") or {}).get("score")
            if score:
                self.higher_is_better = bool(score["higher_is_better"])


def fold(events: Iterable[Event]) -> RunView:
    """The view of a journal."""
    view = RunView()
    for event in events:
        view.apply(event)
    return view


def story_of(run: "RunDirectory") -> RunView:
    """The view of a run on disk.

    The journal says a thing once; a run that was resumed after its end and found nothing left to do keeps the result in ``run.json``.
    """
    view = fold(run.events())
    take_kept_result(view, run)
    return view


def take_kept_result(view: RunView, run: "RunDirectory") -> None:
    """Let a view of a run that was resumed after its end know the result again."""
    if view.status is None and view.resumed and not is_live(run):
        result = run.record().get("result")
        if result:
            _take_result(view, result.get("step"), result)


def _step(trace: TraceView, event: Event) -> StepView:
    name = str(event.step)
    found = next((s for s in trace.steps if s.step == name), None)
    if found is None:
        found = StepView(name, trace.trace, int(name.rpartition("-")[2]), event.elapsed)
        trace.steps.append(found)
    return found


def _end_trace(trace: TraceView, reason: str) -> None:
    trace.ended, trace.doing = reason, "ended"
    last = trace.current
    if last is not None and last.hypothesis is None:
        last.dropped = reason


def _take_step(step: StepView, event: Event) -> None:
    data = event.data
    if event.kind is EventKind.STEP_STARTED:
        step.parent, step.family = data.get("parent"), data.get("family", "")
        step.hypothesis = Hypothesis.model_validate(data["hypothesis"])
    elif event.kind is EventKind.UPDATED:
        step.hypothesis, step.patch = Hypothesis.model_validate(data["hypothesis"]), data.get("patch")
    elif event.kind is EventKind.DIAGNOSED:
        step.diagnosis, step.base = Diagnosis.model_validate(data["diagnosis"]), data.get("base")
        step.findings = [Finding.model_validate(f) for f in data.get("findings", [])]
    elif event.kind is EventKind.RECALLED:
        step.momentum = data.get("momentum")
    elif event.kind is EventKind.REASONED:
        said = sentence(data)
        if said not in step.reasoned:  # a node that is repeated after a kill says it again
            step.reasoned.append(said)
    elif event.kind is EventKind.EXECUTED:
        step.execution = Execution.model_validate(data["execution"])
    elif event.kind is EventKind.VALIDATED:
        step.verdict, step.ended = Verdict.model_validate(data["verdict"]), event.elapsed
    elif event.kind is EventKind.VETOED:
        step.verdict = Verdict.model_validate(data["verdict"])


def _score(value: Any) -> Score | None:
    return None if value is None else Score.model_validate(value)


def _started(view: RunView, event: Event) -> None:
    data = event.data
    view.task, view.metric, view.seed = data.get("task", ""), data.get("metric", ""), int(data.get("seed", 0))
    view.higher_is_better = data.get("higher_is_better", view.higher_is_better)
    view.budget_seconds = float(data.get("budget_seconds", 0.0))
    view.parts = {k: str(data[k]) for k in ("reasoner", "strategy", "executor", "memory") if k in data}
    view.protections, view.versions = data.get("protections") or {}, data.get("versions") or {}
    view.inferred = list(data.get("inferred") or [])
    view.derived_from = data.get("derived_from")
    view.phase = "preparing"
    if data.get("traces"):
        view._trace(int(data["traces"]) - 1)


def _prepared(view: RunView, event: Event) -> None:
    view.data = {k: v for k, v in event.data.items() if k != "profile"}
    view.inferred += (event.data.get("profile") or {}).get("made", [])
    view.phase = "running"


def _resumed(view: RunView, event: Event) -> None:
    view.resumed += 1
    if view.phase != "paused":
        view.phase = "running" if view.data else "preparing"
    view.status = None


def _best(view: RunView, event: Event) -> None:
    view.best_step, view.best = event.step, _score(event.data.get("score"))


def _finalising(view: RunView, event: Event) -> None:
    view.phase, view.selected = "finalising", list(event.data.get("selected", []))


def _final_run(view: RunView, event: Event) -> None:
    data = event.data
    run = FinalRun(str(event.step), int(data.get("seed", 0)), str(data.get("outcome", "")), _score(data.get("score")))
    if run not in view.final_runs:  # a run that was resumed in finalise may say it again
        view.final_runs.append(run)


def _finished(view: RunView, event: Event) -> None:
    _take_result(view, event.step or event.data.get("step"), event.data)


def _take_result(view: RunView, step: str | None, data: dict[str, Any]) -> None:
    view.phase, view.status, view.chosen = "ended", data.get("status"), step
    view.final, view.first, view.audit = (_score(data.get(k)) for k in ("score", "first_score", "audit"))
    if view.final is not None:
        view.best_step, view.best = view.chosen, view.final


def _warning(view: RunView, event: Event) -> None:
    view.warnings.append(str(event.data.get("text", "")))


def _hint(view: RunView, event: Event) -> None:
    view.hints.append(str(event.data.get("text", "")))


def _pinned(view: RunView, event: Event) -> None:
    view.pinned = event.step


def _paused(view: RunView, event: Event) -> None:
    view.phase = "paused"


def _decided(view: RunView, event: Event) -> None:
    view.phase = "running" if event.data.get("action") == "continue" else "finalising"


_RUN: dict[EventKind, Callable[[RunView, Event], None]] = {
    EventKind.RUN_STARTED: _started,
    EventKind.TASK_PREPARED: _prepared,
    EventKind.RESUMED: _resumed,
    EventKind.BEST: _best,
    EventKind.FINALISING: _finalising,
    EventKind.FINAL_RUN: _final_run,
    EventKind.RUN_FINISHED: _finished,
    EventKind.WARNING: _warning,
    EventKind.HINT: _hint,
    EventKind.ANSWERED: lambda view, event: view.asked.answered(event),
    EventKind.MODEL_TROUBLE: lambda view, event: view.asked.trouble(event),
    EventKind.PINNED: _pinned,
    EventKind.PAUSED: _paused,
    EventKind.DECIDED: _decided,
}

_STEP = frozenset(DOING) | {EventKind.REASONED, EventKind.TRACE_ENDED, EventKind.VETOED}
