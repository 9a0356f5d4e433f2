"""What every record shares: frozen, closed, documented field by field."""

import ast
import inspect
import textwrap
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import NewType, cast

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Seconds = float
"""A duration in seconds."""

Bytes = int
"""A size in bytes."""

TraceId = NewType("TraceId", int)
"""Number of a trace within its run, from 0."""

StepId = NewType("StepId", str)
"""Name of a step within its run, for example ``t1-4``: trace 1, step 4. See `step_id`."""


@cache
def field_docs(kind: type[BaseModel]) -> dict[str, str]:
    """What the docstrings below the fields of a model say, by field; those of its bases first. Read from the source when asked: doing so
    for every model at import (pydantic's ``use_attribute_docstrings``) takes longer than importing them."""
    found: dict[str, str] = {}
    for base in reversed([base for base in kind.__mro__ if issubclass(base, BaseModel) and base.__module__ != BaseModel.__module__]):
        try:
            body = cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]).body
        except (OSError, TypeError):  # made at a prompt, or shipped without its source
            continue
        for statement, after in pairwise(body):
            match statement, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                    found[name] = inspect.cleandoc(text)
    return found


class Record(BaseModel):
    """A frozen, JSON-serialisable fact. Unknown fields are errors, so that records of different versions do not mix silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema, with the docstrings of fields as their descriptions."""
        schema = handler(core)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in field_docs(cls).items():
            if name in properties:
                properties[name].setdefault("description", text)
        return schema


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
