"""The matrix runs what is missing, scores it itself, and outlives a system that fails."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import run
from systems import System

CONSTANT = """
import json, sys
from pathlib import Path
import pandas as pd
folder = Path(sys.argv[1])
facts = json.loads((folder / "facts.json").read_text())
assert not set(facts["targets"]) & set(pd.read_csv(folder / "test.csv"))
ids = pd.read_csv(folder / "test.csv")[facts["id"]]
pd.DataFrame({facts["id"]: ids, "0": 0.5, "1": 0.5}).to_csv(folder / "predictions.csv", index=False)
(folder / "report.json").write_text(json.dumps({"version": "constant 1", "error": None, "score": "its own opinion"}))
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the matrix of two stub systems on one task; returns the lines of the results."""
    for name, code in (("constant", CONSTANT), ("broken", "raise SystemExit(3)")):
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.setitem(run.SYSTEMS, name, System(name, None, str(tmp_path / f"{name}.py")))

    def go(*options: str) -> list[dict[str, Any]]:
        out = tmp_path / "results"
        arguments = ["--systems", "constant", "broken", "--tasks", "breast_cancer", "--seconds", "5", "--out", str(out), *options]
        monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
        run.main()
        return [json.loads(line) for line in (out / run.CELLS).read_text().splitlines()]

    return go


def test_cells_are_scored_here_and_run_once(bench: Any) -> None:
    first = bench()
    constant, broken = first
    assert constant["score"] == 0.5
    assert constant["own_score"] == "its own opinion"
    assert constant["peak_memory_mb"] > 0
    assert broken["score"] is None
    assert "exit 3" in broken["error"]
    assert bench() == first
    assert [row["system"] for row in bench("--retry")[2:]] == ["broken"]
