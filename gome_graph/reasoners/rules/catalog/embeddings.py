"""Text by its meaning: sentence embeddings that are installed with their weights."""

from collections.abc import Sequence

from gome_graph.reasoners.rules.catalog.common import EARLY, TEXT_MODELS, added, fresh_name, listed
from gome_graph.reasoners.rules.embeddings import COMPONENTS, encoders, prose
from gome_graph.reasoners.rules.recipe import Member, Recipe
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.records import Component

WORD = {"wordllama": "static word vectors", "minilm": "a small sentence encoder"}


def _embed(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Components of the embedding as numbers; if no member reads numbers, a linear one that does is blended in."""
    columns = prose(context.profile)
    if recipe.has_feature("text_embedding"):
        return []
    found = []
    for encoder in encoders(context.profile, columns):
        changed = recipe.with_feature("text_embedding", columns, encoder=encoder, components=COMPONENTS)
        if not any(member.inputs != "text" and member.model not in TEXT_MODELS for member in context.members):
            changed = added(changed, Member(name=fresh_name(recipe, "meaning"), model="linear", inputs="tabular"))
        title = f"Embed {listed(columns)} by {WORD[encoder]}"
        found.append(Variant(changed, title, {"kind": "text_embedding", "encoder": encoder, "columns": columns}))
    return found


TECHNIQUES = [
    Technique(
        name="text_embedding",
        title="Read text by its meaning",
        component=Component.FEATURES,
        change=_embed,
        rationale="Vectors learnt on other text put words of like meaning side by side, which a few thousand rows of counts cannot learn.",
        direction="meaning of the text beside its words",
        falsifier="the components are hardly used",
        answers={"unused_text": 0.8, "underfit": 0.5, "weak_slice": 0.3, "low_signal": 0.7},
        prior_gain=2.0,
        prior_success=0.4,
        stages=EARLY,
        cost=1.5,
        source="Reimers & Gurevych 2019, Sentence-BERT",
    ),
]
