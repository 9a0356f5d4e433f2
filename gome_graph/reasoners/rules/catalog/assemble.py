"""An ensemble over everything the run has fitted: the best members of all traces, chosen on their out-of-fold predictions.

Greedy selection with replacement (Caruana et al. 2004) over the kept predictions of every member of every honest solution, accepted or not.
What it promises is measured before it is tried: the paired gain over the incumbent's own members, in noise units. Since the
predictions are kept, the script that joins the members costs no more than starting it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gome_graph.hooks import KeptPredictions, Library
from gome_graph.reasoners.rules.catalog.common import LATE, SHORT, fresh_name, listed
from gome_graph.reasoners.rules.catalog.ensemble import MOST_MEMBERS
from gome_graph.reasoners.rules.combine import NEEDED, SPREAD
from gome_graph.reasoners.rules.cost import START_SECONDS, member_units
from gome_graph.reasoners.rules.recipe import Blend, Member, Recipe, View
from gome_graph.reasoners.rules.state import recipe_of
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.keys import composition, counted, member_keys, model_decision
from gome_graph.reasoners.rules.writer.target import Target, target_of
from gome_graph.records import Component

Floats = NDArray[np.float64]

ROUNDS = 25
"""Rounds of greedy selection, as in the scripts."""
MOST_ROWS = 3_000
"""Rows that the selection looks at: enough to tell members apart, and a few milliseconds a round."""
MOST_CONSIDERED = 30
"""Members that take part in the selection: the best ones alone."""
LEAST_WEIGHT = 0.03
"""Members below this weight are left out: they are luck more often than help."""
LEAST_GAIN = 0.8
"""Gain in noise units from which a variant is offered at all."""
OPTIMISM = 0.8
"""What of the gain measured on the rows of the selection is left on others."""
MOST_KNOWN = 16
ABSOLUTE = ("mae", "mape", "smape", "pinball")
VIEW_NAMES = "bcdefghijklmnop"


@dataclass(frozen=True)
class Found:
    """A member that some solution of the run has, with its predictions."""

    key: str
    step: str
    """The step that fitted it first, for titles."""
    member: Member
    features: View
    oof: Floats
    units: float
    """Modelled seconds of its fit."""


_known: dict[tuple[KeptPredictions, str, frozenset[str], int], list[Variant]] = {}
"""Variants by what they follow from: a step asks for them several times, and they take a tenth of a second."""


def _assemble(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    if context.library is None:
        return []
    place = (context.library.kept, recipe.model_dump_json(exclude_defaults=True), context.kept, len(context.library.solutions))
    if place not in _known:
        while len(_known) >= MOST_KNOWN:
            _known.pop(next(iter(_known)), None)
        _known[place] = _variants(recipe, context, context.library)
    return _known[place]


def _variants(recipe: Recipe, context: TechniqueContext, library: Library) -> list[Variant]:
    target = target_of(context.task, recipe)
    rows = _rows(len(library.truth))
    truth = _truth(recipe, target, context)[rows]
    found = [_sharpened(item, truth, target, context) for item in _found(recipe, target, context, rows)]
    own = set(member_keys(recipe, counted(recipe)).values())
    mine = [item for item in found if item.key in own]
    if len(mine) < len(own) or len(found) <= len(mine):
        return []
    found = sorted(found, key=lambda item: (float(_losses(item.oof, truth, target, context).mean()), item.key))
    found = [*mine, *(item for item in found if item.key not in own)][:MOST_CONSIDERED]
    before = _losses(_mean(mine, _greedy(mine, truth, target, context)), truth, target, context)
    tried = {composition(theirs) for s in library.solutions if (theirs := recipe_of(s)) is not None}
    variants: list[Variant] = []
    budget = context.final_limit - START_SECONDS if context.final_limit > 0 else math.inf
    speed = _speed(recipe, context)
    for size in (MOST_MEMBERS, 4):
        chosen, weights = _select(found, truth, target, context, size, budget / speed)
        if len(chosen) < 2 or {item.key for item in chosen} <= own:
            continue
        gain = _gain(before, _losses(_mean(chosen, weights), truth, target, context))
        if gain < LEAST_GAIN:
            continue
        success = 0.5 * (1.0 + math.erf((gain - NEEDED) / (SPREAD * math.sqrt(2.0))))
        # Where members are stacked, a weighted mean of better ones has hardly ever been better (and the gain compares means).
        blends: list[tuple[Blend, str, float]] = [("greedy", "Join", 1.0)] if recipe.blend != "stack" else []
        blends.append(("stack", "Stack", 0.7))
        for blend, word, factor in blends:
            joined = _joined(recipe, chosen, blend)
            if joined is None or composition(joined) in tried or any(v.recipe == joined for v in variants):
                continue
            names = listed([f"{SHORT[item.member.model]} of {item.step}" for item in chosen], MOST_MEMBERS)
            params = {"members": [item.key for item in chosen], "weights": [round(w, 2) for w in weights], "blend": blend}
            variants.append(Variant(joined, f"{word} the best of all traces: {names}", params, gain, min(max(factor * success, 0.05), 0.9)))
    return variants


def _rows(count: int) -> NDArray[np.int64]:
    """Rows for the selection: all, or an even spread of `MOST_ROWS` of them."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_ROWS)).astype(np.int64))


