"""What a blend of members that are fitted already would score: worked out on their kept out-of-fold predictions, before anything runs.

The scripts' own ways to blend (greedy selection, stacking, equal weights) are followed in numpy on some thousand rows, cross-fitted on
two halves of the folds. What comes out is a promise, good for choosing what to try; the score of a step always comes from its script.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gome_graph.hooks import KeptPredictions, Library
from gome_graph.reasoners.rules.combine import NEEDED, SPREAD
from gome_graph.reasoners.rules.recipe import Blend, Recipe
from gome_graph.reasoners.rules.technique import TechniqueContext
from gome_graph.reasoners.rules.writer.target import Target, target_of

Floats = NDArray[np.float64]

ROUNDS = 25
"""Rounds of greedy selection, as in the scripts."""
MOST_ROWS = 3_000
"""Rows that are looked at: enough to tell members apart, and a few milliseconds a blend."""
MOST_STACKED = 60
"""Inputs of a stack of classifiers beyond which it is not rehearsed: its fit would take longer than the step it may save."""
STACK_C = 0.1
"""Inverse penalty of the scripts' stack."""
STEPS = 100
"""Newton steps of that fit, at most."""
LEAST_GAIN = 1.0
"""Gain in noise units that a rehearsal must promise before a blend is offered at all."""
OPTIMISM = 0.8
"""What of a gain that was selected for is left on other rows."""
UNSEEN = 0.5
"""How much a gain on the rows looked at is trusted on the others: blends are chosen for it."""
POWERS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""As in the scripts' greedy blend: how much surer a model's probabilities are made before they are weighed."""
ABSOLUTE = ("mae", "mape", "smape", "pinball")
HITS = ("accuracy", "f1_micro")
"""Metrics that count right answers."""


MOST_BYTES = 32 << 20
"""What a stage remembers of members."""
MOST_STAGES = 4
MOST_BLENDS = 64
"""Blends whose row losses a stage remembers, 24 kB each."""


@dataclass(frozen=True)
class Part:
    """One member's out-of-fold predictions on the rows of a rehearsal."""

    oof: Floats
    ready: Floats
    """As the scripts' greedy blend will see them: made surer or less sure."""
    signal: Floats
    """See `Stage.signal`, of `ready`."""
    loss: float
    """Mean loss of the member alone."""


