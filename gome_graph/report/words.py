"""Events and steps in one line of words, without any markup."""

from collections.abc import Callable

from gome_graph.records import Event, EventKind, Outcome, VerdictKind
from gome_graph.report.asked import trouble_line
from gome_graph.report.format import duration, gain_text, harmless, percent, score_text, size
from gome_graph.report.reasoned import sentence
from gome_graph.report.story import RunView, StepView

REFUSED = {
    VerdictKind.NOT_BETTER: "not better",
    VerdictKind.LEAKAGE: "leak",
    VerdictKind.BAD_FORMAT: "bad format",
    VerdictKind.MISALIGNED: "misaligned",
    VerdictKind.CRASHED: "crashed",
    VerdictKind.TIMED_OUT: "timed out",
    VerdictKind.OUT_OF_MEMORY: "out of memory",
    VerdictKind.LIMIT: "hit a limit",
    VerdictKind.STOPPED: "stopped",
    VerdictKind.VETOED: "vetoed",
}
"""Verdicts in a word or two."""


def verdict_word(step: StepView) -> str:
    """``accepted`` or why not; empty before the verdict."""
    if step.verdict is None:
        return ""
    return "accepted" if step.verdict.accepted else REFUSED.get(step.verdict.kind, step.verdict.kind.value.replace("_", " "))


def verdict_numbers(step: StepView) -> str:
    """The deciding numbers: ``+0.0041 ± 0.0012, P 99 %``; empty where there are none."""
    verdict = step.verdict
    if verdict is None or verdict.gain is None:
        return ""
    better = f", P(better) {percent(verdict.p_better)}" if verdict.p_better is not None else ""
    return f"gain {gain_text(verdict.gain, verdict.gain_error)}{better}"


def outcome_line(step: StepView) -> str:
    """How the script's run ended."""
    run = step.execution
    if run is None:
        return ""
    if run.outcome is Outcome.OK:
        return f"ran {duration(run.wall_seconds)}, {size(run.peak_memory_bytes)}"
    what = run.outcome.value.replace("_", " ")
    why = ": ".join(part for part in (run.error_class, run.error_message) if part) or run.detail
    return f"{what} after {duration(run.wall_seconds)}" + (f" ({why})" if why else "")


def line_of(view: RunView, event: Event) -> str:
    """The event as one line; empty for those that say nothing new to a person. `view` has taken the event in."""
    teller = _LINES.get(event.kind)
    return " ".join(harmless(teller(view, event)).split()) if teller else ""


def _validated(view: RunView, event: Event) -> str:
    step = view.find(str(event.step))
    if step is None or step.verdict is None:
        return ""
    if step.verdict.accepted:
        parts = [f"ACCEPTED {score_text(step.score)}", verdict_numbers(step)]
    else:
        score = score_text(step.score) if step.score else ""
        parts = [f"{verdict_word(step)} {score}".strip(), verdict_numbers(step) or step.verdict.reason]
    return f"{event.step}  " + "; ".join(p for p in parts if p)


def _diagnosed(view: RunView, event: Event) -> str:
    step = view.find(str(event.step))
    if step is None or step.diagnosis is None:
        return ""
    return f"{event.step}  diagnosis: {step.diagnosis.cause} -> {step.diagnosis.direction}"


def _started(view: RunView, event: Event) -> str:
    step = view.find(str(event.step))
    return f"{event.step}  {'draft' if step and step.number == 0 else 'step'}: {step.title if step else ''}"


def _finished(view: RunView, event: Event) -> str:
    return f"end: {view.status}, {view.metric} {score_text(view.final)}, audit {score_text(view.audit)}"


_LINES: dict[EventKind, Callable[[RunView, Event], str]] = {
    EventKind.RUN_STARTED: lambda v, e: f"run of {v.task}: {v.metric}, {duration(v.budget_seconds)}, {len(v.traces)} traces, seed {v.seed}",
    EventKind.TASK_PREPARED: lambda v, e: (
        f"prepared {e.data.get('rows')} rows, {e.data.get('folds')} folds, {e.data.get('audit_rows')} audit rows, "
        f"{e.data.get('test_rows')} test rows" + "".join(f"; {text.rstrip('.')}" for text in (e.data.get("profile") or {}).get("made", []))
    ),
    EventKind.RESUMED: lambda v, e: f"resumed after {duration(float(e.data.get('spent_seconds', 0.0)))}",
    EventKind.STEP_STARTED: _started,
    EventKind.EXECUTED: lambda v, e: f"{e.step}  {outcome_line(step)}" if (step := v.find(str(e.step))) else "",
    EventKind.VALIDATED: _validated,
    EventKind.DIAGNOSED: _diagnosed,
    EventKind.BEST: lambda v, e: f"{e.step}  new best {v.metric} {score_text(v.best)}",
    EventKind.HINT: lambda v, e: f"hint: {e.data.get('text', '')}",
    EventKind.REASONED: lambda v, e: f"{e.step}  {sentence(e.data)}" if e.data.get("what") == "fallback" else "",
    EventKind.MODEL_TROUBLE: lambda v, e: f"{e.step}  {trouble_line(e)}: {e.data.get('detail', '')}",
    EventKind.WARNING: lambda v, e: f"warning: {e.data.get('text', '')}",
    EventKind.TRACE_ENDED: lambda v, e: f"trace {e.trace} ended: {e.data.get('reason', '')}",
    EventKind.FINALISING: lambda v, e: f"finalising: {', '.join(v.selected)}",
    EventKind.FINAL_RUN: lambda v, e: (
        f"{e.step}  seed {e.data.get('seed')}: {score_text(v.final_runs[-1].score if v.final_runs else None)}"
    ),
    EventKind.RUN_FINISHED: _finished,
}
