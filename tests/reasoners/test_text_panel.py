"""The text panel: drafts and steps that stack models of words and characters, what they cost, and that the stack beats one model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules.catalog import BUILT_IN
from gome_graph.reasoners.rules.choose import rank
from gome_graph.reasoners.rules.cost import predict_cost, recipe_units
from gome_graph.reasoners.rules.panel import character_members, character_settings, missing, word_members
from gome_graph.reasoners.rules.recipe import Member, Recipe, TextSettings
from gome_graph.reasoners.rules.writer import draft_recipes, write_script
from gome_graph.records import ColumnKind, ColumnProfile, TargetKind, TargetProfile, TaskProfile
from tests.reasoners.planted import LIST, NUMBERS, TEXT, brief, column, recipe, view
from tests.reasoners.synthetic import check_outputs, run_script

PANEL = next(t for t in BUILT_IN if t.name == "text_panel")
texts = brief(TEXT, TargetKind.MULTICLASS, "log_loss", prediction="probabilities")


def stack(*members: Member) -> Recipe:
    return Recipe(members=list(members), blend="stack")


def planted(root: Path, rows: int = 500) -> TaskBrief:
    """Three authors told apart by topic words, by word endings and by punctuation, each a weak sign."""
    rng = np.random.default_rng(3)
    total = rows + 60
    author = rng.integers(3, size=total)
    stems = [f"{a}{b}{c}" for a in "bdgkmpst" for b in "aeiou" for c in "lnrx"]
    weights = rng.dirichlet(np.full(len(stems), 0.8), 3) + 1 / len(stems)
    weights /= weights.sum(axis=1, keepdims=True)
    endings = np.array(["ing", "ed", "ous"])
    sentences = []
    for who in author:
        words = rng.choice(stems, 14, p=weights[who])
        ends = np.where(rng.random(14) < 0.25, endings[(who + (rng.random(14) < 0.45)) % 3], "")
        mark = ";" if rng.random() < 0.2 + 0.3 * (who == 1) else ","
        sentences.append(" ".join(f"{word}{end}" for word, end in zip(words, ends, strict=True)).capitalize() + f"{mark} so.")
    table = pd.DataFrame({"id": [f"s{n}" for n in range(total)], "text": sentences, "author": np.array(["ann", "bob", "cem"])[author]})
    folder = root / "input"
    folder.mkdir(parents=True)
    table[:rows].to_csv(folder / "train.csv", index=False)
    table[rows:].drop(columns="author").to_csv(folder / "test.csv", index=False)
    pd.DataFrame({"id": table["id"][:rows], "fold": np.arange(rows) % 5}).to_csv(folder / "folds.csv", index=False)
    classes = ["ann", "bob", "cem"]
    profile = TaskProfile(
        rows=rows, test_rows=60, audit_rows=0, id_column="id", folds=5,
        columns=[ColumnProfile(name="text", kind=ColumnKind.TEXT, missing=0.0, distinct=rows, mean_words=15.0, mean_length=75.0)],
        target=TargetProfile(columns=["author"], kind=TargetKind.MULTICLASS, classes=classes),
    )  # fmt: skip
    return TaskBrief(
        name="planted", description="", metric="log_loss", higher_is_better=False, prediction="probabilities", id_column="id",
        prediction_columns=classes, train_file="train.csv", test_file="test.csv", sample_submission_file=None, folds_file="folds.csv",
        profile=profile,
    )  # fmt: skip


def log_loss(root: Path) -> float:
    """Of the out-of-fold predictions."""
    truth = pd.read_csv(root / "input" / "train.csv")["author"]
    found = pd.read_csv(root / "output" / "oof.csv")
    return -float(np.mean([np.log(max(found.loc[n, label], 1e-6)) for n, label in enumerate(truth)]))


def test_the_panel_beats_each_model_of_it_on_a_planted_text(tmp_path: Path) -> None:
    task = planted(tmp_path)
    words, characters = word_members(task.profile), character_members(task.profile)
    done = run_script(tmp_path, write_script(stack(*words, *characters), task))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Warning" not in done.stderr, done.stderr[-2000:]
    check_outputs(tmp_path, task)
    together = log_loss(tmp_path)

    alone = []
    for member in (words[1], characters[1]):
        run_script(tmp_path, write_script(Recipe(members=[member]), task))
        alone.append(log_loss(tmp_path))

    assert together < 0.9 * min(alone)


@pytest.mark.parametrize("columns", [TEXT, LIST])
def test_the_first_draft_of_a_text_task_is_a_stack_of_word_models(columns: list[ColumnProfile]) -> None:
    first, second, *_ = draft_recipes(brief(columns, TargetKind.MULTICLASS, "accuracy"))

    assert first.blend == "stack"
    assert {m.model for m in first.members} == {"naive_bayes", "tfidf_linear", "nb_svm"}
    assert len(second.members) == 1


def test_tables_and_numbers_to_predict_get_no_panel() -> None:
    assert all(len(r.members) == 1 for r in draft_recipes(brief([*NUMBERS, *TEXT])))
    assert all(len(r.members) == 1 for r in draft_recipes(brief(TEXT, TargetKind.REGRESSION, "rmse")))
    assert not PANEL.variants(view(brief(TEXT, TargetKind.REGRESSION, "rmse"), recipe("tfidf_linear")))


def test_the_panel_adds_only_what_is_missing_and_ends() -> None:
    words = word_members(texts.profile)
    full, *parts = PANEL.variants(view(texts, recipe("tfidf_linear")))
    assert len(full.recipe.members) == 5
    assert full.recipe.blend == "stack"
    assert {len(v.recipe.members) for v in parts} == {3}
    (characters,) = PANEL.variants(view(texts, stack(*words)))
    assert [m.name for m in characters.recipe.members[3:]] == ["character_bayes", "character_linear"]
    assert not PANEL.variants(view(texts, characters.recipe))
    assert missing(recipe("nb_svm"), words) == [words[0], words[1]]


def test_long_texts_get_shorter_character_terms() -> None:
    long = brief([column("words", ColumnKind.TEXT, mean_words=900.0, mean_length=5000.0)], TargetKind.MULTICLASS, rows=20_000)
    assert character_settings(texts.profile).chars == (1, 5)
    assert character_settings(long.profile).chars == (2, 4)


def test_cost_grows_with_text_and_classes() -> None:
    def units(task: TaskBrief, *members: Member) -> float:
        return recipe_units(stack(*members), task.profile)

    long = brief([column("words", ColumnKind.TEXT, mean_words=200.0, mean_length=1100.0)], TargetKind.MULTICLASS, "log_loss")
    many = texts.profile.model_copy(update={"target": texts.profile.target.model_copy(update={"classes": [str(n) for n in range(20)]})})
    bayes, _, weighted = word_members(texts.profile)
    assert units(long, bayes) == pytest.approx(10 * units(texts, bayes), rel=0.01)
    assert units(replace(texts, profile=many), weighted) > 3 * units(texts, weighted)
    assert units(texts, *character_members(texts.profile)) > 2 * units(texts, bayes)


def test_a_panel_is_predicted_from_what_its_first_member_took() -> None:
    """A machine three times as slow as the model makes the panel's prediction three times as long."""
    first, *rest = word_members(texts.profile)
    now, then = Recipe(members=[first]), stack(first, *rest)
    modelled = recipe_units(now, texts.profile)
    slow = view(texts, now, pack=None, incumbent_seconds=2.5 + 3 * max(modelled, 0.2))
    even = view(texts, now, pack=None, incumbent_seconds=2.5 + max(modelled, 0.2))
    assert predict_cost(then, slow).seconds - 2.5 == pytest.approx(3 * (predict_cost(then, even).seconds - 2.5), rel=0.01)