@dataclass(frozen=True)
class Stage:
    """The rows of a rehearsal, and how predictions are judged on them."""

    rows: NDArray[np.int64]
    truth: Floats
    """``(n,)`` or ``(n, targets)``, on the scale of the models' predictions; classes as codes in the script's order."""
    halves: NDArray[np.bool_]
    """Rows of every other fold: weights for one half come from the other."""
    target: Target
    absolute: bool
    """Numbers are judged by absolute errors, else by squared ones."""
    judge: str
    """What counts in the end: ``hits`` (right answers), ``order`` (area under the ROC curve) or ``loss``."""
    sharpens: bool
    """The scripts' greedy blend makes probabilities surer before it weighs them."""
    scale: float
    """Gains in noise units on all rows per gain on these; what the rows not looked at add is trusted by `UNSEEN`."""
    kept: KeptPredictions
    total: int
    """Rows of a member's predictions."""
    known: dict[str, Part] = field(default_factory=dict, compare=False, repr=False)
    """Members that were looked at, by key: a key's predictions never change, and every step looks at all of them."""

    outcomes: dict[tuple[Blend, tuple[str, ...]], Floats | None] = field(default_factory=dict, compare=False, repr=False)
    """Row losses of blends that were rehearsed, by the keys of their members: the incumbent's are asked for at every step."""

    @classmethod
    def of(cls, recipe: Recipe, context: TechniqueContext) -> "Stage | None":
        """The stage for recipes that predict on this one's scale; None where nothing is kept."""
        library = context.library
        if library is None:
            return None
        target = target_of(context.task, recipe)
        place = (library.kept, repr(target), recipe.target_transform)
        stage = _stages.get(place)  # traces think at the same time: what is looked up may be gone a moment later
        if stage is None:
            while len(_stages) >= MOST_STAGES:
                _stages.pop(next(iter(_stages), place), None)
            stage = _stages[place] = cls._made(recipe, context, library, target)
        return stage

    @classmethod
    def _made(cls, recipe: Recipe, context: TechniqueContext, library: Library, target: Target) -> "Stage":
        count = len(library.truth)
        rows = np.unique(np.linspace(0, count - 1, min(count, MOST_ROWS)).astype(np.int64))
        metric, single = context.task.metric, not target.multi
        judge = "loss"
        if single and target.kind == "label" and target.decision == "argmax" and metric in HITS:
            judge = "hits"
        elif single and target.kind == "probability" and metric == "roc_auc":
            judge = "order"
        sharpens = not target.regression and single and (target.kind in ("label", "ranking") or metric.startswith("log_loss"))
        return cls(
            rows, _truth(recipe, target, context)[rows], np.asarray(library.folds)[rows] % 2 == 0, target, metric in ABSOLUTE, judge,
            sharpens, _scale(len(rows) / count), library.kept, count,
        )  # fmt: skip

    def member(self, key: str) -> Part | None:
        """What is kept of a member; None if nothing is, or not for these rows."""
        part = self.known.get(key)
        if part is None:
            oof = self.kept.load(key)
            if oof is None or len(oof) != self.total:
                return None
            part = self.part(oof[self.rows])
            if 3 * part.oof.nbytes * (len(self.known) + 1) > MOST_BYTES:
                self.known.clear()
            self.known[key] = part
        return part

    def rehearsed(self, blend: Blend, members: Mapping[str, Part]) -> Floats | None:
        """Row losses of a blend of members, by their keys; None if it is not worth rehearsing."""
        place = blend, tuple(members)
        with suppress(KeyError):  # traces think at the same time: what was there may be gone
            return self.outcomes[place]
        after = blended(list(members.values()), blend, self)
        outcome = None if after is None else self.outcome(after)
        while len(self.outcomes) >= MOST_BLENDS:
            self.outcomes.pop(next(iter(self.outcomes), place), None)
        self.outcomes[place] = outcome
        return outcome

    def part(self, oof: Floats) -> Part:
        """Predictions on the stage's rows, made ready."""
        ready = self.sharpened(oof)
        signal = self.signal(ready)
        return Part(oof, ready, signal, float(self.losses(signal).mean()))

    def signal(self, prediction: Floats) -> Floats:
        """What a blend is linear in and its loss follows from: errors of numbers, probabilities of the true class; ``(n, targets)``."""
        if self.target.regression:
            found = prediction - self.truth
        elif self.target.multi:
            found = np.where(self.truth == self.target.positive, prediction, 1.0 - prediction)
        else:
            found = prediction[np.arange(len(self.truth)), self.truth.astype(int)]
        return np.asarray(found.reshape(len(self.truth), -1))

    def losses(self, signal: Floats) -> Floats:
        """Row losses ``(..., n)`` of signals ``(..., n, targets)``."""
        if not self.target.regression:
            return np.asarray(-np.log(signal.clip(1e-6)).mean(axis=-1))
        return np.asarray((np.abs(signal) if self.absolute else signal**2).mean(axis=-1))

    def summed_losses(self, sums: NDArray[np.float32], n: int) -> NDArray[np.float32]:
        """Losses ``(m,)`` of sums ``(m, rows, targets)`` of n signals each, up to what does not tell them apart. Works in their place: this
        is where a rehearsal spends its time."""
        if not self.target.regression:
            np.log(np.maximum(sums, 1e-6 * n, out=sums), out=sums)
            return np.asarray(-sums.sum(axis=(1, 2)))
        (np.abs if self.absolute else np.square)(sums, out=sums)
        return np.asarray(sums.sum(axis=(1, 2)))

    def outcome(self, prediction: Floats) -> Floats:
        """Row losses ``(n,)`` of a finished blend, as near to the metric as rows allow."""
        if self.judge == "hits":
            return np.asarray(prediction.argmax(axis=1) != self.truth, dtype=np.float64)
        if self.judge == "order":
            return _disorder(prediction[:, self.target.positive], self.truth == self.target.positive)
        return self.losses(self.signal(prediction))

    def sharpened(self, prediction: Floats) -> Floats:
        """The class probabilities that the script's greedy blend will see."""
        if not self.sharpens:
            return prediction
        versions = [prediction.clip(1e-6) ** power for power in POWERS]
        versions = [version / version.sum(axis=1, keepdims=True) for version in versions]
        return min(versions, key=lambda version: float(self.losses(self.signal(version)).mean()))


