"""``gome kge``: what a person and a script see, on a ring that is learnt in seconds."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import typer

from gome_graph.cli import app as cli
from gome_kge.cli import kge_app
from gome_kge.data import load_graph
from gome_kge.export import Vectors
from gome_kge.predictor import Predictor
from gome_kge.rules import mine

SET = ["--set", "model=complex", "--set", "rank=24", "--set", "regularizer=n3", "--set", "weight=0.003", "--set", "batch=16",
       "--set", "negatives=0", "--set", "epochs=40", "--threads", "1"]  # fmt: skip


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands as the hook adds them, whether or not the distribution is installed."""

    def add(app: typer.Typer, args: list[str]) -> None:
        app.add_typer(kge_app, name="kge")

    monkeypatch.setattr(cli, "_add_plugin_commands", add)


def ask(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.run_cli(["kge", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ring's data and a model of it."""
    from gome_kge.pipeline import train
    from gome_kge.settings import Settings

    sys.path.insert(0, str(Path(__file__).parent))
    from conftest import write_splits  # type: ignore[import-not-found]

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("kge")
    graph = load_graph(write_splits(root / "ring"))
    settings = Settings(model="complex", rank=24, regularizer="n3", weight=0.003, batch=16, negatives=0, epochs=40)
    train(graph, root / "model", settings=settings, rules=True)
    return root


def test_train_ends_with_a_json_object_of_test_metrics(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "train", "--data", folder, "--out", tmp_path / "out", *SET)
    assert code == 0, err
    found = json.loads(out.splitlines()[-1])
    assert found["mrr"] > 0.9
    assert {"mrr", "hits@1", "hits@3", "hits@10"} <= set(found["by_rank_type"]["pessimistic"])
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["mrr"] == found["mrr"]


def test_train_finds_a_recipe_by_itself(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "train", "--data", folder, "--time", "12s", "--out", tmp_path / "out", "--threads", 1, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["mrr"] > 0.3
    assert found["seconds"] < 40
    assert found["members"]


def test_evaluate_repeats_the_numbers_of_the_training(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "evaluate", "--model", trained / "model", "--json", "--threads", 1)
    before = json.loads((trained / "model" / "metrics.json").read_text())
    assert code == 0
    assert json.loads(out)["mrr"] == pytest.approx(before["mrr"], abs=1e-6)


def test_predict_leaves_known_triples_out_unless_asked(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("predict", "--model", trained / "model", "--head", "p0", "--relation", "next", "--top", 3, "--json", "--threads", 1)
    _, out, _ = ask(capsys, *arguments)
    assert "p1" not in [item["entity"] for item in json.loads(out)["answers"]]
    _, out, _ = ask(capsys, *arguments, "--known")
    assert json.loads(out)["answers"][0]["entity"] == "p1"
    _, out, _ = ask(capsys, "predict", "--model", trained / "model", "--tail", "p1", "-r", "next", "--known", "--quiet", "--top", 1)
    assert out.strip() == "p0"


def test_explain_names_a_rule_and_its_path(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = load_graph(trained / "ring")
    h, r, t = next(row for row in graph.test.tolist() if graph.relations[row[1]] == "second")
    names = ["--head", graph.entities[h], "--relation", graph.relations[r], "--tail", graph.entities[t]]
    code, out, err = ask(capsys, "explain", "--model", trained / "model", *names, "--json", "--threads", 1)
    assert code == 0, err
    found = json.loads(out)
    assert any("next(X, A), next(A, Y)" in item["rule"] or "^-1" in item["rule"] for item in found["evidence"])
    for item in found["evidence"]:
        for path in item["paths"]:
            assert (path[0], path[-1]) == (graph.entities[h], graph.entities[t])


@pytest.mark.parametrize("name", ["v.npz", "v.safetensors", "v.parquet", "v.txt"])
def test_exports_hold_the_vectors(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("polars")
    code, _, err = ask(capsys, "export", tmp_path / name, "--model", trained / "model")
    assert code == 0, err
    truth = Vectors(Predictor.load(trained / "model"))
    path = tmp_path / name
    if name == "v.npz":
        with np.load(path) as file:
            assert np.array_equal(file["entity"], truth.entity)
            assert file["entities"].tolist() == truth.entities
    elif name == "v.safetensors":
        from safetensors.numpy import load_file

        assert np.array_equal(load_file(path)["entity"], truth.entity)
    elif name == "v.parquet":
        import polars

        table = polars.read_parquet(path)
        assert np.allclose(table["vector"].to_list()[3], truth.entity[3])
    else:
        lines = path.read_text().splitlines()
        assert lines[0] == f"{len(truth.entities)} {truth.entity.shape[1]}"
        assert np.allclose([float(x) for x in lines[4].split()[1:]], truth.entity[3], rtol=1e-4)
    assert list(tmp_path.iterdir()) == [path]


def test_neighbours_and_datasets_answer(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ask(capsys, "neighbours", "--model", trained / "model", "--entity", "p0", "--top", 2, "--json")
    assert len(json.loads(out)["neighbours"]) == 2
    code, out, _ = ask(capsys, "datasets", "--data", trained / "ring", "--json")
    assert (code, json.loads(out)["datasets"][0]["entities"]) == (0, 24)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "--data", "/nowhere"], "There is no /nowhere"),
        (["train", "--data", "DATA", "--time", "soon"], "--time 'soon' is not a duration"),
        (["train", "--data", "DATA", "--config", "best"], "--config 'best' is neither a file nor shipped"),
        (["train", "--data", "DATA", "--set", "rang=3"], "there is no setting 'rang'"),
        (["train", "--data", "DATA", "--set", "rank=many"], "rank: Input should be a valid integer"),
        (["train", "--data", "DATA", "--set", "rank=8", "--out", "MODEL"], "holds a training already; add --resume"),
        (["train", "--data", "DATA", "--overlap", "keep"], "--overlap 'keep' is neither"),
        (["evaluate", "--model", "DATA"], "There is no finished model in"),
        (["predict", "--model", "MODEL", "--head", "p0", "-r", "nex"], "There is no relation 'nex' in the graph; the closest are 'next'"),
        (["predict", "--model", "MODEL", "-r", "next"], "Give either a head"),
        (["explain", "--model", "MODEL", "--head", "q", "-r", "next", "--tail", "p1"], "There is no entity 'q'"),
        (["export", "vectors.doc", "--model", "MODEL"], "does not say its format"),
        (["datasets", "--data", "/nowhere"], "There is no /nowhere"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_2(
    trained: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    places = {"DATA": trained / "ring", "MODEL": trained / "model"}
    code, _, err = ask(capsys, *[places.get(word, word) for word in arguments])
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert sentence in err


def test_search_finds_settings_that_train_takes(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optuna")
    out = tmp_path / "best.yaml"
    code, text, err = ask(capsys, "search", "--data", folder, "--trials", 2, "--time", "4s", "--out", out, "--threads", 1, "--json")
    assert code == 0, err
    assert json.loads(text)["valid_mrr"] > 0
    from gome_kge.recipes import read_config

    assert read_config(str(out)).model_dump() == json.loads(text)["settings"]


def test_every_shipped_configuration_is_valid() -> None:
    from gome_kge.recipes import read_config, shipped

    assert len(shipped()) >= 9
    for name in shipped():
        read_config(name)


def test_mined_rules_are_those_that_made_the_ring(trained: Path) -> None:
    graph = load_graph(trained / "ring")
    rules = mine(graph.train, graph.n_entities, graph.n_relations)
    assert rules is not None
    names = {name: i for i, name in enumerate(graph.relations)}
    by_body = {(rule.head, rule.body): rule for rule in rules.rules}
    assert (names["second"], (names["next"], names["next"])) in by_body
    assert by_body[names["next"], (names["previous"] + graph.n_relations,)].confidence > 0.5
    assert (names["next"], (names["next"],)) not in by_body


def test_rule_evidence_is_the_noisy_or_of_the_rules(trained: Path) -> None:
    graph = load_graph(trained / "ring")
    rules = mine(graph.train, graph.n_entities, graph.n_relations)
    assert rules is not None
    heads, relations = np.array([0, 5, 0]), np.array([1, 2, 1])
    found = rules.evidence(heads, relations)
    for i, (h, r) in enumerate(zip(heads.tolist(), relations.tolist(), strict=True)):
        for e in range(graph.n_entities):
            missing = np.prod([1 - min(x.confidence, 0.999) for x in rules.by_head[r] if rules.walker.paths(h, e, x.body, limit=1)])
            assert found[i, e] == pytest.approx(1 - missing, abs=1e-5)


def test_help_does_not_import_torch() -> None:
    script = "import sys; import gome_kge.plugin, gome_kge.cli; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
