"""Text: how words become numbers."""

from collections.abc import Sequence
from typing import Any

from gome_graph.reasoners.rules.catalog.common import (
    BOOSTING,
    EARLY,
    SHORT,
    TEXT_MODELS,
    added,
    feature_variant,
    fresh_name,
    learns_classes,
    listed,
    reads_text,
)
from gome_graph.reasoners.rules.panel import BESIDE_TABLES, character_members, missing, reads_characters, word_members
from gome_graph.reasoners.rules.recipe import Member, Recipe, TextSettings
from gome_graph.reasoners.rules.technique import Change, Technique, TechniqueContext, Variant
from gome_graph.records import ColumnKind, Component

SPARSE = ("tfidf_linear", "nb_svm", "linear", "naive_bayes")
"""Models that read sparse term counts as they are, those that gain most from richer text first."""
BAYES_SUCCESS = 0.15
"""Naive Bayes counts overlapping terms twice: richer text seldom helps it."""
CROWD, CROWD_SUCCESS = 3, 0.12
"""Among so many members, or where another one reads characters already, better terms of one of them seldom show in the blend."""


def _text(member: Member) -> TextSettings:
    return member.text or TextSettings()


def _sparse(context: TechniqueContext) -> list[Member]:
    found = [m for m in context.members if m.model in SPARSE and reads_text(context, m)]
    return sorted(found, key=lambda m: SPARSE.index(m.model))