def _scale(share: float) -> float:
    """Noise units on all rows per noise unit on a share of them: sqrt(1 / share) if the others gained as much as these."""
    return math.sqrt(share) + UNSEEN * (1.0 - share) / math.sqrt(share)


_stages: dict[tuple[KeptPredictions, str, str], Stage] = {}


def _truth(recipe: Recipe, target: Target, context: TechniqueContext) -> Floats:
    truth = np.asarray(context.library.truth if context.library is not None else [])
    if target.kind == "ranking":
        return np.searchsorted(np.array(target.classes), truth).astype(np.float64)  # texts, and classes in their order
    if target.coded:
        places = [target.classes.index(label) for label in context.profile.target.classes] if context.profile.target.classes else [0, 1]
        codes: Floats = np.array(places, dtype=np.float64)[truth.astype(int)]
        return codes
    values = truth.astype(float)
    match recipe.target_transform:
        case "log1p":
            return np.asarray(np.log1p(values.clip(min=0)))
        case "log":
            return np.asarray(np.log(values.clip(min=1e-9)))
        case "sqrt":
            return np.asarray(np.sqrt(values.clip(min=0)))
        case _:  # ranks are transformed back fold by fold: their predictions are on the target's own scale
            return values


def _disorder(scores: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Row terms ``(n,)`` whose mean is 1 - AUC and whose spread is that of DeLong et al. 1988: each row's share of the rows of the other
    class that it is on the wrong side of."""
    wrong = np.zeros(len(scores))
    if positive.all() or not positive.any():
        return wrong
    for side, sign in ((positive, 1.0), (~positive, -1.0)):
        beaten = _mean_ranks(sign * scores)[side] - _mean_ranks(sign * scores[side])
        wrong[side] = 1.0 - beaten / (~side).sum()
    area = wrong[positive].mean()
    for side in (positive, ~positive):
        wrong[side] = area + (wrong[side] - area) * len(scores) / side.sum()
    return wrong


def _mean_ranks(values: Floats) -> Floats:
    """Ranks from 1; ties share their mean."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])


def greedy(signals: Floats, stage: Stage) -> Floats:
    """Weights ``(m,)`` that add up to 1 for signals ``(m, n, targets)``: forward selection with replacement (Caruana et al. 2004)."""
    work = signals.astype(np.float32)
    sums = np.empty_like(work)
    picks = np.zeros(len(work))
    total = np.zeros_like(work[0])
    for n in range(1, ROUNDS + 1):
        np.add(total, work, out=sums)
        best = int(np.argmin(stage.summed_losses(sums, n)))
        picks[best] += 1
        total += work[best]
    return picks / ROUNDS


def blended(parts: Sequence[Part], blend: Blend, stage: Stage) -> Floats | None:
    """The out-of-fold predictions of a blend of these members' (on the stage's rows); None if this one is not worth rehearsing."""
    if blend == "single" or len(parts) == 1:
        return parts[0].oof
    if blend == "mean":
        return np.asarray(np.mean([part.oof for part in parts], axis=0))
    if blend == "stack":
        return _stacked([part.oof for part in parts], stage)
    ready = np.stack([part.ready for part in parts])
    signals = np.stack([part.signal for part in parts])
    out: Floats = np.zeros_like(ready[0])
    for half in (stage.halves, ~stage.halves):
        out[half] = np.tensordot(greedy(signals[:, ~half], stage), ready[:, half], axes=1)
    return out


def _stacked(parts: Sequence[Floats], stage: Stage) -> Floats | None:
    out: Floats = np.zeros_like(parts[0])
    for half in (stage.halves, ~stage.halves):
        if not half.any() or half.all():
            return None
        if stage.target.regression:
            inputs = np.stack([part.reshape(len(part), -1) for part in parts], axis=-1)
            truth, found = stage.truth.reshape(len(stage.truth), -1), out.reshape(len(out), -1)
            for i in range(truth.shape[1]):
                found[half, i] = _nonnegative(inputs[~half, i], truth[~half, i], inputs[half, i])
        elif stage.target.multi or sum(part.shape[1] for part in parts) > MOST_STACKED:
            return None
        else:
            inputs = np.hstack([np.log(part.clip(1e-5)) for part in parts])
            out[half] = _logistic(inputs[~half], stage.truth[~half].astype(int), out.shape[1], inputs[half])
    return out


def _nonnegative(inputs: Floats, truth: Floats, rows: Floats) -> Floats:
    """Least squares with an intercept and no negative weight: the most negative one leaves until there is none."""
    used = list(range(inputs.shape[1]))
    centre, middle = inputs.mean(axis=0), float(truth.mean())
    while used:
        weights = np.linalg.lstsq(inputs[:, used] - centre[used], truth - middle, rcond=None)[0]
        if (weights >= 0).all():
            return np.asarray(middle + (rows[:, used] - centre[used]) @ weights)
        used.pop(int(np.argmin(weights)))
    return np.full(len(rows), middle)


def _logistic(inputs: Floats, codes: NDArray[np.int64], classes: int, rows: Floats) -> Floats:
    """Class probabilities by penalised logistic regression on scaled inputs; Newton steps with a fixed curvature bound (Böhning 1992,
    Multinomial logistic regression algorithm)."""
    spread = inputs.std(axis=0)
    spread[spread == 0] = 1.0
    x = np.hstack([(inputs - inputs.mean(axis=0)) / spread, np.ones((len(inputs), 1))])
    strength = STACK_C if classes > 2 else STACK_C / 2  # of two classes scikit-learn penalises one set of weights, here there are two
    penalty = np.append(np.ones(x.shape[1] - 1), 1e-6)[:, None]  # none on the intercept
    step = np.linalg.inv(0.5 * strength * x.T @ x + np.diag(penalty[:, 0]))
    hot = np.eye(classes)[codes]
    weights = np.zeros((x.shape[1], classes))
    for _ in range(STEPS):
        change = step @ (strength * (x.T @ (_softmax(x @ weights) - hot)) + penalty * weights)
        weights = weights - change
        if np.abs(change).max() < 1e-4:
            break
    z = np.hstack([(rows - inputs.mean(axis=0)) / spread, np.ones((len(rows), 1))])
    return _softmax(z @ weights)


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def gain_of(before: Floats, after: Floats, stage: Stage) -> float:
    """Paired gain in noise units that row losses promise for all rows, less what selection on the same rows makes it look better."""
    difference = before - after
    noise = float(difference.std()) / math.sqrt(len(difference))
    return OPTIMISM * stage.scale * float(difference.mean()) / noise if noise > 0 else 0.0


def promise(gain: float) -> float:
    """Probability of acceptance of a step with that promised gain, 0.05 to 0.9."""
    return min(max(0.5 * (1.0 + math.erf((gain - NEEDED) / (SPREAD * math.sqrt(2.0)))), 0.05), 0.9)
