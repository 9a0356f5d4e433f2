"""What a target looks like, which metrics fit it, and the submission format that follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import TaskError
from gome_graph.records import TargetKind
from gome_graph.task.labels import in_style_of, label_key, ordered
from gome_graph.task.metrics import Metric, find_metric
from gome_graph.task.submission import SubmissionFormat
from gome_graph.task.tables import missing, numbers

if TYPE_CHECKING:
    import pandas as pd

FEW_VALUES = 10
"""A whole-number target with at most this many values is taken for classes unless a metric says otherwise."""
MANY_CLASSES = 50
"""A numeric target with more distinct values than this (and than 5 % of the rows) cannot be meant as classes."""


@dataclass(frozen=True)
class TargetFacts:
    """One target column, missing cells left out."""

    name: str
    rows: int
    labels: list[str]
    """Distinct values in order."""
    values: NDArray[np.float64] | None
    """The column as numbers, if it is numeric."""

    @property
    def integer(self) -> bool:
        """All whole numbers."""
        return self.values is not None and bool((self.values == np.round(self.values)).all())

    @property
    def continuous(self) -> bool:
        """Numbers that cannot be meant as classes."""
        if self.values is None:
            return False
        return len(self.labels) > max(MANY_CLASSES, 0.05 * self.rows) or (not self.integer and len(self.labels) > FEW_VALUES)

    @property
    def kind(self) -> str:
        """How it looks by itself: ``binary``, ``classes`` or ``numbers``."""
        if len(self.labels) <= 2:
            return "binary"
        return "classes" if self.values is None or (self.integer and len(self.labels) <= FEW_VALUES) else "numbers"


def target_facts(name: str, cells: NDArray[Any]) -> TargetFacts:
    """Look at a target column ``(n,)`` of text cells. `TaskError` if it holds nothing or one value only."""
    known = cells[~missing(cells)]
    if len(known) == 0:
        raise TaskError(f"Target column {name!r} has no value in any row; name another one with --target.")
    labels = ordered(known)
    if len(labels) == 1:
        raise TaskError(f"Target column {name!r} has one value only ({labels[0]!r}); there is nothing to learn.")
    return TargetFacts(name, len(known), labels, numbers(known))


def default_metric(facts: Sequence[TargetFacts], sample: "pd.DataFrame | None", columns: Sequence[str]) -> str:
    """The usual metric for targets that look like this, where nobody names one."""
    kinds = {fact.kind for fact in facts}
    if len(facts) > 1:
        return "roc_auc" if kinds == {"binary"} else "rmse" if all(fact.values is not None for fact in facts) else "accuracy"
    fact = facts[0]
    if fact.kind == "numbers":
        return "rmse"
    if match_classes(columns, fact.labels, fact.name) is not None:
        return "log_loss"
    if fact.kind == "binary" and sample is not None and columns[0] in sample.columns:
        shown = numbers(sample[columns[0]].to_numpy(dtype=object))
        if shown is not None and bool((shown != np.round(shown)).any()):
            return "roc_auc"
    return "accuracy"


def fitting_metric(metric: Metric, facts: Sequence[TargetFacts], *, stated: bool) -> Metric:
    """`metric`, or its form for more than two classes; `TaskError` if it cannot judge such targets.

    `stated` means that the user named it exactly; then ``f1`` is not widened to ``f1_macro``.
    """
    for fact in facts:
        _check_fit(metric, fact)
    many = any(len(fact.labels) > 2 for fact in facts) and len(facts) == 1
    if metric.name == "roc_auc" and many:
        return find_metric("roc_auc_ovr")
    if metric.name == "f1" and many:
        if stated:
            raise TaskError(
                f"Metric f1 judges two classes, but {facts[0].name!r} has {len(facts[0].labels)}; use f1_macro, f1_micro or f1_weighted."
            )
        return find_metric("f1_macro")
    return metric


def _check_fit(metric: Metric, fact: TargetFacts) -> None:
    if metric.prediction in {"label", "probability"}:
        if fact.continuous:
            raise TaskError(
                f"Metric {metric.name} judges classes, but target {fact.name!r} has {len(fact.labels)} distinct numbers; use rmse or mae."
            )
        if fact.values is None and len(fact.labels) > max(2, fact.rows // 2):
            raise TaskError(
                f"Metric {metric.name} judges classes, but target {fact.name!r} has {len(fact.labels)} values in {fact.rows} rows."
            )
        if metric.name == "qwk" and not fact.integer:
            raise TaskError(
                f"Metric qwk judges whole-number grades, but target {fact.name!r} holds other values; use accuracy or f1_macro."
            )
    if metric.prediction == "number":
        if fact.values is None:
            raise TaskError(
                f"Metric {metric.name} judges numbers, but target {fact.name!r} holds text ({fact.labels[0]!r}); use accuracy or log_loss."
            )
        if not np.isfinite(fact.values).all():
            raise TaskError(f"Target column {fact.name!r} holds infinite values; remove those rows.")
        lowest = float(fact.values.min())
        if (metric.domain == "nonnegative" and lowest < 0) or (metric.domain == "positive" and lowest <= 0):
            bound = "at least 0" if metric.domain == "nonnegative" else "above 0"
            raise TaskError(
                f"Metric {metric.name} needs values {bound}, but target {fact.name!r} goes down to {lowest:g}; use rmse or mae."
            )


def match_classes(columns: Sequence[str], labels: Sequence[str], target: str) -> list[str] | None:
    """The class that each submission column stands for: by its very name, or with one common prefix or suffix around it; else None."""
    if len(columns) < 2 or len(columns) < len(labels):
        return None
    prefix = _common_prefix(columns)
    suffix = _common_prefix([name[::-1] for name in columns])[::-1]
    wanted = {_plain(label): label for label in labels}
    starts = dict.fromkeys(["", f"{target}_", prefix, prefix[: prefix.rfind("_") + 1]])
    ends = dict.fromkeys(["", suffix, suffix[suffix.find("_") :] if "_" in suffix else ""])
    for start in starts:
        for end in ends:
            if not all(name.startswith(start) and name.endswith(end) for name in columns):
                continue
            bare = [name[len(start) : len(name) - len(end)] for name in columns]
            if len(wanted) == len(labels) and set(wanted) <= {_plain(name) for name in bare}:
                return [wanted.get(_plain(name), name) for name in bare]
    return None


def _common_prefix(names: Sequence[str]) -> str:
    low, high = min(names), max(names)
    differs = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low[:differs]


def _plain(name: str) -> str:
    return label_key(name).lower().replace(" ", "_").replace("-", "_")


def make_format(
    metric: Metric, facts: Sequence[TargetFacts], id_column: str | None, columns: Sequence[str], sample: "pd.DataFrame | None"
) -> SubmissionFormat:
    """The submission format of a task: `columns` are the sample submission's prediction columns (or the targets, without a sample)."""
    targets = [fact.name for fact in facts]
    if metric.prediction == "number":
        return SubmissionFormat(kind="number", id_column=id_column, columns=list(columns), targets=targets, domain=metric.domain)
    if metric.prediction in {"text", "ranking"}:
        return SubmissionFormat(kind="text", id_column=id_column, columns=list(columns), targets=targets)
    classes = ordered(label for fact in facts for label in fact.labels)
    positive = classes[1] if len(classes) == 2 else None
    if metric.prediction == "label":
        shown = [] if sample is None else [cell for name in columns for cell in sample[name].unique() if name in sample.columns]
        return SubmissionFormat(
            kind="label", id_column=id_column, columns=list(columns), targets=targets, classes=classes, positive_class=positive,
            written=in_style_of(classes, shown) if shown else [],
        )  # fmt: skip
    matched = match_classes(columns, classes, targets[0]) if len(targets) == 1 else None
    if matched is not None:
        return SubmissionFormat(
            kind="probabilities", id_column=id_column, columns=list(columns), targets=targets, classes=matched, positive_class=positive
        )
    if len(classes) > 2 and len(targets) == 1:
        if sample is not None:
            raise TaskError(
                f"Metric {metric.name} needs a probability column for each of the {len(classes)} classes of {targets[0]!r}, but the sample "
                f"submission has {', '.join(map(repr, columns))}; give one whose columns are the class names, or another metric."
            )
        return SubmissionFormat(kind="probabilities", id_column=id_column, columns=classes, targets=targets, classes=classes)
    if len(classes) > 2:
        raise TaskError(
            f"Metric {metric.name} over several targets needs two classes in each, but the targets have {', '.join(classes[:5])}."
        )
    return SubmissionFormat(
        kind="probability", id_column=id_column, columns=list(columns), targets=targets, classes=classes, positive_class=positive
    )


def target_kind(metric: Metric, facts: Sequence[TargetFacts]) -> TargetKind:
    """The learning problem that the metric makes of the targets."""
    if metric.prediction == "number":
        return TargetKind.REGRESSION if len(facts) == 1 else TargetKind.MULTI_REGRESSION
    if metric.name == "qwk":
        return TargetKind.ORDINAL
    if len(facts) > 1:
        return TargetKind.MULTILABEL
    return TargetKind.BINARY if len(facts[0].labels) == 2 else TargetKind.MULTICLASS
