"""Grade a submission against the private answers, after a run. The only place that opens them."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import TaskError
from gome_graph.task.infer import lead_column, prediction_columns, read_tables
from gome_graph.task.metrics import Metric, find_metric
from gome_graph.task.spec import Task
from gome_graph.task.submission import FormatError, SubmissionFormat
from gome_graph.task.tables import numbers, read_table
from gome_graph.task.targets import make_format, target_facts

if TYPE_CHECKING:
    import pandas as pd

DECIMALS = 5
"""Scores are rounded to the leaderboards' precision before they are compared with thresholds."""
MEDALS = ("gold", "silver", "bronze")


def grade(task: Task, submission: Path) -> dict[str, Any]:
    """Score a submission file and place it among the medal thresholds.

    Returns
    -------
    dict
        ``score`` (rounded to 5 decimals, None if invalid), ``valid``, ``reason`` (why not valid), ``medal`` (a score equal to the threshold
        counts, as in MLE-Bench), ``above_median`` (strictly), ``thresholds``, ``metric``, ``higher_is_better``.

    Raises
    ------
    TaskError
        The task has no answers, or they do not fit it.
    """
    if task.answers is None:
        raise TaskError(f"Task {task.name!r} has no private answers, so it cannot be graded.")
    metric = find_metric(task.metric)
    result: dict[str, Any] = {
        "score": None, "valid": False, "reason": None, "medal": None, "above_median": False, "thresholds": task.thresholds,
        "metric": metric.name, "higher_is_better": metric.higher_is_better,
    }  # fmt: skip
    tables = read_tables(task)
    answers = read_table(task.answers)
    facts = [target_facts(name, tables.train[name].to_numpy(dtype=object)) for name in task.target]
    form = make_format(
        metric, facts, lead_column(tables, task.id, task.target), prediction_columns(tables, task.id, task.target), tables.sample
    )
    try:
        given = form.read(submission.resolve())
        form, given = _widened(form, metric, given, answers)
        truth, ids = _truth(task, form, answers)
        score = metric.score(truth, form.predictions(given, ids, unknown_ok=True))
    except FormatError as error:
        return result | {"reason": str(error)}
    if math.isnan(score):
        return result | {"reason": f"{metric.name} is undefined for these predictions (all the same?)"}
    result |= {"score": round(score, DECIMALS), "valid": True}
    return result | _place(result["score"], task.thresholds, higher=metric.higher_is_better)


def _place(score: float, thresholds: dict[str, float] | None, *, higher: bool) -> dict[str, Any]:
    """Medal and whether the median is beaten."""
    if not thresholds:
        return {"medal": None, "above_median": False}
    sign = 1.0 if higher else -1.0
    medal = next((name for name in MEDALS if name in thresholds and sign * score >= sign * thresholds[name]), None)
    return {"medal": medal, "above_median": "median" in thresholds and sign * score > sign * thresholds["median"]}


def _truth(task: Task, form: SubmissionFormat, answers: "pd.DataFrame") -> tuple[NDArray[Any], NDArray[np.str_]]:
    """(encoded truth, ids) of the answers: a table with the targets, or with one indicator column a class."""
    if form.id_column is not None and form.id_column not in answers.columns:
        raise TaskError(f"{task.answers} has no id column {form.id_column!r}; it does not belong to this task.")
    ids = np.arange(len(answers)).astype(np.str_) if form.id_column is None else answers[form.id_column].to_numpy(dtype=np.str_)
    renamed = dict(zip(form.columns, form.targets, strict=False)) if form.kind != "probabilities" else {}
    if all(name in answers.columns for name in form.targets):
        return form.truth(answers), ids
    if form.kind == "probabilities" and all(name in answers.columns for name in form.columns):
        indicators = [numbers(answers[name].to_numpy(dtype=object)) for name in form.columns]
        known = [column for column in indicators if column is not None]
        if len(known) == len(indicators):
            return np.column_stack(known).argmax(axis=1).astype(np.int64), ids
    if renamed and all(name in answers.columns for name in renamed):
        return form.truth(answers.rename(columns=renamed)), ids
    raise TaskError(f"{task.answers} has neither the target columns nor the submission's columns; it does not belong to this task.")


def _widened(
    form: SubmissionFormat, metric: Metric, given: "pd.DataFrame", answers: "pd.DataFrame"
) -> tuple[SubmissionFormat, "pd.DataFrame"]:
    """For grades judged by distance: predictions are rounded, and every whole number in reach is a grade, whether train has it or not."""
    if metric.name != "qwk" or form.columns[0] not in given.columns or form.targets[0] not in answers.columns:
        return form, given
    predicted, true = (numbers(cells.to_numpy(dtype=object)) for cells in (given[form.columns[0]], answers[form.targets[0]]))
    if predicted is None or not np.isfinite(predicted).all():
        raise FormatError(f"column {form.columns[0]!r} must hold a number in every row")
    if true is None:
        return form, given
    rounded = np.round(predicted).astype(np.int64)
    reach = [rounded.min(), rounded.max(), true.min(), true.max()]
    classes = [str(grade) for grade in range(int(min(reach)), int(max(reach)) + 1)]
    return form.model_copy(update={"classes": classes}), given.assign(**{form.columns[0]: rounded.astype(str).astype(object)})
