"""A run or a step, as tables and text for the terminal."""

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gome_graph.cli.display.screen import style_of
from gome_graph.report.format import duration, harmless, percent, score_text
from gome_graph.report.words import outcome_line, verdict_numbers, verdict_word

if TYPE_CHECKING:
    from gome_graph.report.story import RunView
    from gome_graph.run import RunDirectory

FILES = ("hypothesis", "solution", "execution", "verdict", "diagnosis", "findings", "momentum", "patch")
"""Records of a step that ``gome show --json`` gives."""


def run_facts(run: "RunDirectory", view: "RunView", status: str) -> dict[str, Any]:
    """The run as one JSON object."""

    def dump(score: Any) -> Any:
        return score.model_dump(mode="json") if score else None

    return {
        "run": str(run.root), "task": view.task, "status": status, "metric": view.metric, "higher_is_better": view.higher_is_better,
        "budget_seconds": view.budget_seconds, "elapsed": view.elapsed, "best_step": view.best_step, "best": dump(view.best),
        "baseline": dump(view.baseline), "audit": dump(view.audit), "warnings": view.warnings, "hints": view.hints,
        "steps": [
            {"step": s.step, "trace": s.trace, "parent": s.parent, "title": s.title, "verdict": s.verdict.kind.value if s.verdict else None,
             "score": dump(s.score), "started": s.started, "ended": s.ended}
            for s in view.steps
        ],
        "protections": view.protections, "versions": view.versions,
        "models": _asked(view),
    }  # fmt: skip


def _asked(view: "RunView") -> dict[str, Any] | None:
    """What language models used; None where none was asked."""
    from dataclasses import asdict

    if not view.asked:
        return None
    roles = {role: {**asdict(use), "models": sorted(use.models)} for role, use in view.asked.by_role.items()}
    return {"tokens": view.asked.tokens, "cost": view.asked.cost, "troubles": view.asked.troubles, "by_role": roles}


def show_run(run: "RunDirectory", view: "RunView", status: str) -> list[Any]:
    """Head, table of steps, warnings."""
    head = Text(harmless(view.task or run.root.name), style="bold")
    head.append(f"   {view.metric}   {status}", style="not bold")
    facts = _Facts()
    facts.add("best", Text.assemble((score_text(view.best), "bold green"), f"   step {view.best_step}" if view.best_step else ""))
    facts.add("baseline", score_text(view.baseline))
    if view.status is not None:
        facts.add("audit", score_text(view.audit))
    if view.asked:
        facts.add("models", view.asked.line() or "no answer")
    facts.add("time", f"{duration(view.elapsed)} of {duration(view.budget_seconds)}, {view.phase}")
    steps = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("step", "from", "at"):
        steps.add_column(name, no_wrap=True)
    steps.add_column("score", no_wrap=True)
    steps.add_column("verdict", no_wrap=True)
    steps.add_column("hypothesis", ratio=1)
    for step in view.steps:
        mark = " ★" if step.step == view.best_step else ""
        word = Text(verdict_word(step) or ("…" if step.dropped is None else ""), style=style_of(step) if step.verdict else "cyan")
        title = Text(harmless(step.title))
        steps.add_row(step.step + mark, step.parent or "", duration(step.started), score_text(step.score, ""), word, title)
    notes = [Text(f"warning: {harmless(text)}", style="yellow") for text in view.warnings]
    return [head, facts, steps, *notes]


def step_facts(run: "RunDirectory", step: str) -> dict[str, Any]:
    """The step's records as one JSON object."""
    folder = run.step(step)
    return {"step": step, "folder": str(folder.root), **{name: folder.load(name) for name in FILES}}


def show_step(run: "RunDirectory", view: "RunView", step: str) -> list[Any]:
    """Hypothesis, diagnosis with evidence, momentum, patch, run, verdict with its checks."""
    from gome_graph.cli.commands.inspect import coloured
    from gome_graph.report.steps import step_diff

    found = view.find(step)
    if found is None:
        return [Text(f"{step}: nothing journalled yet")]
    head = Text(f"{step}  ", style="bold cyan").append(harmless(found.title), style="bold default")
    facts = _Facts()
    if found.hypothesis is not None:
        facts.add("why", found.hypothesis.rationale)
        facts.add("component", f"{found.hypothesis.component.value}   family {found.hypothesis.family or '-'}"
                      + (f"   technique {found.hypothesis.technique}" if found.hypothesis.technique else ""))  # fmt: skip
    if found.parent:
        facts.add("from", found.parent)
    if found.verdict is not None:
        facts.add(
            "verdict",
            Text(verdict_word(found), style=style_of(found)).append(f"   {found.verdict.reason}", style="default not bold"),
        )
        facts.add("score", score_text(found.score))
        if verdict_numbers(found):
            facts.add("numbers", verdict_numbers(found))
        for check in found.verdict.checks:
            sign = Text("✓ ", style="green") if check.passed else Text("✗ ", style="bold red")
            facts.add("check", sign.append(f"{check.name}  {check.detail}", style="default not bold"))
    if found.execution is not None:
        facts.add("script", f"{outcome_line(found)}   CPU {duration(found.execution.cpu_seconds)}")
    for number, line in enumerate(found.reasoned):
        facts.add("came about" if number == 0 else "", harmless(line))
    parts: list[Any] = [head, facts]
    if found.diagnosis is not None:
        parts += ["", _diagnosis(found)]
    if found.momentum and (found.momentum.get("successes") or found.momentum.get("failures")):
        parts += ["", _momentum(found.momentum)]
    text = step_diff(run, found)
    if text:
        parts += ["", Text("patch", style="bold"), coloured(text)]
    tail = found.execution.log_tail.strip() if found.execution else ""
    if tail and found.execution is not None and not found.execution.ok:
        parts += ["", Text("log", style="bold"), Padding(Text(harmless(tail, keep_lines=True)), (0, 2))]
    return parts


def _diagnosis(step: Any) -> Any:
    from gome_graph.report.steps import short

    diagnosis = step.diagnosis
    grid = _Facts()
    grid.add("cause", diagnosis.cause)
    grid.add("direction", diagnosis.direction)
    for evidence in diagnosis.evidence:
        grid.add("evidence", f"{evidence.ref} = {short(evidence.value)}  {evidence.note}")
    grid.add("expected", f"{diagnosis.expected_gain:+.2f} noise units, confidence {percent(diagnosis.confidence)}")
    if diagnosis.falsifier:
        grid.add("wrong if", diagnosis.falsifier)
    for finding in step.findings:
        grid.add("finding", f"{finding.symptom} ({finding.severity:.2f}): {finding.summary}")
    title = Text("diagnosis", style="bold").append(f"  of {step.base}" if step.base else "", style="dim not bold")
    return Group(title, grid)


def _momentum(momentum: dict[str, Any]) -> Any:
    grid = _Facts()
    for kind, sign in (("successes", "worked"), ("failures", "failed")):
        for each in momentum.get(kind, []):
            grid.add(sign, f"{each.get('weight', 0.0):+.2f}  {each.get('step', '')}  {each.get('title', '')}")
    return Group(Text("momentum", style="bold").append(f"  of {momentum.get('considered', 0)} experiences", style="dim not bold"), grid)


class _Facts(Table):
    """Two columns, name and value; no value can steer the terminal."""

    def __init__(self) -> None:
        super().__init__(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        self.add_column(style="dim", no_wrap=True)
        self.add_column(overflow="fold")

    def add(self, name: str, value: "str | Text") -> None:
        """One fact."""
        text = Text(value) if isinstance(value, str) else value.copy()
        text.plain = harmless(text.plain)
        self.add_row(name, text)
