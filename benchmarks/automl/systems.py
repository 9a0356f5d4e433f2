"""The systems compared: environment, runner and options of each, as data."""

from dataclasses import dataclass
from pathlib import Path

RUNNERS = Path(__file__).resolve().parent / "runners"


@dataclass(frozen=True)
class System:
    """One contender."""

    name: str
    environment: str | None
    """A name of `environments.PACKAGES`; None is the environment that runs the benchmark."""
    runner: str
    options: tuple[str, ...] = ()

    def command(self, python: Path, folder: Path) -> list[str]:
        """What to run for the cell in `folder`."""
        return [str(python), str(RUNNERS / self.runner), str(folder), *self.options]


SYSTEMS = {
    system.name: system
    for system in (
        System("gome", None, "gome.py"),
        System("gome-no-diagnosis", None, "gome.py", ("--no-diagnosis",)),
        System("gome-no-memory", None, "gome.py", ("--no-memory",)),
        System("autogluon", "autogluon", "autogluon_best.py"),
        System("flaml", "flaml", "flaml_automl.py"),
        System("mljar", "mljar", "mljar_compete.py"),
    )
}
OURS = "gome"
"""Compared with the peers in the tables."""
PEERS = ("autogluon", "flaml", "mljar")
