"""Answers the language-model reasoner's requests on the task of `small_tasks.line`, from the text of each request alone."""

import re
import zlib
from typing import Any

from tests.models.server import Act, Body, say
from tests.reasoners.llm.line import width
from tests.reasoners.llm.scripted import choice, diagnosis, draft, edits, hypotheses

STEP = 0.3
"""What each patch takes off the noise."""


def clerk(schema: str, prompt: str) -> dict[str, Any]:
    """The answer that fits a schema's name."""
    if "Draft" in schema:
        return draft(width(1.0))
    if "Diagnosis" in schema:
        return diagnosis()
    if "Hypothes" in schema:
        return hypotheses(f"Take noise away, {zlib.crc32(prompt.encode())}", "Fit a forest")  # nothing is proposed twice
    if "Choice" in schema:
        return choice(1)
    now = float(re.findall(r"WIDTH = (\d\.\d)", prompt)[-1])
    return edits((f"WIDTH = {now}", f"WIDTH = {max(now - STEP, 0.0):.1f}"))


def serve_clerk(body: Body, number: int) -> Act:
    """As a script of the scripted server."""
    schema = body["response_format"]["json_schema"]["name"]
    return say(clerk(schema, "\n".join(message["content"] for message in body["messages"])), usage=(500, 40))
