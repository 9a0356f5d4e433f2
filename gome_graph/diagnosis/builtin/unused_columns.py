"""Symptom ``unused_columns``: inputs that the script leaves aside."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import column_evidence, evidence, listed, unit
from gome_graph.diagnosis.codes import column_codes
from gome_graph.diagnosis.signal import column_signals, signed_residuals
from gome_graph.records import ColumnKind, Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

NO_USE = frozenset({ColumnKind.CONSTANT, ColumnKind.IDENTIFIER, ColumnKind.TEXT, ColumnKind.LIST})
"""Constants and identifiers are no loss; texts have a symptom of their own (``unused_text``)."""
MIN_Z = 4.5


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.1 + 8 x the share of held-out error variance that the best unused column explains, columns by that share."""
    kinds = {column.name: column.kind for column in pack.profile.columns}
    unused = [name for name in pack.unused_columns if kinds.get(name) not in NO_USE]
    if not unused:
        return
    shares: dict[str, float] = {}
    residuals = signed_residuals(data) if data is not None else None
    if data is not None and residuals is not None:
        for signal in column_signals(residuals, column_codes(data.frame, pack.profile)):
            if signal.z >= MIN_Z:
                name = signal.columns[0]
                shares[name] = max(shares.get(name, 0.0), signal.share)
    ordered = sorted(unused, key=lambda name: -shares.get(name, 0.0))
    best = shares.get(ordered[0], 0.0)
    yield Finding(
        symptom="unused_columns", component=Component.FEATURES, severity=unit(0.1 + 8 * best),
        summary=f"{len(unused)} of {len(kinds)} input columns are not used: {listed(ordered)}"
        + (f"; {ordered[0]!r} alone explains {best:.1%} of the held-out errors' variance" if best else ""),
        evidence=[*evidence(pack, "unused_columns"), *column_evidence(pack, ordered[:1], "kind")],
        direction="give the model these columns, the informative ones first", columns=ordered,
    )  # fmt: skip
