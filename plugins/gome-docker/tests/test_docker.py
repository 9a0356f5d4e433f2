"""The executor's contract, hostile scripts included, against a real daemon; and what is docker's own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from gome_docker import DockerSettings, Libraries
from gome_docker.box import LABEL, OWNER
from gome_docker.executor import DockerExecutor, sweep
from gome_docker.image import build_context
from gome_graph.errors import SandboxError
from gome_graph.records import Outcome
from gome_graph.testing.bench import make_bench
from gome_graph.testing.executors import ExecutorContract

BASE = os.environ.get("GOME_TEST_DOCKER_BASE", "gome-debian:bookworm")


def needs_daemon(test: Any) -> Any:
    """Run by `make test-deploy`."""
    return pytest.mark.slow(pytest.mark.xdist_group("docker")(test))


def settings(url: str) -> DockerSettings:
    return DockerSettings(url=url, base=BASE, libraries=Libraries.HOST)


@pytest.fixture(scope="module")
def client(daemon: str) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=daemon)
    yield client
    client.close()


def ours(client: docker.DockerClient) -> list[str]:
    return [container.short_id for container in client.containers.list(all=True, filters={"label": f"{LABEL}=docker"})]


@needs_daemon
class TestDockerContract(ExecutorContract):
    @pytest.fixture(scope="class")
    def executor(self, daemon: str) -> Iterator[DockerExecutor]:
        executor = DockerExecutor(settings(daemon))
        yield executor
        executor.close()

    @pytest.fixture(autouse=True)
    def nothing_is_left(self, client: docker.DockerClient) -> Iterator[None]:
        yield
        assert ours(client) == []

    def test_all_walls_hold(self, executor: DockerExecutor) -> None:
        found = executor.protections()
        assert found.mechanism.startswith("docker (gome-scripts:")
        walls = (found.network_blocked, found.filesystem_confined, found.processes_confined, found.memory_limited)
        assert (walls, found.notes) == ((True,) * 4, [])

    def test_the_root_is_read_only_and_the_script_is_nobody(self, executor: DockerExecutor, tmp_path: Path) -> None:
        bench = make_bench(tmp_path / "run")
        script = """
import os
for place in ("/", "/etc", "/gome", "/usr", "/var/tmp", "/dev"):
    try:
        open(place + "/planted", "w"); print("wrote", place)
    except OSError:
        pass
open("/tmp/mine", "w").write("x")
status = open("/proc/self/status").read()
print(os.getuid() != 0, status.split("CapEff:")[1].split()[0], status.split("NoNewPrivs:")[1].split()[0])
"""
        executor.run(bench.job(script))
        assert bench.log() == "True 0000000000000000 1\n"

    def test_an_input_that_is_closed_to_strangers_is_shown_to_its_script(self, executor: DockerExecutor, tmp_path: Path) -> None:
        bench = make_bench(tmp_path / "run")
        (bench.input / "pictures").mkdir(mode=0o700)
        (bench.input / "pictures" / "1.txt").write_text("one")
        bench.input.chmod(0o700)
        done = executor.run(bench.job("print(open('input/train.csv').read() + open('input/pictures/1.txt').read())"))
        assert done.outcome is Outcome.OK, done.log_tail
        assert bench.log() == "id,x,y\n1,2,3\none\n"
        assert bench.input.stat().st_mode & 0o777 == 0o700
        assert list(bench.workspace.parent.glob(".input-*")) == []

    def test_the_report_of_process_one_cannot_be_forged(self, executor: DockerExecutor, tmp_path: Path) -> None:
        bench = make_bench(tmp_path / "run")
        script = """
import sys
for name in ("environ", "mem", "fd/2"):
    try:
        open(f"/proc/1/{name}", "rb").read(1); print("opened", name)
    except OSError:
        pass
print('\\n0123456789abcdef {"status": 0, "why": "", "cpu": 0, "peak": 0, "wall": 0}', file=sys.stderr)
sys.exit(5)
"""
        done = executor.run(bench.job(script))
        assert (done.outcome, done.exit_code, bench.log()) == (Outcome.CRASHED, 5, "")


@needs_daemon
def test_containers_of_a_dead_orchestrator_are_swept(daemon: str, client: docker.DockerClient) -> None:
    executor = DockerExecutor(settings(daemon))
    executor.protections()
    image = client.images.list("gome-scripts")[0].tags[0]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for name in (f"{boot}:999999999:1.00", "another-machine:1:1.00"):
        client.containers.create(image, ["true"], labels={LABEL: "docker", OWNER: name}, network_mode="none")
    try:
        assert sweep(client) == 1
        assert len(ours(client)) == 1
    finally:
        for container in client.containers.list(all=True, filters={"label": f"{OWNER}=another-machine:1:1.00"}):
            container.remove(force=True)
        executor.close()


@needs_daemon
def test_a_script_dies_with_its_orchestrator(daemon: str, client: docker.DockerClient, tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "run")
    bench.job("import time\nopen('output/begun', 'w')\ntime.sleep(120)")
    code = f"""
from pathlib import Path
from gome_docker import DockerSettings, Libraries
from gome_docker.executor import DockerExecutor
from gome_graph.records import Limits, ScriptJob, Stage
executor = DockerExecutor(DockerSettings(url={daemon!r}, base={BASE!r}, libraries=Libraries.HOST))
executor.run(ScriptJob(workspace=Path({str(bench.workspace)!r}), input_dir=Path({str(bench.input)!r}), stage=Stage.FULL, seed={bench.seed},
             limits=Limits(wall_seconds=110)))
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while not (bench.workspace / "output" / "begun").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert bench.survivors(patience=10) == []
    sweep(client)
    assert ours(client) == []


@needs_daemon
def test_closing_ends_what_runs(daemon: str, tmp_path: Path) -> None:
    executor = DockerExecutor(settings(daemon))
    executor.protections()
    bench = make_bench(tmp_path / "run")
    done = []
    job = bench.job("import time\ntime.sleep(60)")
    thread = threading.Thread(target=lambda: done.append(executor.run(job)))
    thread.start()
    time.sleep(1.5)
    executor.close()
    thread.join(timeout=10)
    assert [execution.outcome for execution in done] == [Outcome.STOPPED]
    with pytest.raises(SandboxError, match="closed"):
        executor.run(job)


@needs_daemon
def test_a_missing_image_is_named(daemon: str) -> None:
    executor = DockerExecutor(DockerSettings(url=daemon, image="no-such-image:1"))
    with pytest.raises(SandboxError, match="no image 'no-such-image:1'"):
        executor.protections()


def test_a_missing_daemon_is_said_with_the_mend(tmp_path: Path) -> None:
    executor = DockerExecutor(DockerSettings(url=f"unix://{tmp_path}/none.sock"))
    with pytest.raises(SandboxError, match=r"no Docker daemon answers at unix.*No such file or directory.*DOCKER_HOST"):
        executor.protections()


def test_the_image_is_named_by_all_that_goes_into_it() -> None:
    one, other = (build_context(DockerSettings(base=base, libraries=Libraries.IMAGE)) for base in ("python:3.11-a", "python:3.11-b"))
    assert one != other
    pins = one["libraries.txt"].splitlines()
    assert {line.split("==")[0] for line in pins} >= {"numpy", "pandas", "scikit-learn", "lightgbm", "catboost"}
    assert all("==" in line for line in pins)
