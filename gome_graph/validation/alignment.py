"""Alignment: do the predictions belong to their rows, and were they made without the rows' own labels?

Nothing here runs a script. The audit part is used in secret: the numbers stay in this module, and a verdict learns only whether a probe
spoke and which (one of three kinds), never an audit score.

Probes at full stage, each for what the others cannot see:

``constant``      the same prediction for every row of each fold: it does not depend on the row. The most frequent label alone is no alarm:
                  where classes are uneven an honest classifier may say nothing else.
``labels copied`` a continuous target hit exactly, on training rows only.
``audit gap``     out-of-fold score better than the score on rows whose labels no script has: fitted on what it predicts. Also paired, as
                  the gain
                  over the incumbent out of fold against the gain on the audit rows: much sharper, both are measured on the same rows.
``signal``        predictions that tell nothing about the labels while the same script's audit predictions do (shuffled ids, wrong row
                  order),
                  or nothing about any input either; and the reverse for ``submission.csv``.
``fold signal``   the same for a single fold.
``shift``         confidence (spread, for numbers) out of fold against audit rows: audit rows are exchangeable with training rows, so honest
                  predictions are distributed alike. Averaging over folds differs legitimately, so this probe alone only asks for the
                  permuted-label rerun.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gome_graph.records import Check, VerdictKind
from gome_graph.task.metrics.base import Array, Metric
from gome_graph.validation.comparison import paired_variance
from gome_graph.validation.influence import Influence, variance
from gome_graph.validation.policy import ValidationPolicy
from gome_graph.validation.signals import (
    CLEAR_SIGNAL,
    NO_SIGNAL,
    beats_constant,
    confidence,
    depends_on_inputs,
    exact_share,
    is_constant,
    says_most_frequent,
    signal,
)  # fmt: skip

if TYPE_CHECKING:
    import pandas as pd

LEAST_AUDIT = 30
"""Audit parts smaller than this say nothing."""
ODD_FOLD = 1.5
"""Standard errors by which a fold must stand out before it is examined."""
COPIED = 0.5
"""Share of continuous targets hit exactly that no model reaches."""
DOUBT_GAP = 1.0
"""Noise of a gap that makes a routine rerun worth its cost: one honest step in six."""
ASK_GAP, ASK_SHIFT, ASK_EFFECT = 2.5, 4.0, 0.25
"""Noise of a gap or shift, and size of a shift in standard deviations, that ask for the permuted-label rerun."""


@dataclass(frozen=True)
class Audit:
    """Predictions on the audit rows, in secret."""

    truth: Array
    prediction: Array
    found: Influence
    """Influence of each audit row on the metric there."""


@dataclass
class Examination:
    """What the probes found: the checks for the verdict, the first alarm, and reasons to ask for a permuted-label rerun."""

    checks: list[Check] = field(default_factory=list)
    kind: VerdictKind | None = None
    reason: str = ""
    suspicions: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    """Weaker reasons, which an honest step has now and then."""

    def note(self, name: str, kind: VerdictKind | None, detail: str) -> None:
        """Record one check; `kind` None means passed."""
        self.checks.append(Check(name=name, passed=kind is None, detail=detail))
        if kind is not None and self.kind is None:
            self.kind, self.reason = kind, detail


def examine(
    metric: Metric,
    truth: Array,
    oof: Array,
    found: Influence,
    folds: Array,
    audit: Audit | None,
    *,
    incumbent: tuple[Influence, Audit | None] | None = None,
    inputs: "Callable[[], pd.DataFrame] | None" = None,
    test: "Callable[[], tuple[Array, pd.DataFrame]] | None" = None,
    drifts: bool = False,
    policy: ValidationPolicy,
) -> Examination:
    """Run all probes on full-stage predictions of n rows.

    Parameters
    ----------
    found : influence of each row on the metric over `oof`.
    incumbent : influence and audit view of the incumbent's predictions.
    inputs : gives the table of inputs; called only if the predictions show no signal.
    test : gives predictions and inputs of (some) test rows; called only if the audit rows do not vouch for ``submission.csv``.
    drifts : audit rows are later than training rows (time split), so a gap is no proof and only raises suspicion.
    """
    result = Examination()
    if audit is not None and (len(audit.truth) < LEAST_AUDIT or not math.isfinite(audit.found.value)):
        audit = None
    steady = is_constant(oof, folds)
    if steady and not says_most_frequent(truth, oof):
        result.note(
            "constant", VerdictKind.MISALIGNED, "The out-of-fold predictions are the same in every row; they must depend on the row."
        )
        return result
    result.note("constant", None, "the most frequent label in every row" if steady else "predictions differ from row to row")
    _copied(result, truth, oof, audit)
    _gap(result, metric, truth, oof, found, folds, audit, incumbent, test, drifts, policy)
    _signals(result, metric, truth, oof, found, folds, audit, inputs)
    _test_rows(result, metric, audit, test)
    _shift(result, truth, oof, audit)
    if not math.isfinite(found.value):
        result.note("score", VerdictKind.MISALIGNED, f"The {metric.name} of the out-of-fold predictions is not a number.")
    elif found.rows.any() or not _perfect(truth, oof):
        result.note("perfect", None, "the score is not perfect")
    else:
        result.checks.append(Check(name="perfect", passed=True, detail="every training row is predicted perfectly"))
        result.suspicions.append("a perfect score")
    return result


def gap_noise(metric: Metric, found: Influence, audit: Influence) -> float:
    """(out-of-fold - audit score) in standard errors, positive if the out-of-fold one is better."""
    sign = 1.0 if metric.higher_is_better else -1.0
    own = variance(found.rows, found.units)
    # The audit part draws from the same rows, so its error is at least what its size makes of the out-of-fold one (groups included).
    other = max(variance(audit.rows, audit.units), own * len(found.rows) / len(audit.rows))
    return _ratio(sign * (found.value - audit.value), own + other)


def paired_gap_noise(
    metric: Metric, new: Influence, old: Influence, folds: Array, new_audit: Influence, old_audit: Influence, prior: float
) -> float:
    """(gain out of fold - gain on the audit rows) in standard errors."""
    sign = 1.0 if metric.higher_is_better else -1.0
    own = paired_variance(new.rows - old.rows, new.units if new.units is not None else old.units, folds, prior)
    other = variance(new_audit.rows - old_audit.rows, new_audit.units)
    other = max(other, own * len(new.rows) / len(new_audit.rows))
    return _ratio(sign * ((new.value - old.value) - (new_audit.value - old_audit.value)), own + other)


def _ratio(value: float, noise: float) -> float:
    if noise > 0:
        return value / math.sqrt(noise)
    return math.copysign(50.0, value) if abs(value) > 1e-12 else 0.0


def _perfect(truth: Array, oof: Array) -> bool:
    if oof.ndim == 2 and truth.ndim == 1:
        return bool((oof.argmax(axis=1) == truth).all())
    if truth.dtype.kind in "iu" and oof.dtype.kind == "f":
        return bool(((oof > 0.5) == (truth == 1)).all())
    return bool(np.array_equal(truth, oof))


def _copied(result: Examination, truth: Array, oof: Array, audit: Audit | None) -> None:
    if truth.dtype.kind != "f" or len(np.unique(truth)) < 20:
        return
    share = exact_share(truth, oof)
    if share < COPIED:
        result.note("labels copied", None, f"{100 * share:.1f} % of the targets are hit exactly")
    elif audit is not None and exact_share(audit.truth, audit.prediction) > 0.5 * share:
        result.suspicions.append("targets hit exactly")
    elif audit is not None or not np.array_equal(truth, np.round(truth)):
        result.note("labels copied", VerdictKind.LEAKAGE,
                    f"{100 * share:.0f} % of the out-of-fold predictions equal the row's own target to the last digit; they were "
                    f"copied, not predicted.")  # fmt: skip
    else:
        result.suspicions.append("targets hit exactly")


def _gap(
    result: Examination, metric: Metric, truth: Array, oof: Array, found: Influence, folds: Array, audit: Audit | None,
    incumbent: tuple[Influence, Audit | None] | None, test: "Callable[[], tuple[Array, pd.DataFrame]] | None", drifts: bool,
    policy: ValidationPolicy,
) -> None:  # fmt: skip
    if audit is None:
        result.doubts.append("no unseen rows to confirm the score")
        return
    gap = gap_noise(metric, found, audit.found)
    paired = -math.inf
    if (
        incumbent is not None
        and incumbent[1] is not None
        and math.isfinite(incumbent[0].value)
        and len(incumbent[1].truth) == len(audit.truth)
    ):
        paired = paired_gap_noise(metric, found, incumbent[0], folds, audit.found, incumbent[1].found, policy.fold_prior)
    if gap > ASK_GAP or paired > ASK_GAP:
        result.suspicions.append("a score that rows unseen by the script do not confirm")
    elif gap > DOUBT_GAP or paired > DOUBT_GAP:
        result.doubts.append("a score that rows unseen by the script hardly confirm")
    if drifts or (gap <= policy.gap_noise and paired <= policy.paired_gap_noise):
        result.note("audit gap", None, "out-of-fold predictions are as good as predictions of unseen rows, within noise")
        return
    lost = test is not None and signal(metric, audit.truth, audit.prediction) < NO_SIGNAL and not depends_on_inputs(*test())
    if lost and not _perfect(truth, oof):
        reason = (
            "The predictions in submission.csv have nothing to do with their rows while those in oof.csv do: its rows are in "
            "the wrong order."
        )
        result.note("audit gap", VerdictKind.MISALIGNED, reason)
        return
    result.note("audit gap", VerdictKind.LEAKAGE,
                "The out-of-fold score is far better than the same script's predictions of rows whose labels it cannot see: "
                "labels of the predicted rows reached the model or a feature (fit encoders and models on the other folds "
                "only).")  # fmt: skip


def _signals(
    result: Examination,
    metric: Metric,
    truth: Array,
    oof: Array,
    found: Influence,
    folds: Array,
    audit: Audit | None,
    inputs: "Callable[[], pd.DataFrame] | None",
) -> None:
    weak = weak_fold(found, folds)
    if weak is None and beats_constant(metric, truth, oof, found):
        result.note("signal", None, "predictions and labels belong together")
        return
    own = signal(metric, truth, oof)
    reason = ""
    if own < -CLEAR_SIGNAL:
        reason = "The predictions are worse than shuffled ones: they point the wrong way (another class, or a sign)."
    elif own < NO_SIGNAL and audit is not None and signal(metric, audit.truth, audit.prediction) > CLEAR_SIGNAL:
        reason = (
            "The out-of-fold predictions tell nothing about their rows while those in submission.csv do: oof.csv has its "
            "rows in the wrong order."
        )
    elif own < NO_SIGNAL and inputs is not None and not depends_on_inputs(oof, inputs()):
        reason = "The out-of-fold predictions have nothing to do with any input of their rows: they belong to other rows."
    elif weak is not None and _broken(metric, truth, oof, folds, weak, inputs):
        reason = (
            f"The predictions of fold {weak} tell nothing about their rows while those of the other folds do: its rows are "
            f"in the wrong order."
        )
    passed = "predictions and labels belong together" if own >= NO_SIGNAL else "the predictions tell little about the labels"
    result.note("signal", VerdictKind.MISALIGNED if reason else None, reason or passed)


def _test_rows(result: Examination, metric: Metric, audit: Audit | None, test: "Callable[[], tuple[Array, pd.DataFrame]] | None") -> None:
    if test is None or (audit is not None and signal(metric, audit.truth, audit.prediction) > CLEAR_SIGNAL):
        return
    if depends_on_inputs(*test()):
        result.note("test rows", None, "predictions of test rows follow their inputs")
        return
    reason = "The predictions in submission.csv have nothing to do with any input of their rows: its rows are in the wrong order."
    result.note("test rows", VerdictKind.MISALIGNED, reason)


def weak_fold(found: Influence, folds: Array) -> int | None:
    """The fold that stands out most from the others, if one does at all (`ODD_FOLD`)."""
    spread = float(found.rows.std())
    if spread <= 0:
        return None
    # Influence is in the metric's own units and its tails depend on the metric, so a fold far off on either side is looked at.
    away = {int(f): abs(float(found.rows[folds == f].mean())) * math.sqrt((folds == f).sum()) / spread for f in np.unique(folds)}
    worst = max(away, key=lambda f: away[f])
    return worst if away[worst] > ODD_FOLD else None


def _broken(metric: Metric, truth: Array, oof: Array, folds: Array, weak: int, inputs: "Callable[[], pd.DataFrame] | None") -> bool:
    """Predictions of the fold tell nothing of its labels, unlike those of other folds, nor of any input."""
    strengths = {int(fold): signal(metric, truth[folds == fold], oof[folds == fold], draws=12) for fold in np.unique(folds)}
    usual = float(np.median(list(strengths.values())))
    if usual > 2 * CLEAR_SIGNAL and strengths[weak] < min(NO_SIGNAL, usual / 4):
        return True
    if inputs is None or strengths[weak] >= min(NO_SIGNAL + 1, usual / 2):
        return False
    rows = folds == weak
    return not depends_on_inputs(oof[rows], inputs()[rows])


def _shift(result: Examination, truth: Array, oof: Array, audit: Audit | None) -> None:
    if audit is None or oof.dtype.kind != "f":
        return
    ours, theirs = confidence(oof, truth), confidence(audit.prediction, truth)
    spread = math.sqrt((ours.var() + theirs.var()) / 2)
    if spread <= 0:
        return
    effect = float(ours.mean() - theirs.mean()) / spread
    noise = effect / math.sqrt(1 / len(ours) + 1 / len(theirs))
    if noise > ASK_SHIFT and effect > ASK_EFFECT:
        result.suspicions.append("far more confident on training rows than on unseen ones")
