"""Symptom ``high_cardinality``: a category with very many values is encoded one value at a time."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import column_evidence, script_of, unit, used
from gome_graph.records import ColumnKind, Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MANY = 50
PLAIN = ("OneHotEncoder", "OrdinalEncoder", "LabelEncoder", "get_dummies", "factorize", "codes")
REMEDIES = ("TargetEncoder", "CatBoostEncoder", "LeaveOneOutEncoder", "JamesSteinEncoder", "MEstimateEncoder", "GLMMEncoder",
            "CountEncoder", "HashingEncoder", "FeatureHasher", "CatBoostClassifier", "CatBoostRegressor", "min_frequency",
            "max_categories", "GapEncoder", "MinHashEncoder", "StringEncoder", "TableVectorizer")  # fmt: skip


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.3 x log10(values / 10), at least 0.2: 100 values 0.3, 1,000 values 0.6."""
    script = script_of(data)
    if not script.parsed or not script.mentions(*PLAIN) or script.mentions(*REMEDIES):
        return
    many = sorted((c for c in used(pack, ColumnKind.CATEGORY) if c.distinct > MANY), key=lambda c: -c.distinct)
    if not many:
        return
    names = [column.name for column in many]
    top = many[0]
    yield Finding(
        symptom="high_cardinality", component=Component.FEATURES, severity=unit(max(0.2, 0.3 * math.log10(top.distinct / 10))),
        summary=f"{top.name!r} has {top.distinct} values in {pack.profile.rows} rows and is encoded one by one"
        + (f" (and {len(many) - 1} more such columns)" if len(many) > 1 else ""),
        evidence=column_evidence(pack, names, "distinct"),
        direction="out-of-fold target or count encoding, or group the rare values", columns=names,
    )  # fmt: skip
