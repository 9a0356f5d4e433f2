"""The system-call filter: numbers against libseccomp, and its effect on a real process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gome_graph.execution.inside
from gome_graph.execution.inside.seccomp import ATTRIBUTE_CALLS, KERNEL_CALLS, SOCKET_CALLS, build_filter

INSIDE = Path(gome_graph.execution.inside.__file__).parent
CALLS = KERNEL_CALLS | SOCKET_CALLS | ATTRIBUTE_CALLS


@pytest.mark.skipif(shutil.which("ldconfig") is None, reason="no ldconfig to find libseccomp with")
def test_the_numbers_are_those_of_libseccomp() -> None:
    try:
        import pyseccomp
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"libseccomp is not here: {error}")
    for name, numbers in CALLS.items():
        for arch, number in zip((pyseccomp.Arch.X86_64, pyseccomp.Arch.AARCH64), numbers, strict=True):
            try:
                known = pyseccomp.resolve_syscall(arch, name)
            except (OSError, ValueError):
                continue  # newer than this libseccomp
            assert (known if known >= 0 else None) == number, name


def run_filtered(code: str, **options: bool) -> str:
    """What `code` prints behind the filter."""
    program = f"""
import sys
sys.path.insert(0, {str(INSIDE)!r})
import kernel, seccomp
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
kernel.load_seccomp(seccomp.build_filter(**{options!r}))
{code}
"""
    return subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def attempt(call: str) -> str:
    """Code that prints how `call` ends."""
    return f"import os, socket, threading\ntry:\n    {call}\n    print('done')\nexcept OSError as error:\n    print(error.errno)"


@pytest.mark.parametrize(("sockets", "answer"), [(True, "1"), (False, "done")])
def test_sockets_are_refused_only_on_request(sockets: bool, answer: str) -> None:
    assert run_filtered(attempt("socket.socket()"), sockets=sockets) == answer


def test_threads_children_and_socket_pairs_are_left_alone() -> None:
    calls = "threading.Thread(target=print, args=('thread',)).start(); socket.socketpair(); os.waitpid(os.fork() or os._exit(0), 0)"
    assert run_filtered(attempt(calls), sockets=True).split() == ["thread", "done"]


def test_limits_of_other_processes_cannot_be_set() -> None:
    assert run_filtered(f"import resource\n{attempt(f'resource.prlimit({os.getpid()}, resource.RLIMIT_NOFILE)')}", sockets=False) == "1"
    assert run_filtered("import resource\nprint(resource.getrlimit(resource.RLIMIT_CORE) is not None)", sockets=False) == "True"


def test_changes_of_mode_are_ignored_on_request(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch(mode=0o644)
    assert run_filtered(attempt(f"os.chmod({str(path)!r}, 0)"), sockets=False, attributes=True) == "done"
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_unknown_processor_has_no_filter() -> None:
    assert build_filter(sockets=True, machine="vax") is None
    assert build_filter(sockets=True, machine="aarch64") != build_filter(sockets=True, machine="x86_64")
