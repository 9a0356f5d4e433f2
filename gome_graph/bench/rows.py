"""What came of each run: one row a run, and its best-so-far curve, read from run directories alone."""

import math
from pathlib import Path
from typing import Any

from gome_graph.bench.plan import Arm, Cell, Plan
from gome_graph.bench.runner import ended
from gome_graph.errors import GomeError
from gome_graph.records import Event, EventKind, Score, VerdictKind
from gome_graph.run import RunDirectory, RunResult
from gome_graph.task import Task, grade

CLOCK = ("seconds", "script_seconds", "cpu_seconds", "at_seconds", "at_script_seconds", "to_best_seconds")
"""Columns that the machine decides, not the plan."""


def collect(plan: Plan, out: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows and curve points of all cells whose run has ended, in the order of the plan."""
    rows: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for cell in plan.cells:
        folder = out / "runs" / cell.name
        if ended(folder):
            row, curve = read_run(cell, RunDirectory.open(folder), plan.arms)
            rows.append(row)
            points.extend(curve)
    return rows, points


def read_run(cell: Cell, run: RunDirectory, arms: list[Arm]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One run's row and curve."""
    record, events = run.record(), list(run.events())
    result = RunResult.model_validate(record["result"])
    who = {
        "task": cell.task, "arm": cell.arm.label(arms), "strategy": cell.arm.strategy, "reasoner": cell.arm.reasoner,
        "ablation": cell.arm.ablation, "seed": cell.seed,
    }  # fmt: skip
    curve = [{**who, **point} for point in best_so_far(events)]
    graded = _grade(record, run)
    row = {
        **who, "metric": record["metric"], "higher_is_better": record["higher_is_better"], "status": result.status,
        "validation": _value(result.score), "validation_error": result.score.standard_error if result.score else None,
        "baseline": _value(result.first_score), "audit": _value(result.audit), "test": graded.get("score"),
        "medal": graded.get("medal"), "above_median": graded.get("above_median") if graded.get("thresholds") else None,
        "has_thresholds": bool(graded.get("thresholds")), "test_error": graded.get("reason"), **_steps(events),
        "seconds": result.spent_seconds, "script_seconds": round(sum(map(_script_seconds, events)), 3),
        "cpu_seconds": _spent(events, "cpu_seconds"), **_asked(events),
        "to_best_seconds": curve[-1]["at_seconds"] if curve else None, "to_best_step": curve[-1]["n"] if curve else None,
    }  # fmt: skip
    return row, curve


def best_so_far(events: list[Event]) -> list[dict[str, Any]]:
    """The points where the best accepted validation score of the run rises: number of the judged step (from 1), seconds of the
    run and of its scripts, score."""
    points: list[dict[str, Any]] = []
    best: Score | None = None
    n, scripts = 0, 0.0
    for event in events:
        scripts += _script_seconds(event)
        if event.kind is not EventKind.VALIDATED:
            continue
        n, verdict = n + 1, event.data["verdict"]
        if verdict["kind"] != VerdictKind.ACCEPTED or verdict["score"] is None:
            continue
        score = Score.model_validate(verdict["score"])
        if best is None or score.better_than(best):
            best = score
            points.append(
                {"n": n, "at_seconds": event.elapsed, "at_script_seconds": round(scripts, 3), "score": score.value,
                 "error": score.standard_error}
            )  # fmt: skip
    return points


def _steps(events: list[Event]) -> dict[str, Any]:
    """Steps that started from nothing, steps that changed something, how many of those improved, and what was foreseen of them."""
    parents = {event.step: event.data.get("parent") for event in events if event.kind is EventKind.STEP_STARTED}
    stated = {event.step: event.data["diagnosis"]["confidence"] for event in events if event.kind is EventKind.DIAGNOSED}
    verdicts = {event.step: event.data["verdict"]["kind"] for event in events if event.kind is EventKind.VALIDATED}
    after = [step for step in verdicts if parents.get(step) is not None]
    improving = [step for step in after if verdicts[step] == VerdictKind.ACCEPTED]
    squares = [(stated[step] - (verdicts[step] == VerdictKind.ACCEPTED)) ** 2 for step in after if step in stated]
    silent = (VerdictKind.ACCEPTED, VerdictKind.NOT_BETTER, VerdictKind.STOPPED)
    return {
        "steps": len(verdicts), "drafts": len(verdicts) - len(after), "after": len(after), "improving": len(improving),
        "improvement_rate": len(improving) / len(after) if after else None,
        "failed": sum(kind not in silent for kind in verdicts.values()),
        "brier": sum(squares) / len(squares) if squares else None,
    }  # fmt: skip


def _asked(events: list[Event]) -> dict[str, Any]:
    """Tokens and dollars of a language model; dollars are None where no price is known, both 0 where none was asked."""
    answers = [event.data for event in events if event.kind is EventKind.ANSWERED]
    prices = [answer["cost"] for answer in answers]
    return {
        "tokens": sum((answer["tokens_in"] or 0) + (answer["tokens_out"] or 0) for answer in answers),
        "cost": None if None in prices else round(sum(prices), 6),
    }


def _script_seconds(event: Event) -> float:
    """What scripts took until the event, probes on the sample included."""
    if event.kind is EventKind.EXECUTED:
        return float(event.data["execution"]["wall_seconds"])
    return sum(probe["seconds"] for probe in event.data.get("probes", [])) if event.kind is EventKind.UPDATED else 0.0


def _spent(events: list[Event], what: str) -> float:
    return round(sum(event.data["execution"].get(what) or 0.0 for event in events if event.kind is EventKind.EXECUTED), 3)


def _grade(record: dict[str, Any], run: RunDirectory) -> dict[str, Any]:
    """The grade of an ended run, where the task has answers."""
    task = Task.model_validate(record["task_spec"])
    if task.answers is None or not run.submission_path.exists():
        return {}
    try:
        return grade(task, run.submission_path)
    except GomeError as error:
        return {"reason": str(error)}


def _value(score: Score | None) -> float | None:
    return score.value if score is not None and math.isfinite(score.value) else None
