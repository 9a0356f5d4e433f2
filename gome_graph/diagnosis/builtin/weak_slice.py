"""Symptom ``weak_slice``: one part of the rows is predicted much worse than the rest."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, listed, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_Z = 4.5
"""The strongest of a few hundred slices reaches 3.5 by chance; skewed losses stretch that."""
MIN_EXCESS = 0.05


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = twice the share of the total loss that the worst slice carries beyond the rest's level."""
    weak = [(index, s) for index, s in enumerate(pack.slices) if s.z >= MIN_Z and s.excess >= MIN_EXCESS and s.value != "missing"]
    if not weak:
        return
    index, worst = max(weak, key=lambda item: item[1].excess)
    columns = list(dict.fromkeys(s.column for _, s in weak))
    yield Finding(
        symptom="weak_slice", component=Component.FEATURES, severity=unit(2 * worst.excess),
        summary=f"Rows with {worst.column!r} at {worst.value}: mean loss {worst.loss:.4g} against {worst.rest:.4g} elsewhere "
        f"({worst.rows} rows, z = {worst.z:.1f}, {worst.excess:.0%} of the total loss)"
        + (f"; also by {listed(columns[1:], 3)}" if len(columns) > 1 else ""),
        evidence=[*evidence(pack, f"slices.{index}.z"), *evidence(pack, f"slices.{index}.excess"),
                  *(item for other, _ in weak[:3] if other != index for item in evidence(pack, f"slices.{other}.excess"))],
        direction="features that tell these rows apart (interactions, ratios, group statistics), or a model that splits there",
        columns=columns,
    )  # fmt: skip
