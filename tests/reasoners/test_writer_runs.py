"""Scripts really run: by hand, on awkward data, on a few rows; complete outputs, and honest ones on pure noise."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.reasoners.rules.recipe import FeatureStep, Member, Recipe, TextSettings, View
from gome_graph.reasoners.rules.writer import draft_recipes, member_key, write_script
from gome_graph.records import TargetKind
from tests.reasoners.synthetic import AWKWARD, check_outputs, make_task, outputs, run_script
from tests.reasoners.test_writer import FEATURES, MODELS, TASKS, one, several, variety, with_views

QUICK: dict[str, dict[str, int]] = {
    "lightgbm": {"n_estimators": 20}, "catboost": {"iterations": 10}, "hist_gradient_boosting": {"max_iter": 10},
    "xgboost": {"n_estimators": 10}, "tabular_net": {"epochs": 3, "width": 16},
    "extra_trees": {"n_estimators": 20}, "random_forest": {"n_estimators": 20},
}  # fmt: skip


def quick(recipe: Recipe) -> Recipe:
    """The same recipe with small models."""
    for member in recipe.members:
        recipe = recipe.with_params(member.name, **QUICK.get(member.model, {}))
    return recipe


def blend_of_families(**fields: object) -> Recipe:
    """A frame model, a matrix model and a text model together."""
    members = [
        Member(name="lightgbm", model="lightgbm", params=QUICK["lightgbm"], encoding="target", inputs="tabular"),
        Member(name="linear", model="linear", text=TextSettings(words=(1, 1))),
        Member(name="forest", model="extra_trees", params=QUICK["extra_trees"], text=TextSettings(svd=5)),
    ]
    return Recipe(members=members, blend="greedy").model_copy(update=fields)


@pytest.mark.parametrize(
    ("kind", "prediction", "metric", "recipe"),
    [
        (TargetKind.BINARY, "label", "f1", blend_of_families(decision="threshold", features=FEATURES, seeds=2)),
        (TargetKind.MULTICLASS, "probabilities", "log_loss", blend_of_families(blend="stack", calibration="isotonic")),
        (TargetKind.ORDINAL, "label", "qwk", quick(one("catboost")).model_copy(update={"decision": "cut_points"})),
        (TargetKind.MULTI_REGRESSION, "number", "rmsle", blend_of_families(target_transform="log1p", decision="clip")),
        (TargetKind.MULTILABEL, "probability", "roc_auc", blend_of_families(test_prediction="refit")),
    ],
    ids=lambda value: value.value if isinstance(value, TargetKind) else None,
)
def test_a_script_runs_by_hand_and_writes_everything(
    tmp_path: Path, kind: TargetKind, prediction: str, metric: str, recipe: Recipe
) -> None:
    brief = make_task(tmp_path, kind, prediction, metric, text=True)

    done = run_script(tmp_path, write_script(recipe, brief))

    assert done.returncode == 0, done.stderr[-2000:]
    assert "Warning" not in done.stderr, done.stderr[-2000:]
    check_outputs(tmp_path, brief)


def test_a_support_vector_machine_runs_beside_boosting_on_several_classes(tmp_path: Path) -> None:
    brief = make_task(tmp_path, TargetKind.MULTICLASS, "label", "accuracy")
    members = [*quick(one("lightgbm")).members, Member(name="svm", model="svm")]

    done = run_script(tmp_path, write_script(Recipe(members=members, blend="greedy"), brief))

    assert done.returncode == 0, done.stderr[-2000:]
    check_outputs(tmp_path, brief)


def test_importances_are_told_of_named_columns_only_where_another_member_reads_a_matrix(tmp_path: Path) -> None:
    brief = make_task(tmp_path, TargetKind.BINARY, "label", "accuracy")
    matrix = Member(name="forest", model="extra_trees", params=QUICK["extra_trees"], encoding="onehot")

    done = run_script(tmp_path, write_script(Recipe(members=[*quick(one("catboost")).members, matrix], blend="greedy"), brief))

    assert done.returncode == 0, done.stderr[-2000:]
    told = [json.loads(line) for line in (tmp_path / "output" / "telemetry.jsonl").read_text().splitlines()]
    assert [set(line["importance"]) <= set(line["used"]) for line in told if line["kind"] == "columns" and line.get("importance")] == [True]


def test_views_and_their_members_run_side_by_side(tmp_path: Path) -> None:
    brief = make_task(tmp_path, TargetKind.BINARY, "label", "f1", text=True)
    recipe = quick(with_views()).model_copy(update={"drop": ["note", "tags"]})

    done = run_script(tmp_path, write_script(recipe, brief))

    assert done.returncode == 0, done.stderr[-2000:]
    check_outputs(tmp_path, brief)


def test_a_member_in_a_view_predicts_what_it_did_in_its_own_solution(tmp_path: Path) -> None:
    brief = make_task(tmp_path, TargetKind.REGRESSION, "number", "rmse", text=True)
    theirs = Recipe(members=[quick(one("lightgbm")).members[0]], features=[FeatureStep(kind="log1p", columns=["plain b"])], drop=["city"])
    lent = theirs.members[0].model_copy(update={"name": "lent", "view": "b"})
    views = {"b": View(features=theirs.features, drop=theirs.drop)}
    joint = Recipe(members=[*one("linear").members, lent], views=views, blend="mean")

    assert run_script(tmp_path, write_script(theirs, brief)).returncode == 0
    alone = kept_predictions(tmp_path)
    assert run_script(tmp_path, write_script(joint, brief)).returncode == 0
    together = kept_predictions(tmp_path)

    key = member_key(theirs, theirs.members[0])
    assert key == member_key(joint, lent)
    np.testing.assert_array_equal(alone[key], together[key])


def test_kept_predictions_are_taken_over_and_change_nothing(tmp_path: Path) -> None:
    brief = make_task(tmp_path, TargetKind.BINARY, "probability", "roc_auc")
    first, second = quick(one("lightgbm")), quick(several())
    assert run_script(tmp_path, write_script(second, brief)).returncode == 0
    anew = outputs(tmp_path)
    shutil.rmtree(tmp_path / "output")

    assert run_script(tmp_path, write_script(first, brief)).returncode == 0
    (tmp_path / "output" / "kept").rename(tmp_path / "kept")
    assert run_script(tmp_path, write_script(second, brief)).returncode == 0

    assert kept_predictions(tmp_path).keys() == {member_key(second, m) for m in second.members[1:]}
    oof, submission, telemetry = outputs(tmp_path)
    assert oof.equals(anew[0])
    assert submission.equals(anew[1])
    taken = [line for line in telemetry if line.get("kept")]
    assert {line["model"] for line in taken} == {"lightgbm"}
    assert {line["fold"] for line in taken if line["kind"] == "fold"} == set(range(5))


def kept_predictions(root: Path) -> dict[str, np.ndarray]:
    """Out-of-fold predictions by fingerprint, as the script left them."""
    return {path.stem: np.load(path)["oof"] for path in (root / "output" / "kept").glob("*.npz")}


def test_a_few_dozen_rows_with_lonely_classes_do_no_harm(tmp_path: Path) -> None:
    brief = make_task(tmp_path, TargetKind.MULTICLASS, "probabilities", "log_loss", rows=40)
    path = tmp_path / "input" / "train.csv"
    train = pd.read_csv(path, dtype=str, keep_default_na=False)
    train["y"] = ["ant"] * 38 + ["bee", "None"]
    train.to_csv(path, index=False)
    members = [
        Member(name="lightgbm", model="lightgbm", params=QUICK["lightgbm"], early_stopping=True),
        Member(name="linear", model="linear", encoding="target"),
    ]

    done = run_script(tmp_path, write_script(Recipe(members=members, blend="stack", calibration="temperature"), brief), GOME_STAGE="smoke")

    assert done.returncode == 0, done.stderr[-2000:]
    check_outputs(tmp_path, brief)


def test_telemetry_tells_folds_columns_phases_and_weights(tmp_path: Path) -> None:
    brief = make_task(tmp_path)

    run_script(tmp_path, write_script(quick(several()), brief), GOME_SEED="3", GOME_CPUS="1")

    _, _, telemetry = outputs(tmp_path)
    folds = [line for line in telemetry if line["kind"] == "fold" and line["model"] == "lightgbm"]
    (weights,) = [line["weights"] for line in telemetry if line["kind"] == "weights"]
    columns = next(line for line in telemetry if line["kind"] == "columns")
    assert all(0 < line["valid_score"] <= 1 for line in folds)
    assert np.mean([line["train_score"] for line in folds]) > np.mean([line["valid_score"] for line in folds])
    assert all(line["iterations"] == line["max_iterations"] == 20 for line in folds)
    assert set(weights) == {"lightgbm", "linear", "catboost"}
    assert sum(weights.values()) == pytest.approx(1)
    alike = {tuple(line["members"]): line["correlation"] for line in telemetry if line["kind"] == "agreement"}
    assert len(alike) == 3
    assert all(-1 <= correlation <= 1 for correlation in alike.values())
    assert AWKWARD in columns["importance"]
    assert sum(columns["importance"].values()) == pytest.approx(1, abs=0.01)
    assert {"load", "features", "fit", "blend"} <= {line["name"] for line in telemetry if line["kind"] == "phase"}


def test_the_same_seed_gives_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    brief = make_task(tmp_path, TargetKind.BINARY, "probability", "roc_auc")
    script = write_script(quick(one("lightgbm")), brief)
    found = []
    for seed in ("1", "1", "2"):
        run_script(tmp_path, script, GOME_SEED=seed)
        found.append((tmp_path / "output" / "oof.csv").read_text())

    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.mark.parametrize("blend", ["greedy", "stack"])
def test_a_noise_target_scores_at_chance(tmp_path: Path, blend: str) -> None:
    """Target encoding of a 60-valued category, stacking, calibration and a tuned cut: nothing may see a row's own label."""
    brief = make_task(tmp_path, TargetKind.BINARY, "label", "accuracy", rows=1_200, noise=True)
    recipe = blend_of_families(blend=blend, decision="threshold", calibration="isotonic")

    done = run_script(tmp_path, write_script(recipe, brief))

    assert done.returncode == 0, done.stderr[-2000:]
    truth = pd.read_csv(tmp_path / "input" / "train.csv", dtype=str)["y"]
    base = max(truth.value_counts(normalize=True))
    accuracy = float((outputs(tmp_path)[0]["y"] == truth).mean())
    probabilities = pd.read_csv(tmp_path / "output" / "oof_proba.csv")["True"]
    assert accuracy < base + 3 * np.sqrt(0.25 / 1_200)
    assert abs(_auc(truth == "True", probabilities) - 0.5) < 3 * 0.29 / np.sqrt(1_200 / 4)


