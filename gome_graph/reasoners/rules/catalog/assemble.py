"""An ensemble over everything the run has fitted: the best members of all traces, chosen on their out-of-fold predictions.

Greedy selection with replacement (Caruana et al. 2004) over the kept predictions of every member of every honest solution, accepted or not.
What it promises is measured before it is tried (see `gome_graph.reasoners.rules.rehearse`): the paired gain over the incumbent's own
blend, in noise units. Since the predictions are kept, the script that joins the members costs no more than starting it.
"""

import math
from collections.abc import Sequence

import numpy as np

from gome_graph.hooks import KeptPredictions, Library
from gome_graph.reasoners.rules.catalog.common import LATE, SHORT, fresh_name, listed
from gome_graph.reasoners.rules.catalog.ensemble import MOST_MEMBERS
from gome_graph.reasoners.rules.cost import START_SECONDS, member_units
from gome_graph.reasoners.rules.pool import Found, fitted
from gome_graph.reasoners.rules.recipe import Blend, Recipe, View
from gome_graph.reasoners.rules.rehearse import LEAST_GAIN, Stage, gain_of, greedy, promise
from gome_graph.reasoners.rules.state import recipe_of
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.keys import composition, counted, member_keys
from gome_graph.records import Component

MOST_CONSIDERED = 30
"""Members that take part in the selection: the best ones alone."""
LEAST_WEIGHT = 0.03
"""Members below this weight are left out: they are luck more often than help."""
MOST_KNOWN = 16
VIEW_NAMES = "bcdefghijklmnop"


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
    stage = Stage.of(recipe, context)
    if stage is None:
        return []
    found = fitted(recipe, context, stage)
    own = set(member_keys(recipe, counted(recipe)).values())
    mine = [item for item in found if item.key in own]
    before = stage.rehearsed(recipe.blend, {item.key: item.part for item in mine}) if mine and len(mine) == len(own) else None
    if before is None or len(found) <= len(mine):
        return []
    found = sorted(found, key=lambda item: (item.part.loss, item.key))
    found = [*mine, *(item for item in found if item.key not in own)][:MOST_CONSIDERED]
    tried = {composition(theirs) for s in library.solutions if (theirs := recipe_of(s)) is not None}
    variants: list[Variant] = []
    budget = context.final_limit - START_SECONDS if context.final_limit > 0 else math.inf
    speed = _speed(recipe, context)
    for size in (MOST_MEMBERS, 4):
        chosen, weights = _select(found, stage, size, budget / speed)
        if len(chosen) < 2 or {item.key for item in chosen} <= own:
            continue
        blends: list[tuple[Blend, str]] = [("greedy", "Join"), ("stack", "Stack")]
        for blend, word in blends:
            after = stage.rehearsed(blend, {item.key: item.part for item in chosen})
            gain = gain_of(before, after, stage) if after is not None else 0.0
            joined = _joined(recipe, chosen, blend) if gain >= LEAST_GAIN else None
            if joined is None or composition(joined) in tried or any(v.recipe == joined for v in variants):
                continue
            names = listed([f"{SHORT[item.member.model]} of {item.step}" for item in chosen], MOST_MEMBERS)
            params = {"members": [item.key for item in chosen], "weights": [round(w, 2) for w in weights], "blend": blend}
            variants.append(Variant(joined, f"{word} the best of all traces: {names}", params, gain, promise(gain)))
    return sorted(variants, key=lambda variant: -(variant.gain or 0.0))


def _select(found: Sequence[Found], stage: Stage, size: int, units: float) -> tuple[list[Found], list[float]]:
    """At most `size` members that together may take `units` modelled seconds, with weights; the idlest leave first."""
    items = [item for item in found if item.units <= units]
    while items:
        weights = [float(w) for w in greedy(np.stack([item.part.signal for item in items]), stage)]
        heavy = [(w, item) for w, item in zip(weights, items, strict=True) if w >= LEAST_WEIGHT]
        heavy.sort(key=lambda pair: -pair[0])
        kept = heavy[:size]
        while len(kept) > 1 and sum(item.units for _, item in kept) > units:
            kept.remove(min(kept, key=lambda pair: pair[0] / max(pair[1].units, 0.1)))
        if len(kept) == len(items):
            return [item for _, item in kept], [w for w, _ in kept]
        items = [item for _, item in kept]
    return [], []


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
