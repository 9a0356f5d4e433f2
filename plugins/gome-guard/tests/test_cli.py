"""The commands as a pipeline sees them: JSON, exit codes, one sentence for bad input."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from gome_graph.cli import output
from gome_graph.cli.app import _explain
from gome_guard.cli import guard_app


def run(*args: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    """Exit code and parsed JSON (or the sentence on stderr)."""
    output.mode.json = output.mode.quiet = False
    app = typer.Typer()
    app.callback()(lambda: None)
    app.add_typer(guard_app, name="guard")
    capsys.readouterr()
    try:
        code = get_command(app).main(args=["guard", *args, "--json"], standalone_mode=False) or 0
    except Exception as error:
        code = _explain(error)
    return code, json.loads(capsys.readouterr().out)


def write_log(path: Path, n: int = 400) -> list[dict[str, Any]]:
    rng = random.Random(0)
    rows = []
    for i in range(n):
        good = rng.random() < 0.6
        rows.append(
            {"id": f"r{i}", "at": f"2026-01-01T{i // 60:02d}:{i % 60:02d}:00Z", "policy": "v1", "candidates": ["good", "bad"],
             "action": "good" if good else "bad", "propensity": 0.6 if good else 0.4,
             "reward": float(rng.random() < (0.8 if good else 0.3)), "segment": "ab"[i % 2]}
        )  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


def write_policy(path: Path, rows: list[dict[str, Any]], action: str) -> None:
    path.write_text("".join(json.dumps({"id": row["id"], "action": action}) + "\n" for row in rows))


def test_a_better_policy_passes_and_a_worse_one_is_blocked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = write_log(tmp_path / "log.jsonl")
    for name in ("good", "bad"):
        write_policy(tmp_path / f"{name}.jsonl", rows, name)
    args = ["evaluate", "--log", str(tmp_path / "log.jsonl"), "--min-gain", "0"]
    code, found = run(*args, "--policy", str(tmp_path / "good.jsonl"), "--incumbent", str(tmp_path / "bad.jsonl"), capsys=capsys)
    assert (code, found["passed"]) == (0, True)
    assert found["differences"]["dr"]["value"] == pytest.approx(0.5, abs=0.15)
    code, found = run(*args, "--policy", str(tmp_path / "bad.jsonl"), "--incumbent", str(tmp_path / "good.jsonl"), capsys=capsys)
    assert (code, found["passed"]) == (1, False)
    assert {s["segment"] for s in found["segments"] if s["status"] == "worse"} == {"a", "b"}


def test_ingest_twice_changes_nothing_and_bad_rows_leave_no_bank(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_log(tmp_path / "log.jsonl", 20)
    bank = tmp_path / "bank"
    args = ("ingest", "--bank", str(bank), "--log", str(tmp_path / "log.jsonl"))
    assert run(*args, capsys=capsys)[1]["new_feedback"] == 20
    assert run(*args, capsys=capsys)[1]["new_feedback"] == 0
    (tmp_path / "bad.jsonl").write_text('{"id": "x"}\n')
    code, found = run("ingest", "--bank", str(tmp_path / "other"), "--log", str(tmp_path / "bad.jsonl"), capsys=capsys)
    assert code == 2
    assert "row 1" in found["error"]
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("evaluate", "--log", "none.jsonl", "--policy", "p.jsonl"), "no file none.jsonl"),
        (("evaluate", "--log", "none.txt", "--policy", "p.jsonl"), "none of .jsonl, .csv, .parquet"),
        (("evaluate", "--log", "x.jsonl", "--policy", "p.jsonl", "--main", "magic"), "no estimator 'magic'"),
        (("evaluate", "--log", "x.jsonl", "--policy", "p.jsonl", "--min-gain", "0"), "--incumbent"),
        (("ingest", "--bank", "b"), "Nothing to ingest"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_two(args: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run(*args, capsys=capsys)
    assert code == 2
    assert words in found["error"]
