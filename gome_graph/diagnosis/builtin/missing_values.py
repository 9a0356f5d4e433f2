"""Symptom ``missing_values``: a gap says something that the model does not hear, or a column is mostly gaps."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from gome_graph.diagnosis.builtin.common import column_evidence, listed, script_of, unit, used
from gome_graph.diagnosis.codes import ColumnCodes, column_codes
from gome_graph.diagnosis.signal import signed_residuals
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_Z = 4.5
MIN_ROWS = 20
MANY = 0.3
HANDLERS = ("isna", "isnull", "notna", "notnull", "MissingIndicator", "add_indicator", "SimpleImputer", "KNNImputer", "IterativeImputer",
            "fillna", "interpolate", "LGBMClassifier", "LGBMRegressor", "lightgbm", "CatBoostClassifier", "CatBoostRegressor", "catboost",
            "XGBClassifier", "XGBRegressor", "xgboost", "HistGradientBoostingClassifier", "HistGradientBoostingRegressor",
            "TableVectorizer")  # fmt: skip


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = |z| / 20 of the worst gap (mean error, or mean loss, of its rows against the others), or 0.3 x the share of gaps in a
    column that nothing in the script deals with."""
    gappy = [column for column in used(pack) if column.missing > 0]
    if data is None or pack.score is None or not gappy:
        return
    strength = _strength(data, column_codes(data.frame, pack.profile))
    kept = {column.name for column in gappy}
    telling = sorted((name for name, z in strength.items() if name in kept and z >= MIN_Z), key=lambda name: -strength[name])
    if telling:
        worst = telling[0]
        yield Finding(
            symptom="missing_values", component=Component.DATA, severity=unit(strength[worst] / 20),
            summary=f"Rows without {worst!r} err differently from the others (z = {strength[worst]:.1f}): the gap is informative"
            + (f"; so is that of {listed(telling[1:], 3)}" if len(telling) > 1 else ""),
            evidence=[*column_evidence(pack, telling, "missing"), *(e for e in _slice_evidence(pack, worst))],
            direction="add a missing indicator, or a model that takes gaps as they are", columns=telling,
        )  # fmt: skip
        return
    script = script_of(data)
    many = [column.name for column in sorted(gappy, key=lambda c: -c.missing) if column.missing >= MANY]
    if many and script.parsed and not script.mentions(*HANDLERS):
        share = next(column.missing for column in gappy if column.name == many[0])
        yield Finding(
            symptom="missing_values", component=Component.DATA, severity=unit(0.3 * share),
            summary=f"{listed(many)}: up to {share:.0%} of the values are missing and the script does nothing about it",
            evidence=column_evidence(pack, many, "missing"), columns=many,
            direction="impute, add indicators, or drop what is mostly missing",
        )  # fmt: skip


def _slice_evidence(pack: DiagnosticPack, name: str) -> list:  # type: ignore[type-arg]
    from gome_graph.diagnosis.builtin.common import evidence

    return [e for i, s in enumerate(pack.slices) if s.column == name and s.value == "missing" for e in evidence(pack, f"slices.{i}.z")]


def _strength(data: "Measured", codes: ColumnCodes) -> dict[str, float]:
    """|z| of the missing group's mean error (or mean loss, upwards only) against the other rows, by column."""
    groups = np.flatnonzero(codes.missing & (codes.counts >= MIN_ROWS))
    strongest: dict[str, float] = {}
    residuals = signed_residuals(data)
    values = [(column, True) for column in residuals.T] if residuals is not None else []
    if data.row_losses is not None:
        values.append((np.asarray(data.row_losses, dtype=float), False))
    for value, both_sides in values:
        sampled = codes.take(value)
        if not np.isfinite(sampled).all() or sampled.std() == 0:
            continue
        sampled = (sampled - sampled.mean()) / sampled.std()
        for group in groups:
            inside = codes.codes[codes.owner[group]] == group
            if inside.sum() > len(sampled) - MIN_ROWS:
                continue
            a, b = sampled[inside], sampled[~inside]
            error = np.sqrt(a.var() / len(a) + b.var() / len(b))
            z = float((a.mean() - b.mean()) / error) if error > 0 else 0.0
            name = codes.columns[codes.owner[group]]
            strongest[name] = max(strongest.get(name, 0.0), abs(z) if both_sides else z)
    return strongest
