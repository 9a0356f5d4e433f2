"""Model families: blend in another one, switch to it, or give a family its own view of the data."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from gome_graph.reasoners.rules.catalog.common import BOOSTING, EARLY, SCALED, SHORT, added, fresh_name, learns_classes
from gome_graph.reasoners.rules.cost import affordable, predict_cost
from gome_graph.reasoners.rules.packages import available
from gome_graph.reasoners.rules.panel import BESIDE_TABLES_C, MIXED_C
from gome_graph.reasoners.rules.recipe import FAMILIES, Member, ModelKind, Recipe, TextSettings
from gome_graph.reasoners.rules.technique import Change, Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.drafts import hurried
from gome_graph.reasoners.rules.writer.presets import suits_curves
from gome_graph.records import Component

KERNEL_ROWS = 3_000
"""Kernel machines cost the square of the rows, Gaussian processes the cube: left out beyond this (a third of it for the latter)."""
NEIGHBOUR_ROWS = 50_000
NET_ROWS = 1_000
"""Rows from which a network with rows set aside for its end is worth its time."""
KERNEL_NUMBERS = 15
CROWDED = 0.8
"""Each member that is there already leaves less for the next one to add."""
SKEWED = 2.0
"""Skewness of an input from which scale-dependent models are given ranks."""


def fits_task(model: ModelKind, context: TechniqueContext) -> bool:
    """True if the model can learn this target from these columns at bearable cost."""
    rows, tables, texts = context.profile.rows, context.has_tables, bool(context.text_columns)
    if not available(model):
        return False
    if model in ("nb_svm", "naive_bayes"):
        return texts and learns_classes(context) and context.single_target
    if model == "tfidf_linear":
        return texts
    if not tables and model not in ("lightgbm", "linear"):
        return False
    if model == "lda":
        return learns_classes(context) and context.single_target
    if model == "svm":
        return rows <= KERNEL_ROWS and (context.single_target or context.numbers)
    if model == "gaussian_process":
        return rows <= KERNEL_ROWS // 3 and context.single_target and context.numbers
    if model == "nystroem":
        return rows > KERNEL_ROWS // 3
    if model == "knn":
        return rows <= NEIGHBOUR_ROWS
    if model == "mlp":
        return rows >= 300
    if model == "picture_net":
        return context.recipe.has_feature("image_files")
    if model == "tabular_net":
        return rows >= NET_ROWS
    if model == "linear":
        return tables
    return True


def suits_kernels(context: TechniqueContext) -> bool:
    """True for many numbers and little else on few rows: pixels, spectra, sensors. There kernel machines often beat trees."""
    numbers, columns = len(context.numeric_columns), len(context.tabular_columns)
    return fits_task("svm", context) and numbers >= KERNEL_NUMBERS and numbers >= 0.9 * columns


def _one_unit(context: TechniqueContext) -> bool:
    """True for many whole numbers from 0 on, counts or pixels: they share a unit, and a scale for each would blow up the rare ones.

    On a table of pixels a support vector machine scored 0.973 on one scale, 0.951 on standard ones, 0.945 on ranks.
    """
    return suits_kernels(context) and all(c.integer and c.nonnegative for c in context.numeric_columns)


def fresh_member(name: str, model: ModelKind, context: TechniqueContext) -> Member:
    """A new member. One that needs a scale gets ranks where inputs are skewed, since a few extreme rows would rule it otherwise; a linear
    one gets curves where the data bear them."""
    if model == "linear" and not context.text_columns and suits_curves(context.profile.rows, len(context.numeric_columns)):
        return Member(name=name, model=model, scaling="spline")
    skewed = any(abs(c.skew) >= SKEWED for c in context.numeric_columns)
    scaling: Literal["quantile", "standard", "none"] = "quantile" if skewed and model in SCALED else "standard"
    if model in ("svm", "knn") and _one_unit(context):
        scaling = "none"
    if model in ("linear", "tfidf_linear") and context.text_columns and context.tabular_columns and learns_classes(context):
        text = TextSettings(words=(1, 1), min_df=3) if model == "linear" else None
        c = MIXED_C if model == "linear" else BESIDE_TABLES_C
        return Member(name=name, model=model, scaling=scaling, text=text, params={"C": c})
    return Member(name=name, model=model, scaling=scaling)


def _add(model: ModelKind) -> Change:
    def change(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
        if not fits_task(model, context) or any(m.model == model for m in context.members):
            return []
        kept = recipe.members[:1] if recipe.blend == "single" else recipe.members
        name = fresh_name(recipe.model_copy(update={"members": list(kept)}), model)
        old = {FAMILIES[m.model] for m in context.members}
        bonus = (1.0 if FAMILIES[model] not in old else 0.8) * CROWDED ** (len(context.members) - 1)
        if model == "svm" and suits_kernels(context):
            bonus *= 1.4
        member = fresh_member(name, model, context)
        plain = Variant(added(recipe, member), params={"model": model}, gain=ADD[model][0] * bonus, success=ADD[model][1] * bonus)
        if affordable(predict_cost(plain.recipe, context), context):
            return [plain]
        quick = hurried(plain.recipe, context.task, only=name)
        return [replace(plain, recipe=quick, title=f"Blend in {SHORT[model]} with few, large steps")] if quick != plain.recipe else []

    return change


def _families(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Two more families at once, from an order of what usually helps a blend most."""
    if len(context.members) > 2:
        return []
    small = context.profile.rows <= KERNEL_ROWS
    if not context.tabular_columns:
        order: list[ModelKind] = ["nb_svm", "tfidf_linear", "naive_bayes", "lightgbm"]
    elif suits_kernels(context):
        order = ["svm", "extra_trees", "catboost", "linear", "lightgbm"]
    elif context.numbers or small:
        order = ["catboost", "linear", "extra_trees", "svm", "lightgbm"]
    else:
        order = ["catboost", "extra_trees", "linear", "lightgbm"]
    present = {m.model for m in context.members}
    fresh = [model for model in order if model not in present and fits_task(model, context)]
    found = []
    for pair in [fresh[:2], fresh[:1] + fresh[2:3]]:
        if len(pair) < 2:
            continue
        changed = recipe
        for model in pair:
            changed = added(changed, fresh_member(fresh_name(changed, model), model, context))
        found.append(Variant(changed, f"Blend in {SHORT[pair[0]]} and {SHORT[pair[1]]}", {"models": pair}))
    return found


