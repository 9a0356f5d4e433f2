"""Which metric judges a task: what the user says, else what the task says, else the usual one for such a target."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gome_graph.errors import TaskError
from gome_graph.task.describe import metric_in
from gome_graph.task.metrics import Metric, find_metric
from gome_graph.task.sources import Sources
from gome_graph.task.targets import TargetFacts, default_metric, fitting_metric

if TYPE_CHECKING:
    import pandas as pd

_DIRECTIONS = {
    "minimize": False, "minimise": False, "min": False, "lower": False, "lower is better": False,
    "maximize": True, "maximise": True, "max": True, "higher": True, "higher is better": True,
}  # fmt: skip


def choose_metric(
    sources: Sources, facts: Sequence[TargetFacts], sample: "pd.DataFrame | None", columns: Sequence[str], said: list[str]
) -> tuple[Metric, str]:
    """``(metric, where it comes from)``; what is inferred is added to `said`. `TaskError` if it is unknown or does not fit the target.

    Looked for in this order: ``--metric`` or ``task.toml``, ``meta.json``, the description, the shape of the target.
    """
    if sources.metric is not None and sources.metric_source != "meta.json":
        stated = find_metric(sources.metric)
        metric, source = fitting_metric(stated, facts, stated=True), sources.metric_source
        if metric.name != stated.name:
            said.append(f"The metric is {metric.name}, because the target has more than two classes.")
    elif (found := _stated_by_the_task(sources)) is not None:
        stated, source, where = found
        try:
            metric = fitting_metric(stated, facts, stated=False)
        except TaskError as error:
            reason = str(error).rstrip(".")
            raise TaskError(f"{reason} (the metric was read from {where}; name another one with --metric).") from error
        said.append(f"The metric is {metric.name} ({_direction(metric)}), from {where}.")
    else:
        metric, source = (
            fitting_metric(find_metric(default_metric(facts, sample, columns)), facts, stated=False),
            "inferred from the target",
        )
        said.append(f"The metric is {metric.name} ({_direction(metric)}), the usual one for such a target; name another with --metric.")
    _check_direction(sources, metric)
    return metric, source


def _stated_by_the_task(sources: Sources) -> tuple[Metric, str, str] | None:
    """(metric, source, place and words) in ``meta.json`` or the description. An unknown name in the first is excused by the second."""
    unknown: TaskError | None = None
    if sources.metric is not None:
        try:
            return find_metric(sources.metric), "meta.json", f"meta.json ({sources.metric!r})"
        except TaskError as error:
            unknown = error
    found = metric_in(sources.description)
    if found is not None:
        return find_metric(found[0]), "description.md", f"{sources.description_name} ({found[1]!r})"
    if unknown is not None:
        raise TaskError(f"{str(unknown).rstrip('.')} (it was read from meta.json; name one with --metric).") from unknown
    return None


def _check_direction(sources: Sources, metric: Metric) -> None:
    if sources.direction is None:
        return
    wanted = _DIRECTIONS.get(sources.direction.strip().lower())
    if wanted is None:
        raise TaskError(f"direction = {sources.direction!r} in task.toml is unknown; write minimize or maximize.")
    if wanted != metric.higher_is_better:
        raise TaskError(
            f"task.toml says direction = {sources.direction!r}, but for {metric.name} {_direction(metric)}; mend one of the two."
        )


def _direction(metric: Metric) -> str:
    return "higher is better" if metric.higher_is_better else "lower is better"
