"""What text costs: seconds for turning it into terms and for fitting linear models and naive Bayes on them.

Constants are CPU seconds of one core, measured on 20,000 sentences (3 classes) and 40,000 lists (20 classes), words and characters.
"""

from gome_graph.reasoners.rules.recipe import Member, TextSettings
from gome_graph.records import ColumnKind, Seconds, TargetKind, TaskProfile

SPARSE_MODELS = ("nb_svm", "tfidf_linear", "naive_bayes")
"""Models whose whole cost is modelled here."""
WORD_SECONDS = 2.5e-6
"""To read a word, for each length of n-grams."""
CHARACTER_SECONDS = 0.75e-6
"""To read a character, for each length of n-grams."""
TERMS_A_WORD, TERMS_A_CHARACTER = 0.85, 0.65
"""Distinct terms in a row for each of its words or characters and each length of n-grams."""
LOGISTIC_SECONDS = 0.35e-6
"""SAGA until it stops, for each stored value and root of the classes."""
BINARY_SECONDS = 0.35e-6
"""Liblinear until it stops, for each stored value and class."""
BAYES_SECONDS = 0.02e-6
"""Naive Bayes, for each stored value."""
FITTED_SHARE = 0.8
"""Share of the rows that a fold's model is fitted on."""


def text_size(profile: TaskProfile) -> tuple[float, float]:
    """Mean words and characters of a row, all text and list columns together."""
    texts = [c for c in profile.columns if c.kind in (ColumnKind.TEXT, ColumnKind.LIST)]
    words = sum(c.mean_words or c.mean_length / 6 for c in texts)
    return words, sum(c.mean_length or 6 * c.mean_words for c in texts)


def spans(settings: TextSettings | None) -> tuple[int, int]:
    """How many lengths of word and of character n-grams are read."""
    settings = settings or TextSettings()
    words = (1, 1) if settings.words is None and settings.chars is None else settings.words
    return (words[1] - words[0] + 1 if words else 0), (settings.chars[1] - settings.chars[0] + 1 if settings.chars else 0)


def reading_seconds(settings: TextSettings | None, profile: TaskProfile) -> Seconds:
    """To make the term matrix of train and test rows."""
    words, characters = text_size(profile)
    of_words, of_characters = spans(settings)
    each = words * of_words * WORD_SECONDS + characters * of_characters * CHARACTER_SECONDS
    return (profile.rows + profile.test_rows) * each


def fitting_seconds(member: Member, profile: TaskProfile) -> Seconds:
    """To fit one of `SPARSE_MODELS` on all folds."""
    words, characters = text_size(profile)
    of_words, of_characters = spans(member.text)
    stored = profile.rows * FITTED_SHARE * (words * of_words * TERMS_A_WORD + characters * of_characters * TERMS_A_CHARACTER)
    classes = len(profile.target.classes) if profile.target.kind is TargetKind.MULTICLASS else 1
    if member.model == "naive_bayes":
        each = BAYES_SECONDS
    elif member.model == "nb_svm":
        each = BINARY_SECONDS * max(classes, 2)
    else:
        each = LOGISTIC_SECONDS * max(classes, 1) ** 0.5
    return profile.folds * stored * each
