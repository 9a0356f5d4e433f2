"""What the report and ``gome show`` say of one step beyond the journal: its patch and records, from the step's folder."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gome_graph.report.format import harmless
from gome_graph.solution import unified_diff

if TYPE_CHECKING:
    from gome_graph.report.story import RunView, StepView
    from gome_graph.run import RunDirectory

DIFF_LINES = 400
"""Longest diff that is shown whole."""

LOG_CHARACTERS = 4000
QUIET_LOG_CHARACTERS = 800
"""Log shown of a script that ended well."""

VALUE_CHARACTERS = 160


@dataclass
class StepPage:
    """One step as the template needs it."""

    view: "StepView"
    state: str
    """``accepted``, ``rejected``, ``failed`` or ``open``: its colour."""
    word: str
    best: bool
    baseline: bool
    diff: list[tuple[str, str]] = field(default_factory=list)
    """(kind of line, text): ``add``, ``del``, ``hunk``, ``file`` or ``same``."""
    diff_cut: int = 0
    """Lines left out."""
    root_script: str | None = None
    log: str = ""
    evidence: list[tuple[str, str, str]] = field(default_factory=list)
    momentum: dict[str, Any] = field(default_factory=dict)
    folds: list[tuple[float, float]] = field(default_factory=list)
    """(score, height 0 to 1) of each fold."""


def script_of(run: "RunDirectory", step: str | None) -> str | None:
    """The step's script; None if it is not written yet."""
    solution = run.step(step).solution() if step else None
    return None if solution is None else solution.script


def step_diff(run: "RunDirectory", step: "StepView") -> str:
    """Unified diff of the step's script against its parent's; empty for a root."""
    new, old = script_of(run, step.step), script_of(run, step.parent)
    if new is None or old is None:
        return ""
    return unified_diff(old, new, f"{step.parent}/solution.py", f"{step.step}/solution.py")


def step_page(run: "RunDirectory", view: "RunView", step: "StepView") -> StepPage:
    """Everything the page shows of a step; what is damaged on disk is left out."""
    from gome_graph.report.chart import step_state

    verdict = step.verdict
    word = verdict.kind.value.replace("_", " ") if verdict else "in hand" if step.dropped is None else "not begun"
    page = StepPage(step, step_state(step), word, step.step == (view.chosen or view.best_step), step.step == view.baseline_step)
    lines = diff_lines(step_diff(run, step))
    page.diff, page.diff_cut = lines[:DIFF_LINES], max(len(lines) - DIFF_LINES, 0)
    if not lines and step.parent is None:
        page.root_script = script_of(run, step.step)
    if step.execution is not None:
        limit = QUIET_LOG_CHARACTERS if step.execution.ok else LOG_CHARACTERS
        page.log = harmless(step.execution.log_tail.strip(), keep_lines=True)[-limit:]
    if step.diagnosis is not None:
        page.evidence = [(e.ref, short(e.value), e.note) for e in step.diagnosis.evidence]
    page.momentum = _momentum(run, step)
    if step.score is not None and len(step.score.by_fold) > 1:
        low, high = min(step.score.by_fold), max(step.score.by_fold)
        page.folds = [(v, 0.25 + 0.75 * (v - low) / (high - low) if high > low else 1.0) for v in step.score.by_fold]
    return page


def short(value: Any) -> str:
    """A JSON value in a line."""
    text = value if isinstance(value, str) else json.dumps(_rounded(value), ensure_ascii=False, default=str)
    return text if len(text) <= VALUE_CHARACTERS else text[: VALUE_CHARACTERS - 1] + "…"


def _rounded(value: Any) -> Any:
    """Floats to five significant digits, however deep they sit."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return {k: _rounded(v) for k, v in value.items()} if isinstance(value, dict) else value


def diff_lines(text: str) -> list[tuple[str, str]]:
    """A unified diff as (kind of line, text); see `StepPage.diff`."""
    kinds = {"+": "add", "-": "del", "@": "hunk"}
    lines = []
    for line in harmless(text, keep_lines=True).splitlines():
        lines.append(("file" if line.startswith(("+++ ", "--- ")) else kinds.get(line[:1], "same"), line))
    return lines


def _momentum(run: "RunDirectory", step: "StepView") -> dict[str, Any]:
    """The full record where it is on disk, else what the journal kept of it."""
    value = run.step(step.step).load("momentum") or step.momentum or {}
    rows = []
    for kind, sign in (("successes", "worked"), ("failures", "failed")):
        for each in value.get(kind, []):
            experience = each.get("experience") or {}
            title = (experience.get("hypothesis") or {}).get("title") or each.get("title", "")
            rows.append({
                "sign": sign, "step": experience.get("key") or each.get("step", ""), "title": title, "weight": each.get("weight"),
                "similarity": each.get("similarity"), "gain": experience.get("gain_in_noise"),
            })  # fmt: skip
    return {"considered": value.get("considered", 0), "rows": rows} if value else {}
