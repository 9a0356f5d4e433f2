"""The text panel: models that read the same text in different ways and err on different rows, so that a stack of them beats each by far.

Naive Bayes counts evidence, logistic regression weighs it, NB-SVM (Wang & Manning 2012) does both; words know topics, characters know
style and spelling. On short prose a stack of the five lowered log loss by a fifth against the best of them (5-fold, 18,000 sentences), and
stacking log probabilities beat weighted means, since it mends the overconfidence of naive Bayes at the same time.
"""

from gome_graph.reasoners.rules.recipe import Member, Recipe, TextSettings
from gome_graph.records import ColumnKind, TaskProfile

MANY_CHARACTERS = 12e6
"""Characters of all rows from which character n-grams are shorter (those of one to five take 3 microseconds a character)."""
BESIDE_TABLES_C = 1.0
"""Regularisation of a text model where tables carry part of the signal: stronger than where the text is all there is (C = 10)."""
MIXED_C = 0.1
"""Regularisation of a linear model of numbers and thousands of terms at once: what keeps the terms from drowning the numbers."""
BESIDE_TABLES = 0.4
"""Share of the panel's gain and success that is left there."""
MOST_CHARACTER_TERMS = 150_000
MOST_WORD_TERMS = 300_000


def characters(profile: TaskProfile) -> float:
    """Characters in all texts and lists together."""
    texts = (c for c in profile.columns if c.kind in (ColumnKind.TEXT, ColumnKind.LIST))
    return float((profile.rows + profile.test_rows) * sum(c.mean_length or 6 * c.mean_words for c in texts))


def word_settings(profile: TaskProfile) -> TextSettings:
    """Word n-grams with everything a text has; the words of lists have neither case nor punctuation worth keeping."""
    prose = any(c.kind is ColumnKind.TEXT for c in profile.columns)
    return TextSettings(words=(1, 2), punctuation=prose, lowercase=not prose, max_features=MOST_WORD_TERMS)


def character_settings(profile: TaskProfile) -> TextSettings:
    """Character n-grams, as long as the amount of text allows."""
    if characters(profile) > MANY_CHARACTERS:
        return TextSettings(words=None, chars=(2, 4), min_df=5, max_features=MOST_CHARACTER_TERMS // 3)
    return TextSettings(words=None, chars=(1, 5), lowercase=False, min_df=3, max_features=MOST_CHARACTER_TERMS)


def word_members(profile: TaskProfile) -> list[Member]:
    """Three models of words, for classes."""
    prose = any(c.kind is ColumnKind.TEXT for c in profile.columns)
    settings = word_settings(profile)
    single = settings if prose else settings.model_copy(update={"words": (1, 1)})  # two items of a list that stand together mean little
    return [
        Member(name="word_bayes", model="naive_bayes", inputs="text", text=settings),
        Member(name="word_linear", model="tfidf_linear", inputs="text", text=single),
        Member(name="word_nb_svm", model="nb_svm", inputs="text", text=single),
    ]


def character_members(profile: TaskProfile) -> list[Member]:
    """Two models of characters, for classes."""
    settings = character_settings(profile)
    return [
        Member(name="character_bayes", model="naive_bayes", inputs="text", text=settings),
        Member(name="character_linear", model="tfidf_linear", inputs="text", text=settings),
    ]


def reads_characters(member: Member) -> bool:
    """True for a model of characters alone."""
    return member.text is not None and member.text.words is None and member.text.chars is not None


def missing(recipe: Recipe, members: list[Member]) -> list[Member]:
    """Those of `members` that the recipe has no match for: the same kind of model of the same kind of terms."""
    counted = recipe.members[:1] if recipe.blend == "single" else recipe.members
    there = {(m.model, reads_characters(m)) for m in counted}
    return [m for m in members if (m.model, reads_characters(m)) not in there]