def _auc(positive: pd.Series, score: pd.Series) -> float:
    ranks = score.rank().to_numpy()
    inside = positive.to_numpy()
    n = inside.sum()
    return float((ranks[inside].sum() - n * (n + 1) / 2) / (n * (len(ranks) - n)))


def test_seeds_stop_when_half_the_time_is_gone(tmp_path: Path) -> None:
    brief = make_task(tmp_path)
    script = write_script(quick(one("lightgbm")).model_copy(update={"seeds": 50}), brief)

    done = run_script(tmp_path, script, GOME_TIME_LIMIT="0.01")

    assert done.returncode == 0, done.stderr[-2000:]
    check_outputs(tmp_path, brief)
    once, _, _ = outputs(tmp_path)
    run_script(tmp_path, write_script(quick(one("lightgbm")), brief))
    assert outputs(tmp_path)[0].equals(once)  # one seed a fold was all there was time for


def test_an_empty_test_file_leaves_the_predictions_of_train_rows(tmp_path: Path) -> None:
    brief = make_task(tmp_path)
    path = tmp_path / "input" / "test.csv"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")

    done = run_script(tmp_path, write_script(quick(several("stack")), brief))

    assert done.returncode == 0, done.stderr[-2000:]
    check_outputs(tmp_path, brief)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(("kind", "prediction", "metric"), TASKS)
