"""Behaviour 3 as a whole."""

from pathlib import Path

from tests.behaviours import repeats, units, writers
from tests.behaviours.checks import Check


def checks(root: Path) -> list[Check]:
    """Units, writers, repeats."""
    return [*units.checks(root / "units"), *writers.checks(root / "writers"), *repeats.checks(root / "repeats")]
