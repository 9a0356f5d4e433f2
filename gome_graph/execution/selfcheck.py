"""Does a mechanism really hold on this machine? Run a script that tries to get out, and look at what it managed.

The idea is inspect_ai's sandbox self-check: a wall that is only configured is not yet a wall.
"""

import json
import os
import secrets
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gome_graph.execution import workspace as places
from gome_graph.records import Execution, Limits, Outcome, Protections, ScriptJob, Stage

_LIMITS = Limits(wall_seconds=20, memory_bytes=1 << 30, file_bytes=1 << 20, processes=32)

_SCRIPT = """\
import json, os, socket

def managed(act):
    try:
        act()
        return True
    except Exception:
        return False

def connect():
    with socket.socket() as client:
        client.settimeout(2)
        client.connect(("127.0.0.1", {port}))

def bomb():
    import resource
    if resource.getrlimit(resource.RLIMIT_NPROC)[0] > 4096 or os.getuid() == 0:
        return True
    raise PermissionError

print(json.dumps(dict(
    reads_input=managed(lambda: open("input/hello.txt").read()),
    writes_output=managed(lambda: open("output/here.txt", "w").write("x")),
    writes_input=managed(lambda: open("input/planted.txt", "w").write("x")),
    writes_outside=managed(lambda: open({outside!r} + "/planted.txt", "w").write("x")),
    reads_outside=managed(lambda: open({outside!r} + "/secret.txt").read()),
    reads_sibling=managed(lambda: os.listdir(os.pardir) and open("../secret.txt").read()),
    signals_host=managed(lambda: os.kill({pid}, 0)),
    sees_host=managed(lambda: open("/proc/{pid}/environ", "rb").read()),
    connects=managed(connect),
    forks_freely=managed(bomb),
    memory_limited=managed(lambda: bytearray(8 << 30)) is False,
)))
"""


@dataclass(frozen=True)
class Check:
    """What the check's script managed to do."""

    works: bool
    """It ran, read its input and wrote its output."""
    problem: str
    """Why it does not work; empty if it does."""
    files_confined: bool = False
    input_read_only: bool = False
    network_blocked: bool = False
    host_hidden: bool = False
    """The orchestrator's process can neither be looked into nor signalled."""
    processes_bound: bool = False
    """The kernel itself bounds the number of processes."""
    memory_bound: bool = False

    @property
    def walls(self) -> int:
        """How many walls hold."""
        return sum([self.files_confined, self.input_read_only, self.network_blocked, self.host_hidden, self.processes_bound])


def check(run: Callable[[ScriptJob], Execution]) -> Check:
    """Run the script through `run` (the very path that solutions take) beside a planted secret and a listening socket."""
    with tempfile.TemporaryDirectory(prefix="gome-check-") as name, socket.create_server(("127.0.0.1", 0)) as server:
        root = Path(name).resolve()
        for folder in ("step", "input", "outside"):
            (root / folder).mkdir()
        (root / "input" / "hello.txt").write_text("hello", encoding="utf-8")
        for path in (root / "secret.txt", root / "outside" / "secret.txt"):
            path.write_text(secrets.token_hex(8), encoding="utf-8")
        script = _SCRIPT.format(port=server.getsockname()[1], outside=str(root / "outside"), pid=os.getpid())
        (root / "step" / places.SCRIPT).write_text(script, encoding="utf-8")
        job = ScriptJob(workspace=root / "step", input_dir=root / "input", stage=Stage.SMOKE, limits=_LIMITS)
        execution = run(job)
        if execution.outcome is not Outcome.OK:
            return Check(
                works=False, problem="scripts do not run in it: " + (execution.log_tail.strip().rpartition("\n")[2] or execution.detail)
            )
        facts: dict[str, Any] = json.loads((root / "step" / "stdout.log").read_text(encoding="utf-8"))
        if not facts["reads_input"] or not (root / "step" / places.OUTPUT / "here.txt").exists():
            return Check(works=False, problem="in it a script could not read its input or write its output")
        planted = (root / "input" / "planted.txt").exists() or (root / "outside" / "planted.txt").exists()
        return Check(
            works=True,
            problem="",
            files_confined=not (facts["writes_outside"] or facts["reads_outside"] or facts["reads_sibling"] or planted),
            input_read_only=not facts["writes_input"],
            network_blocked=not facts["connects"],
            host_hidden=not (facts["signals_host"] or facts["sees_host"]),
            processes_bound=not facts["forks_freely"],
            memory_bound=bool(facts["memory_limited"]),
        )


def describe(mechanism: str, found: Check, problems: list[str]) -> Protections:
    """Say plainly which walls hold and which do not."""
    notes = list(problems)
    if not found.files_confined:
        notes.append("Scripts can read and write files outside their workspace, private answers included.")
    if not found.input_read_only:
        notes.append("Scripts can change their input.")
    if not found.network_blocked:
        notes.append("Scripts can use the network.")
    if not found.host_hidden:
        notes.append("Scripts can see or signal processes of this user outside the sandbox.")
    if not found.processes_bound:
        notes.append("The kernel does not bound the number of processes; a fork bomb is killed when the watchdog sees it (0.2 s).")
    return Protections(
        mechanism=mechanism,
        network_blocked=found.network_blocked,
        filesystem_confined=found.files_confined and found.input_read_only,
        processes_confined=found.host_hidden,
        memory_limited=found.memory_bound,
        notes=notes,
    )
