"""The executor's contract on a real cluster, hostile scripts included; and what a cluster is for: lost workers, cancellation, room."""

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ray = pytest.importorskip("ray", reason="NOT TESTED: Ray is not installed; pip install -r requirements/test.txt")

from gome_graph.errors import SandboxError  # noqa: E402
from gome_graph.records import Execution, Outcome  # noqa: E402
from gome_graph.testing.bench import Bench, make_bench  # noqa: E402
from gome_graph.testing.executors import ExecutorContract  # noqa: E402
from gome_ray.cluster import connect  # noqa: E402
from gome_ray.executor import RayExecutor  # noqa: E402
from gome_ray.settings import RaySettings  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray"), pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """For the contract: three scripts at once, each asking for a core."""
    with started(cpus=4):
        yield


@contextlib.contextmanager
def started(cpus: int) -> Iterator[None]:
    """A cluster of its own on this machine."""
    ray.shutdown()
    handler = signal.getsignal(signal.SIGTERM)
    connect(RaySettings(address="", local_cpus=cpus))
    assert signal.getsignal(signal.SIGTERM) is handler, "the run's own handling of SIGTERM must stay"
    try:
        yield
    finally:
        ray.shutdown()


@pytest.mark.usefixtures("cluster")
class TestRayContract(ExecutorContract):
    @pytest.fixture(scope="class")
    def executor(self, cluster: None) -> Iterator[RayExecutor]:
        executor = RayExecutor(RaySettings(address=""))
        executor.protections()
        yield executor
        executor.close()

    def test_several_scripts_run_at_once(self, executor: RayExecutor, tmp_path: Path) -> None:
        """As in the contract, but until all three are seen: a cluster brings its workers up when they are wanted."""
        benches = [make_bench(tmp_path / f"run{number}") for number in range(3)]
        seen = threading.Event()
        jobs = [bench.job("import time\ntime.sleep(200)", wall_seconds=200) for bench in benches]
        threads = [threading.Thread(target=executor.run, args=(job, seen.is_set)) for job in jobs]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 150
        together = False
        while not together and time.monotonic() < deadline:
            together = all(bench.survivors(patience=0) for bench in benches)
        seen.set()
        for thread in threads:
            thread.join()
        assert together

    def test_the_walls_of_the_nodes_are_announced(self, executor: RayExecutor) -> None:
        assert executor.protections().mechanism.endswith("on each node)")

    def test_a_cancelled_script_leaves_nothing_on_its_node(self, executor: RayExecutor, bench: Bench) -> None:
        asked = time.monotonic() + 3
        done = executor.run(bench.job("import time\ntime.sleep(60)"), lambda: time.monotonic() > asked)
        assert done.outcome is Outcome.STOPPED
        assert bench.survivors() == []

    def test_a_script_that_finds_no_room_is_given_up(self, executor: RayExecutor, bench: Bench) -> None:
        impatient = RayExecutor(RaySettings(address="", queue_seconds=1))
        impatient._protections = executor.protections()
        done = impatient.run(bench.job("print(1)", cpus=64, wall_seconds=1))
        assert (done.outcome, done.detail) == (Outcome.STOPPED, "The cluster had no room for it in time.")

    def test_files_lent_to_a_script_travel_with_it(self, executor: RayExecutor, bench: Bench) -> None:
        (bench.workspace / "kept").mkdir()
        (bench.workspace / "kept" / "a.npz").write_bytes(b"lent")
        executor.run(bench.job("print(open('kept/a.npz').read())\nopen('output/kept-too', 'w').write('back')"))
        assert bench.log() == "lent\n"
        assert bench.output("kept-too") == "back"


SCRIPT = """
import os, time, uuid
attempt = uuid.uuid4().hex
open("output/oof.csv", "w").write(attempt)
time.sleep(0.4)
print(attempt)
"""


def test_32_scripts_on_two_cores_survive_the_loss_of_a_worker(tmp_path: Path) -> None:
    with started(cpus=2):
        executor = RayExecutor(RaySettings(address="", queue_seconds=300))
        executor.protections()
        benches = [make_bench(tmp_path / f"run{number}") for number in range(32)]
        done: list[tuple[Bench, Execution]] = []
        threads = [threading.Thread(target=lambda b=bench: done.append((b, executor.run(b.job(SCRIPT))))) for bench in benches]
        for thread in threads:
            thread.start()
        killed = kill_a_worker(lambda: len(done) >= 4)
        for thread in threads:
            thread.join()
        executor.close()
        assert killed
        assert Counter(execution.outcome for _, execution in done) == {Outcome.OK: 32}
        attempts = [bench.log().strip() for bench, _ in done]
        # Each script has one result, and its log and its files are of the same attempt.
        assert len(set(attempts)) == 32
        assert attempts == [bench.output("oof.csv") for bench, _ in done]
        assert all(bench.survivors() == [] for bench in benches)


def test_a_script_whose_workers_always_die_is_the_clusters_fault(tmp_path: Path) -> None:
    with started(cpus=2):
        executor = RayExecutor(RaySettings(address="", retries=0))
        executor.protections()
        bench = make_bench(tmp_path / "run")
        raised: list[SandboxError] = []

        def run() -> None:
            try:
                executor.run(bench.job("import time\nopen('output/begun', 'w')\ntime.sleep(30)"))
            except SandboxError as error:
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        assert kill_a_worker(lambda: True)
        thread.join(timeout=60)
        assert len(raised) == 1
        assert "the cluster could not run the script" in str(raised[0])
        assert bench.survivors() == []


def kill_a_worker(ready: Callable[[], bool]) -> bool:
    """kill -9 of a worker process that is running a script just now."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if ready():
            for process in psutil.Process(os.getpid()).children(recursive=True):
                try:
                    if process.name().startswith("ray::") and process.children() and "gome" in " ".join(process.cmdline()):
                        process.kill()
                        return True
                except psutil.Error:
                    continue
        time.sleep(0.02)
    return False