def test_every_recipe_runs_on_every_kind_of_task(tmp_path: Path, kind: TargetKind, prediction: str, metric: str) -> None:
    """All scripts of one task in one process, so that the libraries load once."""
    brief = make_task(tmp_path, kind, prediction, metric, rows=60, text=True)
    recipes = [quick(recipe) for recipe in [*variety(kind), *(one(model, text=TextSettings()) for model in MODELS)]]
    scripts = [write_script(recipe, brief) for recipe in [*recipes, *map(quick, draft_recipes(brief))]]
    (tmp_path / "all.json").write_text(json.dumps(scripts), encoding="utf-8")
    driver = (
        "import json, pathlib, shutil, sys\n"
        "for n, script in enumerate(json.loads(pathlib.Path('all.json').read_text())):\n"
        "    shutil.rmtree('output', ignore_errors=True)\n"
        "    try:\n"
        "        exec(compile(script, f'script {n}', 'exec'), {'__name__': '__main__'})\n"
        "    except Exception as error:\n"
        "        sys.exit(f'{script}\\n{type(error).__name__}: {error}')\n"
        "    shutil.copytree('output', f'done/{n}/output')\n"
    )

    done = run_script(tmp_path, driver, timeout=1_000)

    assert done.returncode == 0, done.stderr[-6000:]
    for number in range(len(scripts)):
        folder = tmp_path / "done" / str(number)
        (folder / "input").symlink_to(tmp_path / "input")
        check_outputs(folder, brief)
