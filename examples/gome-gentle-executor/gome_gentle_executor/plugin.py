"""An executor that leaves room for others: before each script it waits while the machine is busy, then hands it to the local executor.

For a workstation that people work on. The walls around scripts are the local executor's own: an executor that claims walls must pass
`gome_graph.testing.executors`, and this one does.
"""

import os
import time
from collections.abc import Callable, Iterable

from pydantic import BaseModel, ConfigDict, Field

from gome_graph import Execution, Executor, Offer, Outcome, Protections, ScriptJob, hookimpl

POLL_SECONDS = 0.2


class GentleSettings(BaseModel):
    """What ``executor_config`` may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load_per_core: float = Field(default=1.0, gt=0)
    """A script begins while the load of the last minute, per core, is below this."""
    patience: float = Field(default=60.0, ge=0)
    """Seconds it waits at most; the budget's clock runs on."""


class GentleExecutor:
    """Implements `gome_graph.Executor` around another one.

    Parameters
    ----------
    inner
        Runs the scripts.
    settings
        When to wait, and for how long.
    load
        Gives the load of the last minute.
    """

    name = "gentle"

    def __init__(self, inner: Executor, settings: GentleSettings, load: Callable[[], float] = lambda: os.getloadavg()[0]) -> None:
        self._inner = inner
        self._settings = settings
        self._load = load

    def protections(self) -> Protections:
        """The walls of the inner executor."""
        return self._inner.protections()

    def run(self, job: ScriptJob, stopped: Callable[[], bool] = lambda: False) -> Execution:
        """Wait for room, then run. A run that is stopped meanwhile is not begun."""
        end = time.monotonic() + self._settings.patience
        while self._busy() and time.monotonic() < end:
            if stopped():
                return Execution(outcome=Outcome.STOPPED, stage=job.stage, seed=job.seed, detail="stopped while waiting for room")
            time.sleep(POLL_SECONDS)
        return self._inner.run(job, stopped)

    def _busy(self) -> bool:
        return self._load() / (os.cpu_count() or 1) >= self._settings.load_per_core

    def close(self) -> None:
        """End what still runs."""
        self._inner.close()


def _make(settings: GentleSettings) -> GentleExecutor:
    from gome_graph.execution import LocalExecutor

    return GentleExecutor(LocalExecutor(), settings)


@hookimpl
def gome_executor() -> Iterable[Offer]:
    """Offer ``gentle``."""
    yield Offer("gentle", _make, "the local executor, begun only while the machine has room", GentleSettings)
