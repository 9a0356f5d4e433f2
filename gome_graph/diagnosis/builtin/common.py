"""Small readings that several diagnosers share."""

from gome_graph.diagnosis.script import ScriptFacts, read_script
from gome_graph.records import ColumnKind, ColumnProfile, DiagnosticPack, Evidence, FoldFacts

INTERPOLATING = ("forest", "extra", "neighbo", "knn", "gaussian_process")
"""Parts of the names of models that fit their training rows (nearly) exactly by construction."""
PERFECT_ONE = frozenset(
    {"accuracy", "balanced_accuracy", "f1", "f1_micro", "f1_macro", "f1_weighted", "roc_auc", "roc_auc_ovr", "average_precision", "mcc",
     "qwk", "r2", "pearson", "spearman", "jaccard_words", "map_at_k"}
)  # fmt: skip
"""Metrics whose perfect value is 1; for the others in use (losses) it is 0."""


def unit(value: float) -> float:
    """`value` cut to [0, 1], two decimals: severities are comparable, not exact."""
    return round(min(1.0, max(0.0, value)), 2)


def evidence(pack: DiagnosticPack, ref: str, note: str = "") -> list[Evidence]:
    """The fact at `ref` as evidence; empty if there is nothing."""
    try:
        value = pack.resolve(ref)
    except KeyError:
        return []
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    elif isinstance(value, list):
        value = [item.model_dump(mode="json") if hasattr(item, "model_dump") else item for item in value[:10]]
    return [Evidence(ref=ref, value=value, note=note)]


def column_evidence(pack: DiagnosticPack, names: list[str], fact: str, note: str = "") -> list[Evidence]:
    """``profile.columns.<i>.<fact>`` of up to four columns."""
    place = {column.name: index for index, column in enumerate(pack.profile.columns)}
    return [item for name in names[:4] if name in place for item in evidence(pack, f"profile.columns.{place[name]}.{fact}", note or name)]


def sign(pack: DiagnosticPack) -> float:
    """+1 if a higher score is better, else -1."""
    return 1.0 if pack.score is None or pack.score.higher_is_better else -1.0


def noise(pack: DiagnosticPack) -> float:
    """Standard error of the score, 0 if unknown."""
    return pack.score.standard_error if pack.score is not None else 0.0


def lift(pack: DiagnosticPack) -> float | None:
    """How far the score is above the trivial predictor's, in the metric's direction and units."""
    if pack.score is None or pack.trivial_score is None:
        return None
    return sign(pack) * (pack.score.value - pack.trivial_score)


def headroom(pack: DiagnosticPack) -> float | None:
    """Distance from the trivial predictor's score to a perfect one."""
    if pack.score is None or pack.trivial_score is None:
        return None
    room = abs((1.0 if pack.score.metric in PERFECT_ONE else 0.0) - pack.trivial_score)
    return room or None


def gaps(pack: DiagnosticPack) -> dict[str, tuple[float, float, list[FoldFacts]]]:
    """Per model that reported both scores: (mean train score, mean validation score, its folds)."""
    grouped: dict[str, list[FoldFacts]] = {}
    for fold in pack.folds:
        if fold.train_score is not None and fold.valid_score is not None:
            grouped.setdefault(fold.model, []).append(fold)
    return {
        model: (
            sum(f.train_score or 0.0 for f in folds) / len(folds),
            sum(f.valid_score or 0.0 for f in folds) / len(folds),
            folds,
        )
        for model, folds in grouped.items()
    }


def gap_share(pack: DiagnosticPack, train: float, valid: float) -> float:
    """Part of what a model gains over the trivial predictor on its own rows that is lost on held-out rows; 0 to 1."""
    gap = sign(pack) * (train - valid)
    base = pack.trivial_score
    own = sign(pack) * (train - base) if base is not None else max(abs(train), abs(valid))
    return min(1.0, max(0.0, gap / own)) if own > 0 else 0.0


def interpolates(model: str) -> bool:
    """True for model names such as ``random_forest``."""
    return any(part in model.lower() for part in INTERPOLATING)


def used(pack: DiagnosticPack, *kinds: ColumnKind) -> list[ColumnProfile]:
    """Input columns of these kinds (all kinds if none are given) that the script uses; all of them if its use is unknown."""
    known = set(pack.used_columns)
    return [c for c in pack.profile.columns if (not kinds or c.kind in kinds) and (not known or c.name in known)]


def dated(pack: DiagnosticPack, column: str) -> bool:
    """True for a column that orders rows in time: a date (the id may be one), or the time column of the split."""
    return column == pack.profile.time_column or any(c.name == column and c.kind is ColumnKind.DATETIME for c in pack.profile.columns)


def script_of(data: object) -> ScriptFacts:
    """The syntax-tree reading of the measured script; an empty one if there is none."""
    script = getattr(data, "script", None)
    return read_script(script) if isinstance(script, str) else ScriptFacts()


def listed(names: list[str], most: int = 4) -> str:
    """``a, b, c and 3 more``."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
