"""What a prompt is made of: each section's text, written from the step's context alone.

A section is a plain string; empty where there is nothing to say. Which ones a role is shown stands in its template, what is cut first
where they do not fit stands in `budget`.
"""

from collections.abc import Iterable, Mapping, Sequence

from gome_graph.hooks import SiblingFacts, StepContext, TaskBrief
from gome_graph.reasoners.llm.facts import fact_lines, finding_lines, glossary_lines
from gome_graph.reasoners.llm.logs import own_frames
from gome_graph.records import BudgetStage, ColumnProfile, Diagnosis, Hypothesis, Momentum, Recalled, Solution, StepSummary, VerdictKind
from gome_graph.solution import unified_diff

MOST_COLUMNS = 60
"""Columns described one by one; of more the rest is counted."""
MOST_STEPS = 20
"""Steps of the trace's history that are shown, latest last."""
STAGES = {
    BudgetStage.DRAFT: "draft: a sound first solution that runs quickly matters most",
    BudgetStage.IMPROVE: "improvement: directed changes, one at a time",
    BudgetStage.ENSEMBLE: "late: combine what has worked, avoid risky rewrites",
}


def last_step(context: StepContext) -> Solution | None:
    """What was executed last, if it belongs to the history that is shown: a strategy may go on from another branch of the trace."""
    latest = context.latest
    return latest if latest is not None and context.history and context.history[-1].step == latest.step else None


def task_section(task: TaskBrief) -> str:
    """What is to be predicted and how it is judged."""
    profile, target = task.profile, task.profile.target
    way = "higher is better" if task.higher_is_better else "lower is better"
    lines = [
        f"Target: {', '.join(target.columns)} ({target.kind.value}). Metric: {task.metric}, {way}.",
        f"Rows: {profile.rows} to train on in {profile.folds} given folds, {profile.test_rows + profile.audit_rows} to predict.",
    ]
    if target.classes:
        shares = [f"{label} {share:.3g}" for label, share in zip(target.classes, target.class_shares, strict=False)]
        lines.append(f"Classes (share): {', '.join((shares or target.classes)[:40])}." + _positive(task))
    if profile.group_column:
        lines.append(f"Rows of one group must stay together: {profile.group_column}.")
    if profile.time_column:
        lines.append(f"Rows are ordered in time by {profile.time_column}; the folds are blocks along it.")
    if profile.train_only:
        lines.append(f"Columns that only train has (no inputs): {', '.join(profile.train_only)}.")
    lines += [
        f"Side files: {f.kind.value}, one a row, input/{f.train} and input/{f.test} ({f.key} fills the braces)." for f in profile.row_files
    ]
    lines += profile.made
    lines += [f"Linked table: input/{t.file}, {t.rows} rows, joined by {t.key}." for t in profile.linked_tables]
    return "\n".join(lines)


def _positive(task: TaskBrief) -> str:
    positive = task.profile.target.positive_class
    return f" The positive class is {positive}." if positive is not None else ""


def columns_section(task: TaskBrief) -> str:
    """One line for each input column."""
    columns = task.profile.columns
    lines = [_column(column) for column in columns[:MOST_COLUMNS]]
    if len(columns) > MOST_COLUMNS:
        rest = columns[MOST_COLUMNS:]
        kinds = ", ".join(f"{sum(c.kind is kind for c in rest)} {kind.value}" for kind in dict.fromkeys(c.kind for c in rest))
        lines.append(f"… and {len(rest)} more: {kinds}")
    return "\n".join(lines)


def _column(column: ColumnProfile) -> str:
    parts = [column.kind.value, f"{column.distinct} distinct"]
    if column.missing:
        parts.append(f"{column.missing:.1%} missing")
    if column.skew and abs(column.skew) >= 1:
        parts.append(f"skew {column.skew:.1f}")
    if column.mean_words > 1:
        parts.append(f"{column.mean_words:.0f} words")
    if column.unseen:
        parts.append(f"{column.unseen:.1%} of test rows unseen in train")
    if column.separator:
        parts.append(f"{column.parts} parts split by {column.separator!r}")
    if column.top_values:
        parts.append("for example " + ", ".join(repr(v[:40]) for v in column.top_values[:4]))
    return f"- {column.name}: {'; '.join(parts)}"


def script_limit(context: StepContext) -> float:
    """Seconds the next script should keep to: its own limit, and what can still be fitted again at the end; 0 where nothing is said."""
    return min((limit for limit in (context.time_limit, context.final_limit) if limit > 0), default=0.0)


def budget_section(context: StepContext) -> str:
    """Stage and limits of the next script, rounded: what a model plans with, not a clock."""
    seconds = script_limit(context)
    limit = f" The next script should end within {_rough(seconds)} s." if seconds else ""
    took = f" The accepted script takes {_rough(context.incumbent_seconds)} s." if context.incumbent_seconds else ""
    return f"Stage of the run: {STAGES[context.stage]}.{limit}{took} Cores: {context.cpus}."


def _rough(seconds: float) -> str:
    return f"{float(f'{seconds:.2g}'):g}"


def facts_section(context: StepContext) -> str:
    """The pack as ``reference = value``."""
    return "\n".join(fact_lines(context.pack)) if context.pack is not None else ""


