"""The executor contract, for every mechanism this machine has, and what is particular to the local executor."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gome_graph.errors import SandboxError
from gome_graph.execution import LocalExecutor, LocalSettings, Mechanism
from gome_graph.hooks import Executor
from gome_graph.records import Execution, Limits, Outcome, ScriptJob
from gome_graph.testing.bench import make_bench
from gome_graph.testing.executors import ExecutorContract, RunsScripts


def open_executor(mechanism: Mechanism) -> LocalExecutor:
    """The executor, or a skip with the machine's own reason."""
    executor = LocalExecutor(LocalSettings(mechanism=mechanism))
    try:
        executor.protections()
    except SandboxError as error:
        if re.search("not installed|not permitted|not implemented|No permissions|has no Landlock", str(error)):
            pytest.skip(str(error))
        raise  # the machine can, we cannot
    return executor


# The best and the weakest mechanism always; the one between only where it is the best.
_BETWEEN = pytest.param(Mechanism.NAMESPACES, marks=pytest.mark.slow if shutil.which("bwrap") else ())


@pytest.fixture(scope="module", params=[Mechanism.BUBBLEWRAP, _BETWEEN, Mechanism.LANDLOCK])
def contained(request: pytest.FixtureRequest) -> Iterator[LocalExecutor]:
    executor = open_executor(request.param)
    yield executor
    executor.close()


class TestContained(ExecutorContract):
    @pytest.fixture
    def executor(self, contained: LocalExecutor) -> Executor:
        return contained


class TestUncontained(RunsScripts):
    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        executor = open_executor(Mechanism.NONE)
        yield executor
        executor.close()


def test_without_walls_the_protections_say_so() -> None:
    protections = open_executor(Mechanism.NONE).protections()
    assert protections.mechanism == "none"
    assert (protections.network_blocked, protections.filesystem_confined, protections.processes_confined) == (False, False, False)
    assert any("network" in note for note in protections.notes)
    assert any("private answers" in note for note in protections.notes)


def test_auto_takes_the_best_mechanism_that_works() -> None:
    works = []
    for mechanism in (Mechanism.BUBBLEWRAP, Mechanism.NAMESPACES, Mechanism.LANDLOCK, Mechanism.NONE):
        try:
            works.append(LocalExecutor(LocalSettings(mechanism=mechanism)).protections().mechanism)
        except SandboxError:
            continue
    assert LocalExecutor().protections().mechanism == works[0]


def test_a_mechanism_that_was_asked_for_and_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gome_graph.execution.bubblewrap.program", lambda: None)
    with pytest.raises(SandboxError, match="bwrap is not installed"):
        LocalExecutor(LocalSettings(mechanism=Mechanism.BUBBLEWRAP)).protections()


def test_auto_without_bubblewrap_steps_down_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gome_graph.execution.bubblewrap.program", lambda: None)
    protections = LocalExecutor().protections()
    assert protections.mechanism != "bubblewrap"
    assert any("bwrap is not installed" in note for note in protections.notes)


def test_a_missing_script_is_the_callers_fault(contained: LocalExecutor, tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "run")
    job = bench.job("")
    (bench.workspace / "solution.py").unlink()
    with pytest.raises(SandboxError, match=r"solution\.py is missing"):
        contained.run(job)


def test_close_ends_what_runs_and_refuses_what_comes(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "run")
    executor = LocalExecutor()
    executor.protections()
    results: list[Execution] = []
    thread = threading.Thread(target=lambda: results.append(executor.run(bench.job("import time\ntime.sleep(60)", wall_seconds=60))))
    thread.start()
    time.sleep(0.5)
    executor.close()
    thread.join(timeout=5)
    assert [done.outcome for done in results] == [Outcome.STOPPED]
    assert bench.survivors() == []
    with pytest.raises(SandboxError, match="closed"):
        executor.run(bench.job("print(1)"))


