"""Symptom ``class_imbalance``: a rare class is hardly ever predicted and the metric minds."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MINDS = frozenset({"balanced_accuracy", "f1", "f1_macro", "mcc", "qwk", "log_loss_balanced"})
"""Metrics under which a rare class weighs more than its rows. Accuracy and proper scores rightly ignore rarity."""
BY_ROWS = frozenset({"mcc", "qwk"})
"""Of these, metrics under which a very rare class still weighs by its rows."""
RARE = 0.5
"""Below this share of an even split a class counts as rare."""
SHORT = 0.7
"""Predicted less often than this part of its true share."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = (1 - recall of the worst rare class) x (1 - its share of an even split); for `BY_ROWS` metrics
    x the share of rows in rare classes against one even class."""
    if pack.score is None or pack.score.metric not in MINDS or len(pack.classes) < 2:
        return
    even = 1.0 / len(pack.classes)
    rare = [
        (index, fact)
        for index, fact in enumerate(pack.classes)
        if 0 < fact.share < RARE * even and fact.predicted_share < SHORT * fact.share and fact.recall < 0.6
    ]
    if not rare:
        return
    index, worst = min(rare, key=lambda item: item[1].recall * item[1].share / even)
    weight = min(1.0, sum(fact.share for _, fact in rare) / even) if pack.score.metric in BY_ROWS else 1.0
    yield Finding(
        symptom="class_imbalance", component=Component.TRAINING, severity=unit((1 - worst.recall) * (1 - worst.share / even) * weight),
        summary=f"Class {worst.label!r} holds {worst.share:.1%} of the rows but is predicted for {worst.predicted_share:.1%}; "
        f"{worst.recall:.0%} of it is found" + (f" ({len(rare)} classes are so)" if len(rare) > 1 else ""),
        evidence=[*evidence(pack, f"classes.{index}.recall"), *evidence(pack, f"classes.{index}.share"),
                  *evidence(pack, f"classes.{index}.predicted_share")],
        direction="weight the classes, or move the decision threshold",
    )  # fmt: skip
