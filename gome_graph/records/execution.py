"""The forward pass: what happened when a script ran, measured by the executor."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from gome_graph.records.base import Bytes, Record, Seconds, Stage


class Outcome(StrEnum):
    """How a script's run ended."""

    OK = "ok"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    LIMIT = "limit"
    """Another limit was hit: file size, processes, CPU seconds, log flood."""
    STOPPED = "stopped"
    """The run was stopped (Ctrl-C, budget, veto); says nothing about the script."""


class Limits(Record):
    """What a script may use. A limit of 0 means: not limited."""

    wall_seconds: Seconds = Field(gt=0)
    """Wall clock until the whole process group is killed."""
    memory_bytes: Bytes = 0
    """Address-space or cgroup limit for each process."""
    file_bytes: Bytes = 2 << 30
    """Largest single file it may write."""
    processes: int = 256
    """Processes and threads at the same time."""
    cpu_seconds: Seconds = 0
    """CPU time per process."""
    log_bytes: Bytes = 1 << 20
    """How much of stdout and of stderr is kept (first and last half each)."""
    workspace_bytes: Bytes = 4 << 30
    """Total size of the workspace after the run; more is a `LIMIT` outcome."""


class Protections(Record):
    """Which walls were up while a script ran; kept in the run record."""

    mechanism: str
    """``bubblewrap``, ``namespaces``, ``landlock``, ``none``: how files and network are kept away."""
    network_blocked: bool
    """No route out, loopback of the host included."""
    filesystem_confined: bool
    """Only the workspace is writable, and only the interpreter, libraries and input are readable."""
    processes_confined: bool
    """No process outlives the run, and none of the host's can be seen or signalled."""
    memory_limited: bool
    """Memory use is capped."""
    notes: list[str] = []
    """What is missing here and why, in plain sentences."""


class ScriptJob(Record):
    """One request to an executor: run ``solution.py`` of a workspace."""

    workspace: Path
    """Directory that holds ``solution.py``; the script's working directory; ``output/`` is created in it."""
    input_dir: Path
    """Read-only data, seen by the script as ``input/`` in its working directory."""
    stage: Stage = Stage.FULL
    seed: int = 0
    cpus: int = 1
    """Fair share of cores: ``GOME_CPUS`` and the BLAS/OpenMP thread caps."""
    limits: Limits


class Execution(Record):
    """The measured result of one `ScriptJob`. Times and memory are for the whole process tree."""

    outcome: Outcome
    stage: Stage
    seed: int
    exit_code: int | None = None
    """Exit status of the script, negative for a signal; None where it never started."""
    wall_seconds: Seconds = 0.0
    cpu_seconds: Seconds = 0.0
    kept_seconds: Seconds = 0.0
    """What members cost that it took over from earlier runs: a run by hand, with another seed or on other rows takes that much longer."""
    peak_memory_bytes: Bytes = 0
    """Largest resident set seen, summed over the process tree."""
    error_class: str | None = None
    """Last exception type in the traceback (``ValueError``), or a signal name; None if it ended well."""
    error_message: str | None = None
    """Last line of the traceback, cut to 500 characters."""
    log_tail: str = ""
    """Last lines of stderr (and of stdout if stderr is empty), at most 4,000 characters."""
    detail: str = ""
    """One sentence for people: which limit, after how long."""

    @property
    def whole_seconds(self) -> Seconds:
        """Wall time if nothing were taken over."""
        return self.wall_seconds + self.kept_seconds

    @property
    def ok(self) -> bool:
        """True if the script ended by itself with exit code 0."""
        return self.outcome is Outcome.OK
