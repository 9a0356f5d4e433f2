"""Runs in a real tracking server, and runs whose server is slow, gone or broken."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytest.importorskip("mlflow", reason="NOT TESTED: mlflow is not installed; pip install -c constraints.txt mlflow-skinny")
sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "report"))

from fake_run import FakeRun
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from gome_graph.hooks.manager import Plugins
from gome_graph.records import Event, EventKind, VerdictKind
from gome_mlflow import plugin
from gome_mlflow.recorder import STATE

START_SECONDS = 120.0


ENVIRONMENT = Path(os.environ.get("GOME_MLFLOW_VENV", Path(__file__).parents[3] / ".venv-mlflow"))
"""Made by ``make mlflow-venv``: mlflow's server wants an older pyarrow than gome's tests."""


@pytest.fixture(scope="module", params=["store", "server"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real tracking store in SQLite, and a real tracking server in a process of its own."""
    folder = tmp_path_factory.mktemp("mlflow")
    if request.param == "store":
        yield f"sqlite:///{folder}/store.db"
        return
    if not (ENVIRONMENT / "bin" / "mlflow").exists():
        pytest.skip(f"NOT TESTED: there is no MLflow server in {ENVIRONMENT}; make one with: make mlflow-venv")
    with serving(folder) as url:
        yield url


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """An MLflow server on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [str(ENVIRONMENT / "bin" / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
         "--backend-store-uri", f"sqlite:///{folder}/store.db", "--artifacts-destination", str(folder / "artifacts")],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={"PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}", "HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.3)
            assert time.monotonic() < end, "the MLflow server does not answer"
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


@pytest.fixture(autouse=True)
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may need longer than a run's end gives; artifacts of a plain store go into the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plugin, "CATCH_UP_SECONDS", 120.0)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


def play(root: Path, task: str, *, steps: int = 3) -> FakeRun:
    """A run whose events the plugin hears as they come."""
    fake = FakeRun(root, traces=2, task=task)
    hear(fake)
    fake.start()
    fake.steps(steps)
    fake.finish()
    return fake


def hear(fake: FakeRun) -> None:
    fake.journal._observers.append(lambda event: plugin.gome_on_event(event, fake.run.root))


def runs_of(address: str, task: str) -> tuple[Run, list[Run]]:
    """The MLflow run of a task and its children, by name."""
    client = MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name(task)
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], max_results=500)
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in found if run.data.tags.get("mlflow.parentRunId") == parents[0].info.run_id]
    assert len(parents) == 1
    return parents[0], sorted(children, key=lambda run: run.data.tags["mlflow.runName"])


def test_a_run_and_its_steps_stand_in_mlflow(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    fake = play(tmp_path / "ship", "ship")
    run, steps = runs_of(address, "ship")
    assert run.info.status == "FINISHED"
    assert run.data.params["metric"] == "log_loss"
    assert run.data.tags["gome.step"] == "t0-0"
    assert run.data.metrics["score"] == pytest.approx(0.462)
    assert run.data.metrics["audit"] == pytest.approx(0.466)
    assert [step.data.tags["mlflow.runName"] for step in steps] == fake.run.steps()
    first, crashed = steps[0], next(step for step in steps if step.data.tags["gome.verdict"] == "crashed")
    assert first.data.params["hypothesis"] == "Boost trees on all columns"
    assert first.data.metrics["standard_error"] == pytest.approx(0.0051)
    assert (first.info.status, crashed.info.status) == ("FINISHED", "FAILED")
    client = MlflowClient(tracking_uri=address)
    assert {file.path for file in client.list_artifacts(run.info.run_id)} >= {"solution.py", "submission.csv"}
    script = Path(client.download_artifacts(first.info.run_id, "solution.py", str(tmp_path))).read_text()
    assert script == fake.run.step("t0-0").solution().script  # type: ignore[union-attr]
    history = client.get_metric_history(run.info.run_id, "best")
    assert [point.value for point in history] == [0.462]


def test_the_audit_is_not_there_before_the_end(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    fake = FakeRun(tmp_path / "open", traces=1, task="open")
    hear(fake)
    fake.start()
    fake.steps(1)
    plugin._senders[fake.run.root].finish(120)
    run, _ = runs_of(address, "open")
    assert run.info.status == "RUNNING"
    assert "audit" not in run.data.metrics
    del plugin._senders[fake.run.root]


def test_a_run_that_goes_on_writes_nothing_twice(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    fake = FakeRun(tmp_path / "again", traces=1, task="again")
    hear(fake)
    fake.start()
    fake.steps(1)
    plugin._senders.pop(fake.run.root).finish(120)  # the process is gone
    for event in fake.run.events():  # a new one hears everything again, and more
        plugin.gome_on_event(event, fake.run.root)
    fake.begin(0, 1)
    fake.execute(0, 1, VerdictKind.ACCEPTED)
    fake.judge(0, 1, VerdictKind.ACCEPTED, 0.45)
    fake.finish()
    run, steps = runs_of(address, "again")
    assert [step.data.tags["mlflow.runName"] for step in steps] == ["t0-0", "t0-1"]
    history = MlflowClient(tracking_uri=address).get_metric_history(run.info.run_id, "trace_0.score")
    assert [(point.step, point.value) for point in history] == [(1, 0.462), (2, 0.45)]
    assert run.info.status == "FINISHED"


def test_a_server_that_is_gone_costs_the_run_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with caplog.at_level(logging.WARNING, logger="gome_mlflow"):
        play(tmp_path / "lost", "lost", steps=2)
    assert "left alone for the rest of the run" in caplog.text


def test_a_server_that_never_answers_does_not_hold_the_run_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "CATCH_UP_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        event = Event(n=0, kind=EventKind.WARNING, at="", elapsed=0.0)
        begin = time.monotonic()
        fake = FakeRun(tmp_path / "slow", traces=1, task="slow")
        for _ in range(50):
            plugin.gome_on_event(event, fake.run.root)
        assert time.monotonic() - begin < 2.0
        plugin.gome_on_event(event.model_copy(update={"kind": EventKind.RUN_FINISHED}), fake.run.root)
        assert time.monotonic() - begin < 5.0


def test_without_an_address_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    fake = play(tmp_path / "quiet", "quiet", steps=1)
    assert not (fake.run.root / STATE).exists()


def test_it_fits_the_hooks() -> None:
    plugins = Plugins()
    plugins.add(plugin, "mlflow")
    assert plugins.rows()[0].hooks == ["gome_on_event"]