def glossary_section(context: StepContext) -> str:
    """What the names of the facts mean."""
    return "\n".join(glossary_lines(context.pack)) if context.pack is not None else ""


def findings_section(context: StepContext) -> str:
    """What the diagnosers found."""
    return "\n".join(finding_lines(context.findings))


def verdict_section(context: StepContext) -> str:
    """What came of the last step, with its numbers. A refusal for leakage is called leakage."""
    verdict = context.verdict
    if verdict is None or last_step(context) is None:
        return ""
    title = context.history[-1].hypothesis if context.history else ""
    measured = {
        "score": verdict.score.value if verdict.score else None,
        "gain": verdict.gain,
        "standard error of the gain": verdict.gain_error,
        "gain in noise units": verdict.gain_in_noise,
        "P(better)": verdict.p_better,
        "needed": verdict.threshold,
    }
    numbers = [f"{name} {value:.4g}" for name, value in measured.items() if value is not None]
    what = f"Verdict {verdict.kind.value}: {verdict.reason}"
    return "\n".join(part for part in (f"Last step: {title}" if title else "", what, ", ".join(numbers)) if part)


def diff_section(context: StepContext) -> str:
    """The last step's change against the accepted script, where it was not accepted."""
    latest = last_step(context)
    if context.incumbent is None or latest is None or latest.script == context.incumbent.script:
        return context.pack.diff if context.pack is not None else ""
    return unified_diff(context.incumbent.script, latest.script, "accepted", "last step")


def log_section(context: StepContext) -> str:
    """How a failed script ended."""
    return own_frames(context.pack.execution.log_tail) if context.pack is not None and not context.pack.execution.ok else ""


def history_section(history: Sequence[StepSummary]) -> str:
    """The trace's steps, oldest first; the latest are kept."""
    return "\n".join(_step(step) for step in history[-MOST_STEPS:])


def _step(step: StepSummary) -> str:
    score = f", score {step.score:.5g}" if step.score is not None else ""
    gain = f", gain {step.gain_in_noise:+.2f} noise units" if step.gain_in_noise is not None else ""
    why = f" ({step.reason})" if step.outcome not in (VerdictKind.ACCEPTED, VerdictKind.NOT_BETTER) and step.reason else ""
    return f"- {step.step} [{step.component.value}] {step.hypothesis}: {step.outcome.replace('_', ' ')}{score}{gain}{why}"


def siblings_section(siblings: Sequence[SiblingFacts]) -> str:
    """What other traces run now and hold, hypotheses in flight included."""
    lines = []
    for sibling in siblings:
        now = sibling.hypothesis
        flying = f"is trying: {now.title}" + (f" ({now.family})" if now.family else "") if now is not None else "is between steps"
        holds = f"; holds a {sibling.incumbent.family or 'solution'}" if sibling.incumbent is not None else "; holds nothing yet"
        score = f" scored {sibling.score:.5g}" if sibling.score is not None else ""
        lines.append(f"- trace {sibling.trace} {flying}{holds}{score}")
    return "\n".join(lines)


def successes_section(momentum: Momentum) -> str:
    """What worked, in this run and before, most relevant first. Roots are left out: they beat nothing."""
    return "\n".join(_recalled(recalled) for recalled in momentum.successes if recalled.experience.gain is not None)


def failures_section(momentum: Momentum, unwritten: Mapping[str, str] | None = None) -> str:
    """What failed, and what could not be written: not to be repeated."""
    lines = [_recalled(recalled) for recalled in momentum.failures]
    lines += [f"- {title}: could not be written ({reason})" for title, reason in (unwritten or {}).items()]
    return "\n".join(lines)


def _recalled(recalled: Recalled) -> str:
    then = recalled.experience
    score = f"gain {then.gain_in_noise:+.2f} noise units, " if then.success or then.verdict is VerdictKind.NOT_BETTER else ""
    why = f": {then.reason}" if then.reason and not then.success else ""
    return f"- {then.hypothesis.title} [{then.hypothesis.component.value}]: {score}{then.verdict.value.replace('_', ' ')}{why}"


def diagnosis_section(diagnosis: Diagnosis) -> str:
    """The gradient, for the roles that act on it."""
    evidence = "; ".join(f"{e.ref}{f' ({e.note})' if e.note else ''}" for e in diagnosis.evidence)
    lines = [f"Cause: {diagnosis.cause}", f"Direction: {diagnosis.direction} [{diagnosis.component.value}]"]
    if evidence:
        lines.append(f"Evidence: {evidence}")
    if diagnosis.falsifier:
        lines.append(f"It would be wrong if: {diagnosis.falsifier}")
    return "\n".join(lines)


def hypotheses_section(hypotheses: Sequence[Hypothesis], notes: Mapping[str, str] | None = None) -> str:
    """Numbered proposals, best first; `notes` by title say what else is known of them."""
    lines = []
    for number, hypothesis in enumerate(hypotheses, start=1):
        note = (notes or {}).get(hypothesis.title, "")
        lines.append(f"{number}. {hypothesis.title} [{hypothesis.component.value}]: {hypothesis.rationale}{f' {note}' if note else ''}")
    return "\n".join(lines)


def hints_section(hints: Iterable[str]) -> str:
    """The user's words."""
    return "\n".join(f"- {' '.join(hint.split())}" for hint in hints)
