"""MAP@k: rows have one label each, and the labels are handed in likeliest first."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.hooks import Library
from gome_graph.reasoners.rules.recipe import Member, Recipe
from gome_graph.reasoners.rules.rehearse import Stage
from gome_graph.reasoners.rules.technique import TechniqueContext
from gome_graph.reasoners.rules.writer import draft_recipes, write_script
from gome_graph.records import Execution, Outcome
from gome_graph.records import Stage as RunStage
from gome_graph.run.kept import KeptPool
from gome_graph.task import PreparedTask, load_task, prepare
from gome_graph.validation import validate
from tests.reasoners.synthetic import run_script
from tests.task.make import write_task

LABELS = [f"kind-{n}" for n in range(6)]


@pytest.fixture
def prepared(tmp_path: Path) -> PreparedTask:
    rng = np.random.default_rng(0)
    code = rng.integers(0, 6, 700)
    table = pd.DataFrame(rng.normal(size=(6, 3))[code] + 0.5 * rng.normal(size=(700, 3)), columns=["a", "b", "c"])
    table.insert(0, "id", np.arange(700))
    train, test = table[:600].assign(kind=np.array(LABELS)[code[:600]]), table[600:]
    folder = write_task(tmp_path / "task", train, test, test[["id"]].assign(kind="kind-0 kind-1 kind-2"))
    return prepare(load_task(folder, target=["kind"], metric="MAP@3"), tmp_path / "prepared", seed=0)


@pytest.mark.parametrize("blend", ["single", "greedy"])
def test_scripts_hand_in_the_likeliest_labels_first(prepared: PreparedTask, tmp_path: Path, blend: str) -> None:
    brief = prepared.brief()
    assert brief.profile.target.classes == LABELS
    assert sum(brief.profile.target.class_shares) == pytest.approx(1.0)
    recipe = draft_recipes(brief)[1]
    if blend == "greedy":
        recipe = Recipe(members=[*recipe.members, Member(name="knn", model="knn")], blend="greedy")
    work = tmp_path / "work"
    (work / "output").mkdir(parents=True)
    (work / "input").symlink_to(prepared.input_dir(RunStage.FULL))

    done = run_script(work, write_script(recipe, brief))

    assert done.returncode == 0, done.stderr[-2000:]
    rankings = pd.read_csv(work / "output" / "submission.csv")["kind"].str.split()
    assert {len(set(ranking)) for ranking in rankings} == {3}
    found = validate(prepared, work / "output", Execution(outcome=Outcome.OK, stage=RunStage.FULL, seed=0), stage=RunStage.FULL)
    assert found.verdict.accepted, found.verdict.reason
    assert found.score is not None
    assert found.score.value > 0.6  # a guess is right at the first place in one row of six: 0.31


def test_blends_are_rehearsed_on_the_labels_codes(prepared: PreparedTask, tmp_path: Path) -> None:
    library = Library([], KeptPool(tmp_path / "kept"), prepared.truth, prepared.folds)
    recipe = draft_recipes(prepared.brief())[0]
    stage = Stage.of(recipe, TechniqueContext(task=prepared.brief(), recipe=recipe, library=library))

    assert stage is not None
    assert stage.sharpens
    assert [LABELS[int(code)] for code in stage.truth] == prepared.truth[stage.rows].tolist()


def test_several_labels_a_row_and_free_text_are_refused_in_a_sentence(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": range(100), "x": range(100), "kind": ["a b", "b c", "c", "a"] * 25})
    folder = write_task(tmp_path / "task", table)
    for metric in ("MAP@3", "word jaccard"):
        brief = prepare(load_task(folder, target=["kind"], metric=metric), tmp_path / metric, seed=0).brief()
        assert brief.profile.target.classes == []
        with pytest.raises(ValueError, match="a language model may"):
            write_script(draft_recipes(brief)[0], brief)