def _truth(recipe: Recipe, target: Target, context: TechniqueContext) -> Floats:
    """The target on the scale of the models' predictions; class codes in the script's order of classes."""
    truth = np.asarray(context.library.truth if context.library is not None else [])
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


def _found(recipe: Recipe, target: Target, context: TechniqueContext, rows: NDArray[np.int64]) -> list[Found]:
    """Members of all solutions whose predictions are kept and mean the same as this recipe's."""
    library = context.library
    if library is None:
        return []
    shape = None
    items: dict[str, Found] = {}
    for solution in library.solutions:
        theirs = recipe_of(solution)
        if theirs is None or not _alike(recipe, theirs):
            continue
        keys = member_keys(theirs, counted(theirs))
        for member in counted(theirs):
            key = keys[member.name]
            if key in items or key not in context.kept:
                continue
            oof = library.kept.load(key)
            if oof is None or len(oof) != len(library.truth) or (shape is not None and oof.shape != shape):
                continue
            shape = oof.shape
            view = theirs.view(member.view)
            plain = member.model_copy(update={"view": "", "seeds": member.seeds or theirs.seeds})
            items[key] = Found(key, str(solution.step), plain, view, oof[rows], member_units(member, context.profile, theirs.seeds))
    return list(items.values())


def _alike(mine: Recipe, theirs: Recipe) -> bool:
    """True if members of both predict on the same scale and are fitted in the same way around the models."""
    same = ("target_transform", "target_clip", "class_weight", "test_prediction")
    return model_decision(mine) == model_decision(theirs) and all(getattr(mine, name) == getattr(theirs, name) for name in same)


POWERS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""As in the scripts' greedy blend: how much surer a model's probabilities are made before they are weighed."""


def _sharpened(item: Found, truth: Floats, target: Target, context: TechniqueContext) -> Found:
    """The member with the class probabilities that the script's blend will see."""
    if target.regression or target.multi:
        return item
    versions = [item.oof.clip(1e-6) ** power for power in POWERS]
    versions = [version / version.sum(axis=1, keepdims=True) for version in versions]
    return replace(item, oof=min(versions, key=lambda version: float(_losses(version, truth, target, context).mean())))


def _losses(prediction: Floats, truth: Floats, target: Target, context: TechniqueContext) -> Floats:
    """Row losses: minus the log likelihood of classes, absolute or squared errors of numbers; ``(n,)``."""
    if target.regression:
        error = prediction - truth
        loss = np.abs(error) if context.task.metric in ABSOLUTE else error**2
    elif target.multi:
        p = np.where(truth == target.positive, prediction, 1.0 - prediction)
        loss = -np.log(p.clip(1e-6))
    else:
        loss = -np.log(prediction[np.arange(len(truth)), truth.astype(int)].clip(1e-6))
    return np.asarray(loss if loss.ndim == 1 else loss.mean(axis=1))


