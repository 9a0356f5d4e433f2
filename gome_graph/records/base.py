"""What every record shares: frozen, closed, documented field by field."""

from enum import StrEnum
from typing import NewType

from pydantic import BaseModel, ConfigDict

Seconds = float
"""A duration in seconds."""

Bytes = int
"""A size in bytes."""

TraceId = NewType("TraceId", int)
"""Number of a trace within its run, from 0."""

StepId = NewType("StepId", str)
"""Name of a step within its run, for example ``t1-4``: trace 1, step 4. See `step_id`."""


class Record(BaseModel):
    """A frozen, JSON-serialisable fact. Unknown fields are errors, so that records of different versions do not mix silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Stage(StrEnum):
    """How much data a script is given: each stage is a smaller or larger copy of the same ``input/`` folder."""

    SMOKE = "smoke"
    """A few dozen rows: does it run and write the right files?"""
    SAMPLE = "sample"
    """About a tenth of the rows: what would it cost, is it hopeless?"""
    FULL = "full"
    """All training rows without the audit part: the measurement that counts."""
    FINAL = "final"
    """All rows, audit part included: writes the real submission. Only `finalise` uses it."""


class Component(StrEnum):
    """The part of a solution that a finding, diagnosis or hypothesis is about."""

    DATA = "data"
    FEATURES = "features"
    MODEL = "model"
    TRAINING = "training"
    ENSEMBLE = "ensemble"
    WORKFLOW = "workflow"


def step_id(trace: int, step: int) -> StepId:
    """The one way to name a step: ``step_id(1, 4) == "t1-4"``."""
    return StepId(f"t{trace}-{step}")
