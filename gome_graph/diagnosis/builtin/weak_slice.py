"""Symptom ``weak_slice``: one part of the rows is predicted much worse than the rest."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, listed, unit
from gome_graph.diagnosis.codes import column_codes
from gome_graph.diagnosis.signal import signed_residuals, strongest_within
from gome_graph.records import Component, DiagnosticPack, Finding, SliceFacts

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_Z = 4.5
"""The strongest of a few hundred slices reaches 3.5 by chance; skewed losses stretch that."""
MIN_EXCESS = 0.05
LEARNABLE_Z = 5.0
NOISY = 0.15
"""Weight of a slice whose errors show no pattern: perhaps its rows are only harder, which no model mends."""
PER_SHARE = 6.0
"""What a pattern adds to the weight, times the share of the slice's error variance that it explains: full weight from 14 %."""
UNKNOWN = 0.5
"""Weight where only hard labels are known, so that no pattern can be looked for."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = twice the share of the total loss that the worst slice carries beyond the rest's level, times a weight from 0.15 (its
    errors are merely larger) to 1 (a lean or a pattern by some column explains them)."""
    weak = [(index, s) for index, s in enumerate(pack.slices) if s.z >= MIN_Z and s.excess >= MIN_EXCESS and s.value != "missing"]
    if not weak:
        return
    weights = _weights(pack, data, [s for _, s in weak[:4]])
    ranked = sorted(zip(weak, weights, strict=False), key=lambda item: -item[0][1].excess * item[1])
    (index, worst), weight = ranked[0]
    columns = list(dict.fromkeys([worst.column, *(s.column for (_, s), _ in ranked)]))
    why = "" if weight == UNKNOWN else "; no column explains its errors" if weight == NOISY else "; its errors follow a pattern"
    yield Finding(
        symptom="weak_slice", component=Component.FEATURES, severity=unit(2 * worst.excess * weight),
        summary=f"Rows with {worst.column!r} at {worst.value}: mean loss {worst.loss:.4g} against {worst.rest:.4g} elsewhere "
        f"({worst.rows} rows, z = {worst.z:.1f}, {worst.excess:.0%} of the total loss){why}"
        + (f"; also by {listed(columns[1:], 3)}" if len(columns) > 1 else ""),
        evidence=[*evidence(pack, f"slices.{index}.z"), *evidence(pack, f"slices.{index}.excess"),
                  *(item for (other, _), _ in ranked[:3] if other != index for item in evidence(pack, f"slices.{other}.excess"))],
        direction="features that tell these rows apart (interactions, ratios, group statistics), or a model that splits there",
        columns=columns,
    )  # fmt: skip


def _weights(pack: DiagnosticPack, data: "Measured | None", slices: list[SliceFacts]) -> list[float]:
    residuals = signed_residuals(data) if data is not None else None
    if data is None or residuals is None:
        return [UNKNOWN] * len(slices)
    codes = column_codes(data.frame, pack.profile)
    groups = {(codes.columns[owner], label): group for group, (owner, label) in enumerate(zip(codes.owner, codes.labels, strict=True))}
    weights = []
    for s in slices:
        group = groups.get((s.column, s.value))
        pattern = strongest_within(residuals, codes, group) if group is not None else None
        if pattern is None:
            weights.append(UNKNOWN)
        else:
            weights.append(min(1.0, NOISY + PER_SHARE * max(0.0, pattern.share)) if pattern.z >= LEARNABLE_Z else NOISY)
    return weights
