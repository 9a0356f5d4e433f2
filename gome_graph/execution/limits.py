"""From a job to what its process is given: kernel limits and environment."""

import os
import sys
from pathlib import Path

from gome_graph.execution.settings import LocalSettings
from gome_graph.records import Bytes, Limits, ScriptJob

_THREAD_CAPS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_PASSED_ON = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "TZ")
"""Facts of the machine, not secrets: BLAS kernels where detection fails, and the time zone."""
_DATA_HEADROOM = 256 << 20
"""Above the measured limit, RLIMIT_DATA leaves room for what is reserved and never touched (thread stacks, malloc arenas)."""


_TASKS_HEADROOM = 16
"""The kernel's bound lies a little above the limit, so that the watchdog sees it passed instead of a bomb idling just below it."""


def machine_memory() -> Bytes:
    """Physical memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def memory_limit(limits: Limits, settings: LocalSettings) -> Bytes:
    """The cap for a script's whole process tree; never 0, because the machine is shared with the orchestrator."""
    return limits.memory_bytes or settings.memory_bytes or machine_memory() * 3 // 4


def kernel_limits(limits: Limits, memory: Bytes, tasks_already: int) -> dict[str, int]:
    """Names of ``resource`` constants with their values, hard and soft alike.

    RLIMIT_DATA rather than RLIMIT_AS: it counts private writable memory, not the address space that BLAS and thread pools reserve and
    never use. It stops a single huge allocation at once; what many processes use together is the watchdog's business.
    """
    chosen = {"RLIMIT_CORE": 0, "RLIMIT_DATA": memory + memory // 4 + _DATA_HEADROOM}
    if limits.file_bytes:
        chosen["RLIMIT_FSIZE"] = limits.file_bytes
    if limits.processes:
        chosen["RLIMIT_NPROC"] = limits.processes + tasks_already + _TASKS_HEADROOM
    if limits.cpu_seconds:
        chosen["RLIMIT_CPU"] = max(1, round(limits.cpu_seconds))
    return chosen


def script_environment(job: ScriptJob, scratch: str) -> dict[str, str]:
    """The whole environment of a script: nothing of the orchestrator's is inherited but a few facts of the machine.

    Parameters
    ----------
    job
        Gives seed, stage, time limit and cores.
    scratch
        Directory for temporary files, as the script sees it; its home as well.
    """
    cpus = str(job.cpus)
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= dict.fromkeys(_THREAD_CAPS, cpus)
    environment |= {
        "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": scratch,
        "TMPDIR": scratch,
        "USER": "gome",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "LOKY_MAX_CPU_COUNT": cpus,
        "PYTHONHASHSEED": str(job.seed % 2**32),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "GOME_SEED": str(job.seed),
        "GOME_STAGE": job.stage.value,
        "GOME_TIME_LIMIT": f"{job.limits.wall_seconds:g}",
        "GOME_CPUS": cpus,
        # Idle OpenMP threads sleep instead of spinning: with more runnable threads than cores (parallel traces) spinning made LightGBM
        # 13 times slower here (34 s against 2.5 s for 900 small trees with two threads on two busy cores).
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    return environment
