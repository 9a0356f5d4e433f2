"""Symptom ``skewed_target``: a long-tailed target is learnt on its raw scale."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, script_of, unit
from gome_graph.diagnosis.quality import in_logs
from gome_graph.records import Component, DiagnosticPack, Finding, TargetKind

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_SKEW = 1.0
REMEDIES = ("log1p", "log", "log10", "log2", "sqrt", "boxcox", "yeojohnson", "TransformedTargetRegressor", "PowerTransformer",
            "QuantileTransformer", "PoissonRegressor", "TweedieRegressor", "GammaRegressor")  # fmt: skip
OBJECTIVES = frozenset({"tweedie", "poisson", "gamma", "Tweedie", "Poisson", "count:poisson", "reg:gamma", "reg:tweedie", "RMSLE",
                        "reg:squaredlogerror", "mae", "regression_l1", "huber", "quantile", "MAE", "absolute_error"})  # fmt: skip


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.8 where the metric itself takes logarithms, else (|skew| - 1) / 5 up to 0.6; none if the script transforms the target
    or has an objective for it."""
    target = pack.profile.target
    if data is None or pack.score is None or target.kind not in (TargetKind.REGRESSION, TargetKind.MULTI_REGRESSION):
        return
    logs = in_logs(data.metric)
    if abs(target.skew) < MIN_SKEW and not logs:
        return
    script = script_of(data)
    if not script.parsed or script.mentions(*REMEDIES) or not script.strings.isdisjoint(OBJECTIVES):
        return
    yield Finding(
        symptom="skewed_target", component=Component.TRAINING, severity=unit(0.8 if logs else min(0.6, (abs(target.skew) - 1) / 5)),
        summary=(f"{pack.score.metric} compares logarithms" if logs else f"The target has skewness {target.skew:.1f}")
        + " and the script learns it on its raw scale",
        evidence=[*evidence(pack, "profile.target.skew"), *evidence(pack, "score.metric")],
        direction="fit log1p of the target and undo it in the predictions" if target.nonnegative else "fit a power transform of the target",
        columns=list(target.columns),
    )  # fmt: skip
