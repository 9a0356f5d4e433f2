"""``--memory shared``: what one run has learnt, the next one recalls, and ``gome memory --path shared`` shows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gome_graph.cli.commands.run import _memory

pytest.importorskip("gome_memory")


def test_runs_of_a_user_share_a_memory_where_they_ask_for_it(process: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,b,y\n" + "".join(f"{n % 17},{n % 5},{int(n % 17 + n % 5 > 9)}\n" for n in range(200)))
    home = {"XDG_DATA_HOME": str(tmp_path / "home"), "GOME_PLUGINS": "memory"}
    flags = ["--train", "train.csv", "--target", "y", "--metric", "accuracy", "--traces", "1", "--memory", "shared", "-q"]

    for name, steps in (("one", 1), ("two", 2)):
        assert process("run", *flags, "--max-steps", steps, "--out", name, **home).code == 0

    assert (tmp_path / "home" / "gome" / "memory").is_dir()
    assert not list((tmp_path / "one").glob("memory/*.sqlite"))
    found = json.loads(process("memory", "list", "--path", "shared", "--json", **home).out)
    assert {item["key"].split("/")[0].rpartition("-")[0] for item in found["experiences"]} == {"one", "two"}
    recalled = [json.loads(line) for line in (tmp_path / "two" / "journal.jsonl").read_text().splitlines() if '"recalled"' in line]
    assert any(event["data"]["momentum"]["considered"] > 1 for event in recalled)


def test_a_closed_world_refuses_it(process: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,y\n" + "".join(f"{n},{n % 2}\n" for n in range(50)))
    said = process("run", "--train", "train.csv", "--target", "y", "--closed-world", "--memory", "shared", "--out", "run")
    assert said.code == 2
    assert "--closed-world begins with an empty memory" in said.err
    assert not (tmp_path / "run").exists()


def test_a_memory_is_named_with_or_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    mine = tmp_path / "gome" / "memory"
    folder = tmp_path / "team"
    for text, wanted in (
        ("auto", ("auto", None)), ("none", ("none", None)), ("shared", ("auto", mine)), ("exact", ("exact", None)),
        ("exact:shared", ("exact", mine)), (f"exact:{folder}", ("exact", folder)), (str(folder), ("auto", folder)),
        (f"{folder}:x", ("auto", tmp_path / "team:x")),
    ):  # fmt: skip
        assert _memory(text, False, ["memory"]) == wanted, text
    assert _memory("shared", True, ["memory"]) == ("none", None)