def _setting(word: str, test: Any, **changes: Any) -> Change:
    """A variant per sparse text member with `changes` in its text settings, where `test` holds of the old ones."""

    def change(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
        found = []
        for member in _sparse(context):
            old = _text(member)
            if test(old):
                changed = recipe.changed_member(member.name, text=old.model_copy(update=changes))
                success = BAYES_SUCCESS if member.model == "naive_bayes" else None
                if len(context.members) >= CROWD or ("chars" in changes and any(reads_characters(m) for m in context.members)):
                    success = CROWD_SUCCESS
                found.append(Variant(changed, f"{word} ({member.name})", {"member": member.name, **changes}, success=success))
        return found

    return change


def _characters(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """A linear model of character n-grams alone, beside models of words."""
    by_characters = [m for m in context.members if m.text is not None and m.text.chars is not None and m.text.words is None]
    if by_characters or not any(reads_text(context, m) for m in context.members):
        return []
    text = TextSettings(words=None, chars=(2, 5))
    name = fresh_name(recipe, "characters")
    return [Variant(added(recipe, Member(name=name, model="tfidf_linear", inputs="text" if context.tabular_columns else "all", text=text)))]


def _panel(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """All models of the text panel that are not there yet, stacked; or those of its words, or of its characters, alone."""
    if not learns_classes(context) or not context.single_target:
        return []
    words, chars = (missing(recipe, members) for members in (word_members(context.profile), character_members(context.profile)))
    sides = [("words and characters", [*words, *chars], 1.0)] if words and chars else []
    sides += [("characters", chars, 0.9)] if chars else []
    sides += [("words", words, 0.8)] if words else []
    found = []
    worth = BESIDE_TABLES if context.tabular_columns else 1.0
    for of, members, share in sides:
        changed = recipe
        for member in members:
            changed = added(changed, member.model_copy(update={"name": fresh_name(changed, member.name)}))
        names = [SHORT[m.model] for m in members]
        title = f"Stack {len(members)} more models of {of}" if len(members) > 1 else f"Stack {names[0]} of {of}"
        stacked = changed.model_copy(update={"blend": "stack"})
        found.append(
            Variant(
                stacked,
                title,
                {"members": [m.name for m in members]},
                gain=PANEL_GAIN * share * worth,
                success=PANEL_SUCCESS * share * worth,
            )
        )
    return found


def _style(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Small boosted trees that see only how long the texts are and how they are written."""
    names = [n for n in context.text_columns if not recipe.has_feature("text_stats", n)]
    if not names or context.tabular_columns or not learns_classes(context):
        return []
    member = Member(name=fresh_name(recipe, "style"), model="lightgbm", inputs="tabular", params={"n_estimators": 100, "num_leaves": 8})
    changed = added(recipe.with_feature("text_stats", names), member).model_copy(update={"blend": "stack"})
    return [Variant(changed)]


def _phrases(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Naive Bayes of up to three words in a row, those that occur once included: its weights need no fitting, so more terms do no harm."""
    if not learns_classes(context) or not context.single_target or not any(reads_text(context, m) for m in context.members):
        return []
    if any(m.model == "naive_bayes" and (_text(m).words or (1, 1))[1] > 2 for m in context.members):
        return []
    prose = bool(context.columns(ColumnKind.TEXT))
    text = TextSettings(words=(1, 3), punctuation=prose, min_df=1, max_features=MOST_PHRASES)
    member = Member(name=fresh_name(recipe, "phrase_bayes"), model="naive_bayes", inputs="text", text=text)
    worth = BESIDE_TABLES if context.tabular_columns else 1.0
    stacked = added(recipe, member).model_copy(update={"blend": "stack"})
    return [Variant(stacked, gain=2.5 * worth, success=0.6 * worth)]


MOST_PHRASES = 1_000_000
PANEL_GAIN, PANEL_SUCCESS = 8.0, 0.9


def _reads(context: TechniqueContext) -> bool:
    return bool(_sparse(context))


def _lists(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    if not context.columns(ColumnKind.LIST):
        return []
    found = []
    for member in _sparse(context):
        for how in ("items", "both"):
            if _text(member).list_items != how:
                changed = recipe.changed_member(member.name, text=_text(member).model_copy(update={"list_items": how}))
                found.append(
                    Variant(changed, f"Read whole list items as {how} ({member.name})", {"member": member.name, "list_items": how})
                )
    return found


def _stats(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    if not any(m.inputs != "text" and m.model not in TEXT_MODELS for m in context.members):
        return []  # nobody would see the numbers
    names = [n for n in context.text_columns if not recipe.has_feature("text_stats", n)]
    return [feature_variant(recipe, "text_stats", names, f"Measure length and style of {listed(names)}")] if names else []


def _list_length(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    names = [c.name for c in context.columns(ColumnKind.LIST) if not recipe.has_feature("list_length", c.name)]
    return [feature_variant(recipe, "list_length", names, f"Count the items of {listed(names)}")] if names else []


def _dense_text(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Text compressed to components for boosted trees that have ignored it, or more components than before."""
    found = []
    for member in context.members:
        if member.model not in BOOSTING:
            continue
        if member.inputs == "tabular" and context.text_columns:
            changed = recipe.changed_member(member.name, inputs="all", text=TextSettings(svd=64))
            found.append(Variant(changed, f"Give {member.name} the text as 64 components", {"member": member.name, "svd": 64}))
        elif reads_text(context, member) and (_text(member).svd or 64) < 128:
            changed = recipe.changed_member(member.name, text=_text(member).model_copy(update={"svd": 128}))
            found.append(Variant(changed, f"Give {member.name} 128 text components", {"member": member.name, "svd": 128}, success=0.25))
    return found


def _texts(context: TechniqueContext) -> bool:
    return bool(context.text_columns)


TECHNIQUES = [
    Technique(
        name="text_panel",
        title="Stack the text panel",
        component=Component.ENSEMBLE,
        change=_panel,
        applies=_texts,
        rationale="Naive Bayes counts evidence and logistic regression weighs it, words know topics and characters style: a stack of them "
        "errs far less than the best of them, and mends the overconfidence of naive Bayes.",
        direction="several views of the text at once, stacked on log probabilities",
        falsifier="the stack's log loss is no lower than its best member's",
        answers={"single_model": 0.9, "weak_ensemble": 0.7, "plateau": 0.6, "underfit": 0.4, "overfit": 0.4, "low_signal": 0.3},
        prior_gain=PANEL_GAIN,
        prior_success=PANEL_SUCCESS,
        stages=EARLY,
        source="Wang & Manning 2012, Baselines and bigrams; Wolpert 1992, Stacked generalization",
    ),
    Technique(
        name="phrase_bayes",
        title="Stack naive Bayes of phrases",
        component=Component.ENSEMBLE,
        change=_phrases,
        applies=_texts,
        rationale="Phrases and words that occur once tell styles and topics apart; counting them is quick, and the stack mends what naive "
        "Bayes overstates.",
        direction="rare evidence, counted",
        falsifier="the stack's log loss does not fall",
        answers={"single_model": 0.5, "weak_ensemble": 0.5, "plateau": 0.6},
        prior_gain=2.5,
        prior_success=0.6,
        source="Rennie et al. 2003, Tackling the poor assumptions of naive Bayes text classifiers",
    ),
    Technique(
        name="style_specialist",
        title="Stack small trees of the texts' length and style",
        component=Component.ENSEMBLE,
        change=_style,
        applies=_texts,
        rationale="How long a text is, and how much punctuation and how many capitals it has, is what term weights normalise away; "
        "the stack also learns from it how far to trust the others.",
        direction="length and style as a view of their own",
        falsifier="the score does not rise",
        answers={"single_model": 0.4, "weak_ensemble": 0.4, "plateau": 0.6},
        prior_gain=2.0,
        prior_success=0.5,
    ),
    Technique(
        name="char_ngrams",
        title="Add character n-grams",
        component=Component.FEATURES,
        change=_setting("Add character n-grams", lambda t: t.chars is None, chars=(2, 5)),
        applies=_reads,
        rationale="Character n-grams catch endings, spelling and style that whole words miss, and share strength between rare words.",
        direction="sub-word features",
        falsifier="the score does not rise although the vocabulary grew",
        answers={"underfit": 0.5, "low_signal": 0.5, "overfit": 0.2},
        prior_gain=3.0,
        prior_success=0.6,
    ),
    Technique(
        name="keep_case_and_punctuation",
        title="Keep punctuation and capitals as tokens",
        component=Component.FEATURES,
        change=_setting("Keep punctuation and capitals", lambda t: not t.punctuation or t.lowercase, punctuation=True, lowercase=False),
        applies=_reads,
        rationale="Style shows in punctuation and capitals, which a word tokenizer throws away.",
        direction="style features",
        falsifier="the score does not rise",
        answers={"underfit": 0.3},
        prior_gain=1.5,
        prior_success=0.4,
    ),
    Technique(
        name="rare_words",
        title="Keep words that occur once",
        component=Component.FEATURES,
        change=_setting("Keep rare words", lambda t: t.min_df > 1, min_df=1),
        applies=_reads,
        rationale="In short texts the rare words carry the topic; regularisation takes care of their noise.",
        direction="a larger vocabulary",
        falsifier="the train-validation gap grows and the score does not",
        answers={"underfit": 0.4},
        prior_gain=1.0,
        prior_success=0.3,
    ),
    Technique(
        name="fewer_words",
        title="Keep only words that occur often",
        component=Component.FEATURES,
        change=_setting("Require five occurrences of a term", lambda t: t.min_df < 5, min_df=5),
        applies=_reads,
        rationale="Terms seen once or twice are noise to a model that overfits, and they cost time.",
        direction="a smaller vocabulary",
        falsifier="the train-validation gap does not shrink",
        answers={"overfit": 0.5, "slow": 0.5, "crash_timeout": 0.7},
        prior_gain=0.8,
        prior_success=0.2,
    ),
    Technique(
        name="longer_word_ngrams",
        title="Use word pairs and triples",
        component=Component.FEATURES,
        change=_setting("Use word n-grams up to three", lambda t: t.words in ((1, 1), (1, 2)), words=(1, 3)),
        applies=_reads,
        rationale="Phrases say what their words do not.",
        direction="longer phrases",
        falsifier="the score does not rise although the vocabulary grew",
        answers={"underfit": 0.4},
        prior_gain=1.0,
        prior_success=0.25,
    ),
    Technique(
        name="binary_counts",
        title="Count each word once per text",
        component=Component.FEATURES,
        change=_setting("Use presence of terms, not counts", lambda t: t.weighting != "binary", weighting="binary"),
        applies=_reads,
        rationale="In short texts a word's presence says as much as its count, with less noise.",
        direction="presence instead of counts",
        falsifier="the score does not rise",
        answers={"overfit": 0.2},
        prior_gain=0.8,
        prior_success=0.2,
        source="Wang & Manning 2012, Baselines and bigrams",
    ),
    Technique(
        name="list_items",
        title="Read whole list items as tokens",
        component=Component.FEATURES,
        change=_lists,
        applies=_reads,
        rationale="An item of a list is one thing even if it has several words.",
        direction="items as tokens",
        falsifier="the score does not rise",
        answers={"text_as_category": 0.5, "underfit": 0.3},
        prior_gain=1.5,
        prior_success=0.4,
    ),
    Technique(
        name="text_statistics",
        title="Measure the texts' length and style",
        component=Component.FEATURES,
        change=_stats,
        applies=_texts,
        rationale="How long a text is and how it is punctuated is information that term weights normalise away.",
        direction="length and style as numbers",
        falsifier="the statistics are hardly used",
        answers={"unused_text": 0.5, "text_as_category": 0.4, "underfit": 0.2, "low_signal": 0.4},
        prior_gain=1.5,
        prior_success=0.35,
        stages=EARLY,
    ),
    Technique(
        name="list_length",
        title="Count list items",
        component=Component.FEATURES,
        change=_list_length,
        applies=_texts,
        rationale="How many items a list has is a fact of its own.",
        direction="list length as a number",
        falsifier="the count is hardly used",
        answers={"unused_text": 0.3},
        prior_gain=1.0,
        prior_success=0.25,
    ),
    Technique(
        name="dense_text",
        title="Compress text for trees",
        component=Component.FEATURES,
        change=_dense_text,
        applies=_texts,
        rationale="Trees cannot use ten thousand sparse columns; truncated SVD of TF-IDF gives them a few dense ones.",
        direction="text for tree models",
        falsifier="the components are hardly used",
        answers={"text_as_category": 0.9, "unused_text": 0.8},
        prior_gain=1.5,
        prior_success=0.35,
        source="Deerwester et al. 1990, Indexing by latent semantic analysis",
    ),
    Technique(
        name="blend_in_characters",
        title="Blend in a linear model of character n-grams",
        component=Component.ENSEMBLE,
        change=_characters,
        applies=_texts,
        rationale="Words and characters see different sides of a text; as two models they err differently and neither drowns the other.",
        direction="a second view of the text",
        falsifier="the character model's weight in the blend is near zero",
        answers={"single_model": 0.8, "weak_ensemble": 0.6, "plateau": 0.6, "overfit": 0.2, "underfit": 0.3},
        prior_gain=2.5,
        prior_success=0.55,
    ),
]
