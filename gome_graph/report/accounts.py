"""The accounts of a run: what the time went into, how good the predictions were, validation against audit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gome_graph.records import Score, Seconds
from gome_graph.report.chart import step_state
from gome_graph.report.story import RunView, StepView

if TYPE_CHECKING:
    from gome_graph.run import RunDirectory


@dataclass
class Entry:
    """One kind of spending."""

    kind: str
    text: str
    seconds: Seconds
    share: float
    steps: int | None = None


def spending(view: RunView) -> list[Entry]:
    """Seconds of all traces by kind. Traces run side by side, so they add up to more than the clock."""
    ended = {t.trace: max((s.ended or s.started for s in t.steps), default=0.0) for t in view.traces if t.steps}
    groups: dict[str, list[StepView]] = {"accepted": [], "rejected": [], "failed": []}
    for step in view.steps:
        if step.execution is not None and step.verdict is not None:
            groups.setdefault(step_state(step), []).append(step)
    texts = {
        "accepted": "scripts of accepted steps",
        "rejected": "scripts that were not better",
        "failed": "scripts that failed or were refused",
    }
    seconds = {kind: sum(s.execution.wall_seconds for s in steps if s.execution) for kind, steps in groups.items()}
    first = min((s.started for s in view.steps), default=0.0)
    inside = sum(end - first for end in ended.values())
    own = max(inside - sum(seconds.values()), 0.0)
    tail = max(view.elapsed - max(ended.values(), default=view.elapsed), 0.0) if view.status is not None else 0.0
    total = sum(seconds.values()) + own + tail or 1.0
    entries = [Entry(kind, texts[kind], seconds[kind], seconds[kind] / total, len(groups[kind])) for kind in groups]
    entries.append(Entry("controller", "diagnosis, validation, writing scripts, waiting for a core", own, own / total))
    entries.append(Entry("final", "finalise: re-runs and the final fit", tail, tail / total))
    return entries


@dataclass
class Calibration:
    """How good the predictions of the diagnoses were (gome.md, behaviour 1)."""

    count: int
    brier: float
    """Mean squared difference of stated confidence and acceptance; 0.25 is a coin's."""
    accepted: float
    """Share accepted."""
    stated: float
    """Mean stated confidence."""
    resolved: float
    """Share of evidence references that resolved."""


def calibration(view: RunView) -> Calibration | None:
    """Over all diagnosed steps with a verdict; None if there are none."""
    judged = [(s.diagnosis, s.accepted) for s in view.steps if s.diagnosis is not None and s.verdict is not None]
    if not judged:
        return None
    count = len(judged)
    kept = sum(len(d.evidence) for d, _ in judged)
    lost = sum(d.unresolved_evidence for d, _ in judged)
    return Calibration(
        count=count,
        brier=sum((d.confidence - won) ** 2 for d, won in judged) / count,
        accepted=sum(won for _, won in judged) / count,
        stated=sum(d.confidence for d, _ in judged) / count,
        resolved=kept / (kept + lost) if kept + lost else 1.0,
    )


@dataclass
class AuditRow:
    """Validation beside audit for one step."""

    step: str
    title: str
    validation: Score
    audit: Score
    gap: float
    """Audit minus validation in the metric's direction: negative means the audit is worse."""
    gap_in_errors: float | None
    """`gap` over the standard error of the difference."""
    seeds: list[Score]
    """Scores of finalise's re-runs."""
    chosen: bool


def audit_rows(run: "RunDirectory", view: RunView) -> list[AuditRow] | None:
    """Validation against audit, best validation first; None while the run goes on, for the audit is revealed only at the end."""
    if view.status is None:
        return None
    rows = []
    for step in view.steps:
        audit = run.audit(step.step, view.seed)
        if step.score is None or audit is None or not step.accepted:
            continue
        sign = 1.0 if step.score.higher_is_better else -1.0
        gap = sign * (audit.value - step.score.value)
        error = (step.score.standard_error**2 + audit.standard_error**2) ** 0.5
        seeds = [f.score for f in view.final_runs if f.step == step.step and f.score is not None]
        rows.append(
            AuditRow(step.step, step.title, step.score, audit, gap, gap / error if error > 0 else None, seeds, step.step == view.chosen)
        )
    return sorted(rows, key=lambda r: -r.validation.value if r.validation.higher_is_better else r.validation.value)
