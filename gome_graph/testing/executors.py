"""The contract of an executor as tests: subclass `ExecutorContract`, give it a fixture ``executor``, and pytest does the rest.

Examples
--------
::

    class TestMyExecutor(ExecutorContract):
        @pytest.fixture(scope="class")
        def executor(self):
            executor = MyExecutor()
            yield executor
            executor.close()

Put ``pytest.register_assert_rewrite("gome_graph.testing.executors")`` into your conftest.py to see what an assertion compared.

A hostile test needs a wall that `Protections` claims. Where the executor says plainly that it has not got it, the test is skipped with that
reason; an executor that claims a wall and has none fails. `RunsScripts` is the part without hostile scripts.
"""

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from gome_graph.hooks import Executor
from gome_graph.records import Execution, Outcome, Stage
from gome_graph.testing.bench import Bench, UsesBench, make_bench, need


class RunsScripts(UsesBench):
    """What any executor must do with honest and with merely broken scripts."""

    def test_a_script_reads_its_input_and_writes_its_output(self, executor: Executor, bench: Bench) -> None:
        done = executor.run(bench.job("text = open('input/train.csv').read()\nopen('output/oof.csv', 'w').write(text)\nprint('done')"))
        assert done.outcome is Outcome.OK
        assert done.exit_code == 0
        assert done.error_class is None
        assert bench.output("oof.csv") == "id,x,y\n1,2,3\n"
        assert bench.log() == "done\n"
        assert done.log_tail == "done"

    def test_a_crash_is_told_by_its_exception(self, executor: Executor, bench: Bench) -> None:
        done = executor.run(bench.job("def f():\n    raise ValueError('no column named x')\nf()"))
        assert done.outcome is Outcome.CRASHED
        assert done.exit_code == 1
        assert (done.error_class, done.error_message) == ("ValueError", "no column named x")
        assert "line 2, in f" in done.log_tail

    def test_an_exit_code_without_a_traceback_is_a_crash(self, executor: Executor, bench: Bench) -> None:
        done = executor.run(bench.job("import sys\nprint('giving up', file=sys.stderr)\nsys.exit(3)"))
        assert (done.outcome, done.exit_code) == (Outcome.CRASHED, 3)
        assert done.error_message == "giving up"

    def test_a_segmentation_fault_is_told_by_its_signal(self, executor: Executor, bench: Bench) -> None:
        done = executor.run(bench.job("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"))
        assert done.outcome is Outcome.CRASHED
        assert done.error_class == "SIGSEGV"

    def test_an_endless_loop_ends_at_the_time_limit(self, executor: Executor, bench: Bench) -> None:
        started = time.monotonic()
        done = executor.run(bench.job("print('begun', flush=True)\nwhile True: pass", wall_seconds=2))
        assert done.outcome is Outcome.TIMED_OUT
        assert time.monotonic() - started < 6
        assert 0.05 < done.cpu_seconds < 3
        assert bench.log() == "begun\n"

    def test_a_script_that_ignores_sigterm_is_killed(self, executor: Executor, bench: Bench) -> None:
        script = "import signal, time\nfor s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\nwhile True: time.sleep(1)"
        assert executor.run(bench.job(script, wall_seconds=1)).outcome is Outcome.TIMED_OUT

    def test_a_stop_request_ends_it_within_a_second(self, executor: Executor, bench: Bench) -> None:
        executor.protections()
        asked = time.monotonic() + 0.5
        done = executor.run(bench.job("import time\ntime.sleep(60)"), lambda: time.monotonic() > asked)
        assert done.outcome is Outcome.STOPPED
        assert time.monotonic() - asked < 3

    def test_the_environment_holds_the_job_and_nothing_of_ours(
        self, executor: Executor, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
        done = executor.run(bench.job("import os, json\nprint(json.dumps(dict(os.environ)))", stage=Stage.SAMPLE, wall_seconds=17))
        assert done.outcome is Outcome.OK
        assert "sk-very-secret" not in bench.log()
        for pair in (f'"GOME_SEED": "{bench.seed}"', '"GOME_STAGE": "sample"', '"GOME_TIME_LIMIT": "17"', '"GOME_CPUS": "1"'):
            assert pair in bench.log()

    def test_thread_pools_are_capped_at_the_share_of_cores(self, executor: Executor, bench: Bench) -> None:
        executor.run(bench.job("import os\nprint(*[os.environ[n + '_NUM_THREADS'] for n in ('OMP', 'OPENBLAS', 'MKL')])", cpus=2))
        assert bench.log() == "2 2 2\n"

    def test_the_same_seed_hashes_alike(self, executor: Executor, bench: Bench) -> None:
        logs = []
        for _ in range(2):
            executor.run(bench.job("print(hash('gome'), list({'a', 'b', 'c', 'd', 'e'}))"))
            logs.append(bench.log())
        assert logs[0] == logs[1]

    def test_time_and_memory_are_measured(self, executor: Executor, bench: Bench) -> None:
        script = "import time\nblock = bytearray(200 << 20)\nstart = time.process_time()\nwhile time.process_time() - start < 0.3: pass"
        done = executor.run(bench.job(script))
        assert done.outcome is Outcome.OK
        assert 0.3 < done.cpu_seconds < 1.2
        assert done.wall_seconds >= 0.3
        assert 200 << 20 < done.peak_memory_bytes < 400 << 20

    def test_the_time_of_child_processes_counts(self, executor: Executor, bench: Bench) -> None:
        script = """
import os, time
for _ in range(2):
    if os.fork() == 0:
        start = time.process_time()
        while time.process_time() - start < 0.2: pass
        os._exit(0)
for _ in range(2): os.wait()
"""
        done = executor.run(bench.job(script))
        assert 0.35 < done.cpu_seconds < 1.2

    def test_output_of_an_earlier_attempt_is_gone(self, executor: Executor, bench: Bench) -> None:
        (bench.workspace / "output").mkdir()
        (bench.workspace / "output" / "oof.csv").write_text("old", encoding="utf-8")
        done = executor.run(bench.job("import os\nprint(os.listdir('output'))"))
        assert done.outcome is Outcome.OK
        assert bench.log() == "[]\n"
        assert list((bench.workspace / "output").iterdir()) == []

    def test_the_installed_libraries_can_be_used(self, executor: Executor, bench: Bench) -> None:
        done = executor.run(bench.job("import numpy, pandas\nprint(pandas.read_csv('input/train.csv').shape, numpy.ones(3).sum())"))
        assert done.outcome is Outcome.OK, done.log_tail
        assert bench.log() == "(1, 3) 3.0\n"

    def test_several_scripts_run_at_once(self, executor: Executor, tmp_path: Path) -> None:
        benches = [make_bench(tmp_path / f"run{number}") for number in range(3)]
        executor.protections()
        results: list[Execution] = []
        script = "import time\nprint(time.time())\ntime.sleep(1)\nprint(time.time())"
        threads = [threading.Thread(target=lambda bench=bench: results.append(executor.run(bench.job(script)))) for bench in benches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [done.outcome for done in results] == [Outcome.OK] * 3
        times = [[float(word) for word in bench.log().split()] for bench in benches]
        assert max(start for start, _ in times) < min(end for _, end in times)


class ContainsScripts(UsesBench):
    """What an executor must do with scripts that misbehave."""

    def test_endless_output_is_cut_and_does_not_cost_us(self, executor: Executor, bench: Bench) -> None:
        executor.protections()
        before = time.process_time()
        done = executor.run(bench.job("while True: print('x' * 10_000)", wall_seconds=3, log_bytes=100_000))
        assert done.outcome in (Outcome.LIMIT, Outcome.TIMED_OUT)
        assert len(bench.log()) < 101_000
        assert time.process_time() - before < 1
        assert len(done.log_tail) <= 4000

    def test_a_fork_bomb_is_contained(self, executor: Executor, bench: Bench) -> None:
        script = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
        done = executor.run(bench.job(script, wall_seconds=4, processes=40))
        assert done.outcome in (Outcome.LIMIT, Outcome.TIMED_OUT)
        assert bench.survivors() == []

    def test_a_hundred_gigabyte_allocation_is_refused(self, executor: Executor, bench: Bench) -> None:
        need(executor, "memory_limited")
        done = executor.run(bench.job("block = bytearray(100 << 30)"))
        assert done.outcome is Outcome.OUT_OF_MEMORY

    def test_growing_memory_is_stopped_near_the_limit(self, executor: Executor, bench: Bench) -> None:
        need(executor, "memory_limited")
        script = "import time\nblocks = []\nwhile True:\n    blocks.append(bytearray(8 << 20))\n    time.sleep(0.01)"
        done = executor.run(bench.job(script, memory_bytes=300 << 20))
        assert done.outcome is Outcome.OUT_OF_MEMORY
        assert done.peak_memory_bytes < 700 << 20

    def test_memory_of_several_processes_is_added_up(self, executor: Executor, bench: Bench) -> None:
        need(executor, "memory_limited")
        script = "import os, time\nfor _ in range(3): os.fork()\nblock = bytearray(b'x') * (100 << 20)\ntime.sleep(60)"
        done = executor.run(bench.job(script, memory_bytes=400 << 20))
        assert done.outcome is Outcome.OUT_OF_MEMORY

    def test_a_huge_file_hits_the_limit(self, executor: Executor, bench: Bench) -> None:
        script = "with open('output/big', 'wb') as file:\n    while True: file.write(bytes(1 << 20))"
        done = executor.run(bench.job(script, file_bytes=20 << 20))
        assert done.outcome is Outcome.LIMIT
        assert not (bench.workspace / "output" / "big").exists() or (bench.workspace / "output" / "big").stat().st_size <= 20 << 20

    def test_many_files_hit_the_limit_of_the_workspace(self, executor: Executor, bench: Bench) -> None:
        script = "import itertools\nfor n in itertools.count(): open(f'output/{n}', 'wb').write(bytes(1 << 20))"
        done = executor.run(bench.job(script, workspace_bytes=50 << 20, wall_seconds=15))
        assert done.outcome is Outcome.LIMIT

    def test_no_socket_of_the_host_can_be_reached(self, executor: Executor, bench: Bench) -> None:
        need(executor, "network_blocked")
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
            server.setblocking(False)
            path = bench.root / "s"
            local.bind(os.path.relpath(path))  # an absolute path may be too long for a socket
            path.chmod(0o777)
            local.listen()
            script = f"""
import socket
for kind, address in ((socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})), (socket.AF_UNIX, {str(path)!r}),
                      (socket.AF_UNIX, "../../s"), (socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET, ("1.1.1.1", 53))):
    try:
        with socket.socket(kind) as client:
            client.settimeout(0.5)
            client.connect(address)
        print("connected", address)
    except TimeoutError:
        print("a route exists", address)
    except OSError:
        pass
"""
            done = executor.run(bench.job(script))
            with pytest.raises(BlockingIOError):
                server.accept()
        assert done.outcome is Outcome.OK
        assert bench.log() == ""

    def test_nothing_can_be_written_outside(self, executor: Executor, bench: Bench) -> None:
        need(executor, "filesystem_confined")
        script = f"""
for name in ("../planted", "../../planted", {str(bench.root)!r} + "/planted", {str(bench.sibling)!r}, {str(bench.secret)!r}):
    try:
        open(name, "a").write("x")
    except OSError:
        pass
"""
        executor.run(bench.job(script))
        assert list(bench.root.rglob("planted")) == []

    def test_input_can_neither_be_changed_nor_deleted(self, executor: Executor, bench: Bench) -> None:
        need(executor, "filesystem_confined")
        script = """
import os, shutil
for act in (lambda: open("input/train.csv", "a").write("4,5,6"), lambda: open("input/new.csv", "w"), lambda: os.remove("input/train.csv"),
            lambda: os.chmod("input/train.csv", 0), lambda: os.rename("input/train.csv", "output/train.csv"),
            lambda: shutil.rmtree("input/"), lambda: os.truncate("input/train.csv", 0), lambda: os.rename("input", "elsewhere")):
    try:
        act()
    except OSError:
        pass
"""
        executor.run(bench.job(script))
        assert [path.name for path in bench.input.iterdir()] == ["train.csv"]
        assert (bench.input / "train.csv").stat().st_mode & 0o777 == 0o644

    def test_private_answers_and_siblings_cannot_be_read(self, executor: Executor, bench: Bench) -> None:
        need(executor, "filesystem_confined")
        (bench.workspace / "shortcut").symlink_to(bench.secret)
        script = f"""
import os
os.symlink({str(bench.secret)!r}, "mine")
for name in ({str(bench.secret)!r}, "../../private/answers.csv", {str(bench.sibling)!r}, "../t1-0/output/oof.csv", "shortcut", "mine",
             "/proc/self/root" + {str(bench.secret)!r}, "/proc/1/root" + {str(bench.secret)!r}, "/etc/shadow", "/root/.bashrc"):
    try:
        print(open(name).read())
    except OSError:
        pass
for name in ({str(bench.root)!r}, "../../private", "/root"):
    try:
        print(name, [entry for entry in os.listdir(name) if entry not in (".pyenv", "work")])
    except OSError:
        pass
"""
        done = executor.run(bench.job(script))
        assert done.outcome is Outcome.OK
        assert "the-answer" not in bench.log()
        assert "answers.csv" not in bench.log()

    def test_links_among_the_outputs_lead_nowhere(self, executor: Executor, bench: Bench) -> None:
        script = f"""
import os
os.symlink({str(bench.secret)!r}, "output/oof.csv")
os.symlink("../../../private", "output/folder")
os.mkfifo("output/submission.csv")
try:
    os.link({str(bench.secret)!r}, "output/telemetry.jsonl")
except OSError:
    pass
"""
        done = executor.run(bench.job(script))
        assert list((bench.workspace / "output").iterdir()) == []
        assert "oof.csv was a symbolic link" in done.detail

    def test_an_output_folder_that_is_a_link_is_not_followed(self, executor: Executor, bench: Bench) -> None:
        executor.run(bench.job(f"import os\nos.rmdir('output')\nos.symlink({str(bench.secret.parent)!r}, 'output')"))
        assert (bench.workspace / "output").is_dir()
        assert not (bench.workspace / "output").is_symlink()
        assert list((bench.workspace / "output").iterdir()) == []

    def test_the_script_and_its_logs_cannot_be_forged(self, executor: Executor, bench: Bench) -> None:
        script = f"""
import os
for act in (lambda: os.remove("solution.py"), lambda: open("solution.py", "w").write("print('forged')"),
            lambda: os.symlink({str(bench.secret)!r}, "stdout.log"), lambda: os.mkdir("stderr.log")):
    try:
        act()
    except OSError:
        pass
print("honest")
"""
        executor.run(bench.job(script))
        assert (bench.workspace / "solution.py").read_text(encoding="utf-8") == script
        assert not (bench.workspace / "stdout.log").is_symlink()
        assert bench.log() == "honest\n"

    def test_a_child_that_outlives_its_parent_is_killed(self, executor: Executor, bench: Bench) -> None:
        script = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(3): os.close(number)
        time.sleep(60)
    os._exit(0)
os.wait()
print("parent leaves")
"""
        started = time.monotonic()
        done = executor.run(bench.job(script))
        assert done.outcome is Outcome.OK
        assert time.monotonic() - started < 5
        assert bench.survivors() == []

    def test_a_child_that_keeps_the_log_open_delays_nobody(self, executor: Executor, bench: Bench) -> None:
        started = time.monotonic()
        done = executor.run(bench.job("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\nprint('x')"))
        assert done.outcome is Outcome.OK
        assert time.monotonic() - started < 5

    def test_processes_of_the_host_cannot_be_signalled(self, executor: Executor, bench: Bench) -> None:
        need(executor, "processes_confined")
        script = f"""
import os, signal
for pid in ({os.getpid()}, {os.getppid()}, -{os.getpgrp()}):
    try:
        os.kill(pid, 0)
        print("reached", pid)
    except OSError:
        pass
signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    os.kill(os.getppid(), signal.SIGKILL)
except OSError:
    pass
print("end")
os.kill(-1, signal.SIGKILL)
"""
        done = executor.run(bench.job(script))
        assert "reached" not in bench.log()
        assert done.outcome in (Outcome.OK, Outcome.CRASHED)

    def test_the_environment_of_the_host_cannot_be_read(self, executor: Executor, bench: Bench) -> None:
        need(executor, "processes_confined")
        script = f"""
import os
for pid in ({os.getpid()}, os.getppid(), 1, 2):
    for name in ("environ", "cmdline", "maps", "fd", "mem"):
        try:
            text = open(f"/proc/{{pid}}/{{name}}", "rb").read()
            print(pid, name, text)
        except OSError:
            pass
"""
        executor.run(bench.job(script))
        assert f"{os.getpid()} " not in bench.log()
        ours = max(os.environ.values(), key=len)
        assert ours not in bench.log()

    def test_a_workspace_made_unreadable_is_opened_again(self, executor: Executor, bench: Bench) -> None:
        script = """
import os
open("output/oof.csv", "w").write("kept")
os.chmod("output/oof.csv", 0)
os.mkdir("output/locked", 0)
os.chmod("output", 0)
for act in (lambda: os.chmod(".", 0), lambda: os.rename(os.getcwd(), "../moved")):
    try:
        act()
    except OSError:
        pass
"""
        done = executor.run(bench.job(script))
        assert done.outcome is Outcome.OK
        assert bench.output("oof.csv") == "kept"
        assert not (bench.workspace.parent / "moved").exists()

    def test_no_privilege_is_left(self, executor: Executor, bench: Bench) -> None:
        need(executor, "processes_confined")
        script = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print("ptrace", libc.ptrace(16, os.getppid(), 0, 0))
print("mount", libc.mount(b"tmpfs", b"output", b"tmpfs", 0, None))
print("unshare", libc.unshare(0x10000000))
try:
    os.setuid(0); print("root", os.getuid() == 0 and open("/etc/shadow").read() and 0)
except OSError:
    print("root", -1)
"""
        executor.run(bench.job(script))
        assert bench.log() == "ptrace -1\nmount -1\nunshare -1\nroot -1\n"


class ExecutorContract(RunsScripts, ContainsScripts):
    """Everything an executor promises."""