def _switch(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Replace a single model by one of another family that usually does better on such data."""
    if len(context.members) != 1:
        return []
    now = context.members[0]
    order: list[ModelKind] = ["catboost", "lightgbm", "linear", "extra_trees"] if context.tabular_columns else ["nb_svm", "tfidf_linear"]
    found = []
    for model in order:
        if model == now.model or not fits_task(model, context):
            continue
        worse = now.model in BOOSTING and model in ("linear", "extra_trees")
        changed = recipe.model_copy(update={"members": [fresh_member(model, model, context)], "blend": "single"})
        found.append(Variant(changed, f"Switch from {SHORT[now.model]} to {SHORT[model]}", {"model": model}, 2.0, 0.15 if worse else 0.4))
    return found


def _text_specialist(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """A member that reads text alone beside one that reads everything."""
    if not context.text_columns or not context.tabular_columns:
        return []
    if any(m.inputs == "text" or m.model in ("nb_svm", "tfidf_linear", "naive_bayes") for m in context.members):
        return []
    params = {"C": BESIDE_TABLES_C} if learns_classes(context) else {}
    return [Variant(added(recipe, Member(name=fresh_name(recipe, "text_linear"), model="tfidf_linear", inputs="text", params=params)))]


def _tabular_specialist(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """A member that reads the columns alone beside text models."""
    if not context.text_columns or not context.tabular_columns or any(m.inputs == "tabular" for m in context.members):
        return []
    return [Variant(added(recipe, Member(name=fresh_name(recipe, "tabular_lightgbm"), model="lightgbm", inputs="tabular")))]


ADD: dict[ModelKind, tuple[float, float]] = {
    "catboost": (2.2, 0.45), "lightgbm": (1.8, 0.5), "hist_gradient_boosting": (1.0, 0.3), "extra_trees": (1.5, 0.42),
    "random_forest": (1.0, 0.35), "linear": (1.6, 0.4), "knn": (0.8, 0.25), "svm": (1.3, 0.4),
    "gaussian_process": (1.2, 0.35), "mlp": (1.2, 0.4), "nb_svm": (2.5, 0.65), "tfidf_linear": (2.2, 0.6),
    "naive_bayes": (1.8, 0.5), "lda": (0.8, 0.25), "xgboost": (1.2, 0.35), "nystroem": (1.1, 0.35), "tabular_net": (1.5, 0.35),
    "picture_net": (3.0, 0.55),
}  # fmt: skip
"""Prior gain (noise units) and prior success of blending the model in. Those of CatBoost and linear models, like the priors of some other
techniques, were moved by how their steps ended on eleven tasks (a beta prior of strength 10)."""

CARUANA = "Caruana et al. 2004, Ensemble selection from libraries of models"

SPECIALISTS = {
    "single_model": 0.9, "weak_ensemble": 0.6, "low_diversity": 0.8, "plateau": 0.6, "underfit": 0.4, "fold_variance": 0.3,
    "weak_slice": 0.2,
}  # fmt: skip

TECHNIQUES = [
    *(
        Technique(
            name=f"blend_in_{model}",
            title=f"Blend in {SHORT[model]}",
            component=Component.ENSEMBLE if model not in BOOSTING else Component.MODEL,
            change=_add(model),
            rationale=f"Models of different kinds err on different rows; {SHORT[model]}, weighted out of fold, can only take "
            "the weight that it earns.",
            direction="more diverse models, weighted by what they add out of fold",
            falsifier="the new member's out-of-fold weight is near zero, or the blend is no better than the incumbent",
            answers=SPECIALISTS,
            prior_gain=ADD[model][0],
            prior_success=ADD[model][1],
            source=CARUANA,
        )
        for model in ADD
    ),
    Technique(
        name="blend_families",
        title="Blend in two more model families",
        component=Component.ENSEMBLE,
        change=_families,
        rationale="Models of different kinds err on different rows; several at once average out more than one alone, beyond the noise.",
        direction="more diverse models, weighted by what they add out of fold",
        falsifier="the new members' out-of-fold weights are near zero, or the blend is no better than the incumbent",
        answers=SPECIALISTS,
        prior_gain=3.0,
        prior_success=0.65,
        source=CARUANA,
    ),
    Technique(
        name="switch_model",
        title="Switch to another model family",
        component=Component.MODEL,
        change=_switch,
        rationale="One family often fits a kind of data much better than the others; a single switch shows it at the cost of one fit.",
        direction="another inductive bias",
        falsifier="the new family's score is not above the old one's by more than its noise",
        answers={"underfit": 0.6, "overfit": 0.4, "low_signal": 0.4, "slow": 0.4, "plateau": 0.4},
        prior_gain=2.0,
        prior_success=0.35,
        stages=EARLY,
    ),
    Technique(
        name="text_specialist",
        title="Blend in a linear model of the text alone",
        component=Component.ENSEMBLE,
        change=_text_specialist,
        rationale="Sparse word features lose to dense columns inside one tree model; a linear model of the text keeps what the words say.",
        direction="let the text speak through its own model",
        falsifier="the text model's weight in the blend is near zero",
        answers={
            "text_as_category": 0.8,
            "unused_text": 0.9,
            "single_model": 0.7,
            "low_signal": 0.4,
            "underfit": 0.3,
            "low_diversity": 0.7,
        },
        prior_gain=2.5,
        prior_success=0.55,
    ),
    Technique(
        name="tabular_specialist",
        title="Blend in boosted trees of the columns other than text",
        component=Component.ENSEMBLE,
        change=_tabular_specialist,
        rationale="Text features drown a few strong columns; trees that see only those columns keep them apart.",
        direction="let the columns speak through their own model",
        falsifier="the tabular model's weight in the blend is near zero",
        answers={"unused_columns": 0.7, "single_model": 0.7, "underfit": 0.3, "low_diversity": 0.7},
        prior_gain=2.0,
        prior_success=0.5,
    ),
]
