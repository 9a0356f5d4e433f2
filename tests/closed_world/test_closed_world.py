"""The closed world, on one real run through the command line: the agent gets the task package and nothing else.

docs/strategies.md lists all twelve checks and where each is made; those that need a whole run are here.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("closed-world")]
"""One real run of four steps, on one worker: half a minute, or minutes on a machine with other work."""

CANARY = "c4n4ry-7f3e91"
"""Stands in the answers."""
HIDDEN = "h1dd3n-52ab60"
"""Stands in a column that the task drops."""
SPY = """\
import os, sys

def told(event, arguments, log=os.environ["GOME_TEST_SPY"]):
    if event == "socket.connect":
        with open(log, "a") as file:
            file.write(repr(arguments[1]) + "\\n")

sys.addaudithook(told)
"""
"""Every address that a Python process of the run connects to."""


@dataclass(frozen=True)
class Closed:
    """The run and what was there before."""

    task: Path
    out: Path
    before: dict[str, str]
    connections: list[str]
    result: dict[str, object]


def hashes(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Closed:
    """Two traces, two steps each, in a closed world."""
    root = tmp_path_factory.mktemp("closed")
    task = _write(root / "package")
    before = hashes(task)
    (root / "spy").mkdir()
    (root / "spy" / "sitecustomize.py").write_text(SPY)
    paths = os.pathsep.join([str(root / "spy"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "gome_graph.cli", "run", str(task), "--out", str(root / "run"), "--closed-world", "--traces", "2",
         "--max-steps", "2", "--budget", "10m", "--json"],
        capture_output=True, text=True, timeout=580, check=False, cwd=root,
        env={**os.environ, "PYTHONPATH": paths, "GOME_TEST_SPY": str(root / "connections")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    log = root / "connections"
    return Closed(task, root / "run", before, log.read_text().splitlines() if log.exists() else [], json.loads(done.stdout))


def _write(folder: Path) -> Path:
    random = np.random.default_rng(3)
    x, z = random.normal(size=(2, 700))
    frame = pd.DataFrame({"id": range(700), "x": x, "z": z, "secret": HIDDEN, "y": (x + 0.5 * random.normal(size=700) > 0).astype(int)})
    folder.mkdir()
    frame[:500].to_csv(folder / "train.csv", index=False)
    frame[500:].drop(columns="y").to_csv(folder / "test.csv", index=False)
    frame[500:][["id"]].assign(y=0.5).to_csv(folder / "sample_submission.csv", index=False)
    answers = folder.parent / "private"
    answers.mkdir()
    frame[500:][["id", "y"]].assign(note=CANARY).to_csv(answers / "answers.csv", index=False)
    (folder / "task.toml").write_text(
        'name = "package"\nid = "id"\ntarget = ["y"]\nmetric = "roc auc"\ndrop = ["secret"]\nanswers = "../private/answers.csv"\n'
    )
    return folder


def files(run: Path) -> list[Path]:
    return [p for p in run.rglob("*") if p.is_file() and not p.is_symlink()]


def test_scripts_ran_without_a_route_out(closed: Closed) -> None:
    assert json.loads((closed.out / "run.json").read_text())["protections"]["network_blocked"] is True


def test_the_orchestrator_reached_nothing_but_this_machine(closed: Closed) -> None:
    def here(address: str) -> bool:
        return bool(re.match(r"\('(127\.0\.0\.1|::1|localhost)'|'|b'", address))  # loopback, or the path of a Unix socket

    assert [address for address in closed.connections if not here(address)] == []


def test_the_spy_sees_a_connection_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SPY)
    attempt = "import socket; s = socket.socket(); s.settimeout(0.2)\ntry: s.connect(('192.0.2.1', 9))\nexcept OSError: pass"
    subprocess.run([sys.executable, "-c", attempt], check=True, timeout=60,
                   env={**os.environ, "PYTHONPATH": str(tmp_path), "GOME_TEST_SPY": str(tmp_path / "log")})  # fmt: skip
    assert "192.0.2.1" in (tmp_path / "log").read_text()


def test_what_stands_in_the_answers_is_nowhere_in_the_run(closed: Closed) -> None:
    assert [p for p in files(closed.out) if CANARY.encode() in p.read_bytes()] == []


def test_a_dropped_column_is_nowhere_in_the_run(closed: Closed) -> None:
    assert [p for p in files(closed.out) if HIDDEN.encode() in p.read_bytes()] == []


def test_the_task_package_is_as_it_was(closed: Closed) -> None:
    assert hashes(closed.task) == closed.before


def test_the_memory_began_empty(closed: Closed) -> None:
    record = json.loads((closed.out / "run.json").read_text())
    assert record["settings"]["memory_path"] is None
    recalled = [e for line in (closed.out / "journal.jsonl").read_text().splitlines() if (e := json.loads(line))["kind"] == "recalled"]
    own = {f"t{trace}-{step}" for trace in range(2) for step in range(2)}
    assert recalled, "no step asked the memory"
    for event in recalled:
        told = event["data"]["momentum"]
        assert {each["step"] for each in [*told["successes"], *told["failures"]]} <= own
        assert told["considered"] <= 3


def test_no_audit_score_stands_in_what_a_reasoner_or_script_could_read(closed: Closed) -> None:
    scores = [json.loads(p.read_text()) for p in (closed.out / "vault").glob("*.json")]
    digits = {f"{score['value']:.10f}" for score in scores if score}
    assert digits
    for path in [*closed.out.glob("steps/**/*.json"), *closed.out.glob("steps/**/*.log"), *closed.out.glob("memory/**/*")]:
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            assert not any(value in text for value in digits), path


def test_running_the_script_again_gives_the_submission(closed: Closed) -> None:
    handed_out = pd.read_csv(closed.out / "submission.csv")
    seed = str(json.loads((closed.out / "run.json").read_text())["seed"])
    subprocess.run([sys.executable, "solution.py"], cwd=closed.out, check=True, timeout=200, capture_output=True,
                   env={"PATH": os.environ["PATH"], "GOME_SEED": seed, "GOME_STAGE": "final", "OMP_NUM_THREADS": "1"})  # fmt: skip
    again = pd.read_csv(closed.out / "output" / "submission.csv").set_index("id").loc[handed_out["id"]].reset_index()
    pd.testing.assert_frame_equal(again, handed_out, rtol=1e-6)


def test_a_shared_memory_is_refused(closed: Closed, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gome_graph.cli", "run", str(closed.task), "--closed-world", "--memory", str(tmp_path / "shared"),
         "--out", str(tmp_path / "run")], capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--closed-world" in done.stderr
    assert not (tmp_path / "run").exists()


def test_scripts_that_could_use_the_network_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from gome_graph.cli.commands.run import _protections
    from gome_graph.errors import SandboxError
    from gome_graph.execution.local import LocalExecutor
    from gome_graph.run import RunSettings

    walls = LocalExecutor().protections().model_copy(update={"network_blocked": False})
    monkeypatch.setattr(LocalExecutor, "protections", lambda self: walls)
    with pytest.raises(SandboxError, match="--closed-world"):
        _protections(RunSettings(closed_world=True))


def test_code_prompts_and_catalogs_name_no_competition() -> None:
    slugs = [
        "titanic", "house-prices-advanced", "bike-sharing-demand", "spooky-author", "random-acts-of-pizza", "nomad2018",
        "leaf-classification", "whats-cooking", "playground-series", "tabular-playground", "jigsaw-toxic", "dogs-vs-cats",
        "aerial-cactus", "detecting-insults",
        "denoising-dirty", "histopathologic", "new-york-city-taxi", "siim-isic", "text-normalization", "mlsp-2013",
    ]  # fmt: skip
    root = Path(__file__).parents[2] / "gome_graph"
    sources = [p for p in root.rglob("*") if p.suffix in (".py", ".jinja", ".md", ".toml", ".json") and p.is_file()]
    assert len(sources) > 200
    named = [(p, s) for p in sources for s in slugs if s in p.read_text(encoding="utf-8").lower()]
    assert named == []