def _greedy(items: Sequence[Found], truth: Floats, target: Target, context: TechniqueContext) -> list[float]:
    """Weights that add up to 1."""
    picks = np.zeros(len(items))
    total = np.zeros_like(items[0].oof)
    for n in range(1, ROUNDS + 1):
        losses = [float(_losses((total + item.oof) / n, truth, target, context).mean()) for item in items]
        best = int(np.argmin(losses))
        picks[best] += 1
        total = total + items[best].oof
    return [float(w) for w in picks / ROUNDS]


def _select(
    found: Sequence[Found], truth: Floats, target: Target, context: TechniqueContext, size: int, units: float
) -> tuple[list[Found], list[float]]:
    """At most `size` members that together may take `units` modelled seconds, with weights; the idlest leave first."""
    items = [item for item in found if item.units <= units]
    while items:
        weights = _greedy(items, truth, target, context)
        heavy = [(w, item) for w, item in zip(weights, items, strict=True) if w >= LEAST_WEIGHT]
        heavy.sort(key=lambda pair: -pair[0])
        kept = heavy[:size]
        while len(kept) > 1 and sum(item.units for _, item in kept) > units:
            kept.remove(min(kept, key=lambda pair: pair[0] / max(pair[1].units, 0.1)))
        if len(kept) == len(items):
            return [item for _, item in kept], [w for w, _ in kept]
        items = [item for _, item in kept]
    return [], []


def _mean(items: Sequence[Found], weights: Sequence[float]) -> Floats:
    return np.asarray(np.tensordot(np.array(weights), np.stack([item.oof for item in items]), axes=1))


def _gain(before: Floats, after: Floats) -> float:
    """Paired gain in noise units, less what selection on the same rows makes it look better."""
    difference = before - after
    noise = float(difference.std()) / math.sqrt(len(difference))
    return OPTIMISM * float(difference.mean()) / noise if noise > 0 else 0.0


def _joined(recipe: Recipe, chosen: Sequence[Found], blend: Blend) -> Recipe | None:
    """A recipe of these members, each with the view of the data that it was fitted on; None if there are more views than names."""
    own = recipe.view("")
    views: dict[str, View] = {}
    joined = recipe.model_copy(update={"members": [], "seeds": 1})
    for item in chosen:
        name = "" if item.features == own else next((n for n, view in views.items() if view == item.features), None)
        if name is None:
            if len(views) == len(VIEW_NAMES):
                return None
            name = VIEW_NAMES[len(views)]
            views[name] = item.features
        named = item.member.model_copy(update={"name": fresh_name(joined, item.member.model), "view": name})
        joined = joined.model_copy(update={"members": [*joined.members, named]})
    return joined.model_copy(update={"views": views, "blend": blend})


def _speed(recipe: Recipe, context: TechniqueContext) -> float:
    """Seconds of this machine per modelled second, as the incumbent tells."""
    units = sum(member_units(m, context.profile, recipe.seeds) for m in counted(recipe))
    if not context.incumbent_seconds or units <= 0:
        return 1.0
    return min(max((context.incumbent_seconds - START_SECONDS) / units, 0.2), 5.0)


TECHNIQUES = [
    Technique(
        name="assemble",
        title="Join the best members of all traces",
        component=Component.ENSEMBLE,
        change=_assemble,
        rationale="Every model that any trace has fitted is at hand with its out-of-fold predictions; those that complement each other "
        "are worth more than the best of them.",
        direction="an ensemble over all that was fitted, each member on the data as it saw them",
        falsifier="the joined script gains less on all rows than its predictions promised",
        answers={"single_model": 0.9, "weak_ensemble": 0.8, "plateau": 0.8, "fold_variance": 0.4, "low_diversity": 0.8},
        prior_gain=3.0,
        prior_success=0.6,
        stages=LATE,
        source="Caruana et al. 2004, Ensemble selection from libraries of models",
    ),
]