def test_naive_bayes_reads_tfidf_unless_counts_are_asked_for() -> None:
    def written(**text: object) -> str:
        return write_script(Recipe(members=[Member(name="b", model="naive_bayes", text=TextSettings.model_validate(text))]), texts)

    assert "TfidfVectorizer" in written()
    assert "alpha=0.02" in written()
    assert "CountVectorizer" in written(weighting="count")
    assert "alpha=0.3" in written(weighting="count")
    assert 'analyzer="char",' in written(words=None, chars=(1, 3), across_words=True)


def test_beside_tables_text_is_measured_and_linear_models_are_held_back() -> None:
    skewed = brief([column("money", skew=4.0), *NUMBERS, *TEXT], TargetKind.BINARY, "roc_auc")
    drafts = draft_recipes(skewed)
    linear, words = (next(r.members[0] for r in drafts if r.members[0].model == model) for model in ("linear", "tfidf_linear"))
    assert all(r.has_feature("text_stats", "words") for r in drafts)
    assert linear.params == {"C": 0.1}
    assert linear.scaling == "quantile"
    assert words.params == {"C": 1.0}
    numbers = draft_recipes(brief([*NUMBERS, *TEXT], TargetKind.REGRESSION, "rmse"))
    assert all("C" not in r.members[0].params for r in numbers)


def test_the_panel_is_worth_less_beside_tables() -> None:
    beside = PANEL.variants(view(brief([*NUMBERS, *TEXT], TargetKind.BINARY, "roc_auc")))
    alone = PANEL.variants(view(texts, recipe("lightgbm")))
    assert [v.title for v in beside] == [v.title for v in alone]
    assert all(b.gain < a.gain and b.success < a.success for a, b in zip(alone, beside, strict=True))


def test_a_full_panel_goes_on_to_phrases_and_style_before_it_turns_the_terms_of_one_member() -> None:
    full = stack(*word_members(texts.profile), *character_members(texts.profile))
    here = view(texts, full, pack=None)
    ranked = rank(BUILT_IN, here, [])
    places = {name: min(n for n, c in enumerate(ranked) if c.technique.name == name) for name in {c.technique.name for c in ranked}}
    first = {"phrase_bayes", "style_specialist"}
    assert max(places[name] for name in first) < min(places[name] for name in ("char_ngrams", "calibration", "rare_words"))
    assert "text_statistics" not in places
