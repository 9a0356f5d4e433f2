"""Making a request from a template and its sections."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from gome_graph.hooks import StepContext
from gome_graph.models import Ask, Role
from gome_graph.reasoners.llm.budget import fit, tokens
from gome_graph.reasoners.llm.prompts import render, version

T = TypeVar("T", bound=BaseModel)

SECTIONS = (
    "task", "columns", "description", "budget", "hints", "verdict", "diff", "log", "findings", "facts", "glossary", "history", "siblings",
    "failures", "successes", "hypotheses", "diagnosis", "packages", "tries", "error", "family", "script", "script_title",
)  # fmt: skip
"""Every section there is; a template shows those it names."""


def make_ask(role: Role, name: str, schema: type[T], context: StepContext, values: Mapping[str, Any], budget: int) -> Ask[T]:
    """The request, its user part cut to the budget that the system part leaves.

    Raises
    ------
    PromptTooLong
        If what cannot be cut does not fit.
    """
    values = {**dict.fromkeys(SECTIONS, ""), **values}
    system = render(name, "system", values)
    texts = {key: value for key, value in values.items() if isinstance(value, str)}
    kept = fit(lambda shown: render(name, "user", {**values, **shown}), texts, budget - tokens(system))
    user = render(name, "user", {**values, **kept})
    return Ask(role=role, system=system, user=user, schema=schema, trace=context.trace, step=context.step, template=version(name))
