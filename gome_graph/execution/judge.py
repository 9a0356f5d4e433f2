"""From what was measured of a script's run to an `Execution`: the same judgement for every executor."""

import signal

from gome_graph.execution.logs import last_error, log_tail
from gome_graph.execution.watchdog import Watched
from gome_graph.execution.workspace import Usage
from gome_graph.records import Execution, Outcome, ScriptJob


def judge(job: ScriptJob, watched: Watched, usage: Usage, refused: list[str]) -> Execution:
    """Judge what was measured.

    Parameters
    ----------
    job
        What was asked for.
    watched
        How it ended, and what it took.
    usage, refused
        What it left in its workspace; see `gome_graph.execution.workspace.restore`.
    """
    stdout, stderr = watched.stdout.text(), watched.stderr.text()
    code = watched.exit_code
    outcome, details = Outcome.OK, []
    kind: str | None = None
    message: str | None = None
    if watched.ending is not None:
        outcome, details = watched.ending.outcome, [watched.ending.detail]
    elif code != 0:
        outcome = Outcome.CRASHED
        error = last_error(stderr)
        if code is not None and code < 0:
            kind = _signal_name(-code)
            message = signal.strsignal(-code)
            details.append(f"It died of {kind} after {watched.wall_seconds:.1f} s.")
            if -code in (signal.SIGXCPU, signal.SIGXFSZ):
                outcome = Outcome.LIMIT
        elif error is not None:
            kind, message = error.kind, error.message
            details.append(f"It failed with {kind} after {watched.wall_seconds:.1f} s.")
            if kind in ("MemoryError", "_ArrayMemoryError"):
                outcome = Outcome.OUT_OF_MEMORY
            elif kind == "OSError" and "[Errno 27]" in message:
                outcome = Outcome.LIMIT
                details.append(f"It wrote a file larger than {job.limits.file_bytes >> 20:,} MB.")
            elif kind == "BlockingIOError" and "[Errno 11]" in message:
                outcome = Outcome.LIMIT
                details.append(f"It wanted more than {job.limits.processes} processes.")
        else:
            kind = "SystemExit"
            message = log_tail(stdout, stderr).rpartition("\n")[2][:500]
            details.append(f"It ended with exit code {code} after {watched.wall_seconds:.1f} s.")
    too_large = usage.excessive or (job.limits.workspace_bytes and usage.size > job.limits.workspace_bytes)
    if too_large and outcome is not Outcome.STOPPED:
        outcome = Outcome.LIMIT
        details.append(f"Its workspace held {usage.size >> 20:,} MB in {usage.entries:,} files, more than is allowed.")
    if watched.survivors:
        details.append(f"{watched.survivors} of its processes could not be killed.")
    return Execution(
        outcome=outcome, stage=job.stage, seed=job.seed, exit_code=code, wall_seconds=watched.wall_seconds, cpu_seconds=watched.cpu_seconds,
        peak_memory_bytes=watched.peak_memory_bytes, error_class=kind, error_message=message, log_tail=log_tail(stdout, stderr),
        detail=" ".join([*details, *refused]),
    )  # fmt: skip


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"
