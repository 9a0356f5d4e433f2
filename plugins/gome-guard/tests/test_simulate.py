"""The simulator reads any labelled texts and shows the guard's direction in a small world. Needs torch."""

import json
import random
from pathlib import Path

import pytest

from gome_graph.errors import TaskError
from gome_guard.sim.arms import find_arm
from gome_guard.sim.datasets import load_texts

VERBS = ["play", "stop", "book", "cancel", "show", "send", "find", "call", "read", "open"]
THINGS = ["music", "a taxi", "my balance", "a table", "the weather"]
FILLERS = ["please", "now", "for me", "quickly", "today", "again", "would you", "can you", "i want you to", "just", "right away", "tonight"]


def pairs(per_label: int = 60) -> list[tuple[str, str]]:
    """Ten labels of made-up sentences."""
    rng = random.Random(0)
    out = []
    for verb in VERBS:
        for _ in range(per_label):
            words = [rng.choice(FILLERS), verb, rng.choice(THINGS), rng.choice(FILLERS)]
            if rng.random() < 0.15:
                words[1] = rng.choice(VERBS)
            out.append((" ".join(words), verb))
    return out


def test_json_csv_and_folders_give_the_same_texts(tmp_path: Path) -> None:
    data = pairs(12)
    (tmp_path / "a.json").write_text(json.dumps({"train": data[:60], "test": data[60:], "oos_train": [["what", "oos"]] * 20}))
    (tmp_path / "b.csv").write_text("utterance,intent\n" + "".join(f"{t},{y}\n" for t, y in data))
    for name, part in (("train", data[:60]), ("test", data[60:])):
        (tmp_path / "c" / name).mkdir(parents=True)
        (tmp_path / "c" / name / "seq.in").write_text("".join(f"{t}\n" for t, _ in part))
        (tmp_path / "c" / name / "label").write_text("".join(f"{y}\n" for _, y in part))
    (tmp_path / "d.jsonl").write_text("".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in data))
    found = [
        sorted(zip(d.texts, d.labels, strict=True)) for d in (load_texts(tmp_path / name) for name in ("a.json", "b.csv", "c", "d.jsonl"))
    ]
    assert all(each == sorted(data) for each in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [("foo,bar\n1,2\n", "say which one with --text"), ("text,label\na,b\n", "needs three or more"), ("", "holds no rows")],
)
def test_what_is_no_labelled_text_is_refused_in_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(TaskError, match=words):
        load_texts(tmp_path / "x.csv")


def test_arms_can_be_taken_apart() -> None:
    assert find_arm("guard-split").split is False
    assert find_arm("guard-quarantine").quarantine is False
    with pytest.raises(TaskError, match="no arm 'magic'"):
        find_arm("magic")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="torch is not installed")
    path = tmp_path_factory.mktemp("data") / "x.csv"
    path.write_text("text,label\n" + "".join(f"{t},{y}\n" for t, y in pairs()))
    return path


def test_the_same_seeds_give_the_same_result(data: Path) -> None:
    from gome_guard.sim.run import simulate
    from gome_guard.sim.world import WorldSettings

    settings = WorldSettings(refreshes=3, window=150)
    hashes = {simulate(data, seeds=[seed], arms=["guard"], settings=settings).hash for seed in (3, 3, 4)}
    assert len(hashes) == 2


def test_the_guard_breaks_less_than_no_guard(data: Path) -> None:
    from gome_guard.sim.run import simulate
    from gome_guard.sim.world import WorldSettings

    found = simulate(data, seeds=[0, 1], arms=["none", "guard"], settings=WorldSettings(refreshes=4, window=250, repeats=1))
    arms = {arm.arm: arm for arm in found.arms}
    assert arms["none"].first_flips is not None
    assert arms["none"].first_flips > 0.1
    assert arms["guard"].first_flips is not None
    assert arms["guard"].first_flips < arms["none"].first_flips / 2
    assert arms["guard"].against_none is not None
    assert 0.2 < arms["guard"].curation["raw"].value < 0.6