_ORCHESTRATOR = """
import sys
from pathlib import Path
from gome_graph.execution import LocalExecutor, LocalSettings
from gome_graph.records import Limits, ScriptJob
root = Path(sys.argv[1])
executor = LocalExecutor(LocalSettings(mechanism=sys.argv[2]))
limits = Limits(wall_seconds=60)
executor.run(ScriptJob(workspace=root / "steps/t0-0", input_dir=root / "prepared/full", seed=int(sys.argv[3]), limits=limits))
"""

_DAEMONS = """
import os, time
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
open("output/started", "w").close()
time.sleep(60)
"""


@pytest.mark.parametrize("mechanism", list(Mechanism)[1:])
def test_nothing_survives_the_sudden_death_of_the_orchestrator(mechanism: Mechanism, tmp_path: Path) -> None:
    open_executor(mechanism)
    bench = make_bench(tmp_path / "run")
    bench.job(_DAEMONS)
    orchestrator = subprocess.Popen([sys.executable, "-c", _ORCHESTRATOR, str(bench.root), mechanism.value, str(bench.seed)])
    deadline = time.monotonic() + 20
    while not (bench.workspace / "output" / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = bench.survivors(patience=0.2)
    assert len(alive) >= 3
    orchestrator.send_signal(signal.SIGKILL)
    orchestrator.wait()
    assert bench.survivors() == []


def test_a_workspace_left_by_a_killed_attempt_can_be_run_again(contained: LocalExecutor, tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "run")
    (bench.workspace / "input").symlink_to("/nowhere")
    (bench.workspace / ".scratch").mkdir()
    (bench.workspace / "output").symlink_to(bench.secret.parent)
    assert contained.run(bench.job("print(open('input/train.csv').read())")).outcome is Outcome.OK
    assert bench.secret.exists()
    assert sorted(path.name for path in bench.workspace.iterdir()) == ["output", "solution.py", "stderr.log", "stdout.log"]


def test_extra_paths_can_be_made_readable(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "run")
    cache = tmp_path / "models"
    cache.mkdir()
    (cache / "weights.txt").write_text("42", encoding="utf-8")
    executor = LocalExecutor(LocalSettings(readable=[cache]))
    done = executor.run(bench.job(f"print(open({str(cache / 'weights.txt')!r}).read())\nopen({str(cache / 'new')!r}, 'w')"))
    assert bench.log() == "42\n"
    assert done.error_class in ("PermissionError", "OSError")


def test_a_cpu_limit_ends_a_spinning_script(contained: LocalExecutor, tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "run")
    done = contained.run(bench.job("while True: pass", cpu_seconds=1))
    assert done.outcome is Outcome.LIMIT


def test_a_run_costs_the_orchestrator_little(contained: LocalExecutor, tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "run")
    job = bench.job("print(1)")
    contained.run(job)
    before = time.process_time()
    for _ in range(5):
        contained.run(job)
    assert (time.process_time() - before) / 5 < 0.02


def test_a_small_allowance_of_processes_still_runs_a_plain_script(contained: LocalExecutor, tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "run")
    assert contained.run(bench.job("print(1)", processes=4)).outcome is Outcome.OK


def test_parallel_libraries_work_inside(contained: LocalExecutor, tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "run")
    script = """
from joblib import Parallel, delayed
if __name__ == "__main__":
    print(sum(Parallel(n_jobs=2)(delayed(pow)(n, 2) for n in range(4))))
"""
    done = contained.run(bench.job(script, wall_seconds=60))
    assert done.outcome is Outcome.OK, done.log_tail
    assert bench.log() == "14\n"


def test_the_scratch_folder_is_found_writable(contained: LocalExecutor, tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "run")
    contained.run(
        bench.job("import os, tempfile\nprint([os.access(p, os.W_OK) for p in (os.environ['HOME'], tempfile.mkdtemp(), 'output')])")
    )
    assert bench.log() == "[True, True, True]\n"


def test_the_job_is_an_ordinary_record() -> None:
    job = ScriptJob(workspace=Path("w"), input_dir=Path("i"), limits=Limits(wall_seconds=1))
    assert ScriptJob.model_validate_json(job.model_dump_json()) == job
    assert os.name == "posix"
