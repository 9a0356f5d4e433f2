"""What a model answers: pydantic models whose JSON schema goes to the backend, and how they become records.

Schemas stay plain (no bounds, no defaults): strict decoders know no more, and a number out of range is better clamped than asked for again.
What makes an answer worthless (no title, no edits) is an error of validation, which the model is shown.
"""

import math
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from gome_graph.records import Component

MOST_NOISE = 20.0
"""Gains in noise units are clipped there, as those of verdicts are."""
LONGEST_TITLE = 120
"""Titles are shown in one line, and compared to tell what was tried."""


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return " ".join(text.split())


def _code(text: str) -> str:
    """The text without the fence that models like to put around code."""
    lines = text.strip("\n").splitlines()
    if len(lines) >= 2 and lines[0].lstrip().startswith("```") and lines[-1].strip() == "```":
        lines = lines[1:-1]
    return "\n".join(lines) + "\n" if lines else ""


def _number(value: object) -> object:
    """Infinite and missing numbers count as nothing said."""
    return 0.0 if value is None or (isinstance(value, float) and not math.isfinite(value)) else value


Sentence = Annotated[str, AfterValidator(_said)]
"""One line of text that says something."""
Number = Annotated[float, BeforeValidator(_number)]
"""A finite number."""


class AnswerModel(BaseModel):
    """What all answers share: further fields are ignored, for a model that says more than it was asked is no error."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)


class EvidenceAnswer(AnswerModel):
    """A measured fact the diagnosis rests on."""

    ref: str
    """The name of the fact, copied exactly from the left of a line of facts, for example score.by_fold; or findings.<symptom>."""
    note: str
    """What it shows, in a few words."""


class DiagnosisAnswer(AnswerModel):
    """What limits the score, and which way to go."""

    findings: list[str]
    """Symptoms of the findings it rests on."""
    cause: Sentence
    """What limits the score, in one sentence with numbers."""
    direction: Sentence
    """Which way to change the solution."""
    component: Component
    """The part of the solution at fault."""
    evidence: list[EvidenceAnswer]
    """The facts that show it."""
    expected_gain: Number
    """Gain of the next step in standard errors of the difference."""
    confidence: Number
    """Probability from 0 to 1 that the next step will be accepted."""
    cost_seconds: Number
    """Run time of the next script in seconds."""
    falsifier: str
    """Which measurement would prove the diagnosis wrong."""


class Scores(AnswerModel):
    """Marks from 1 (poor) to 10 (excellent)."""

    alignment: Number
    """Does it answer the diagnosis?"""
    impact: Number
    """How much will the score gain?"""
    novelty: Number
    """How far is it from what was tried?"""
    feasibility: Number
    """Can it be written, and run within the limits?"""
    risk_reward: Number
    """What it may win against what it may spoil."""


class HypothesisAnswer(AnswerModel):
    """One change and why it should help."""

    challenge: str
    """The weakness it answers."""
    source: str
    """scenario if the challenge comes from the task's data, feedback if from measurements of earlier steps."""
    title: Sentence
    """The change, imperative and short."""
    rationale: Sentence
    """Why it should help here."""
    component: Component
    """The part of the solution it changes."""
    family: str
    """Model family of the changed solution: boosting, linear, forest, neighbours, neural, text, blend …"""
    symptoms: list[str]
    """Symptoms of the findings it answers."""
    expected_gain: Number
    """In standard errors of the difference."""
    cost_seconds: Number
    """Run time of the changed script in seconds."""
    scores: Scores
    """Marks of the hypothesis."""


class HypothesesAnswer(AnswerModel):
    """Candidate changes, one for each challenge."""

    hypotheses: list[HypothesisAnswer]
    """Best first."""


class Action(StrEnum):
    """What is done with the proposals."""

    SELECT = "select"
    MODIFY = "modify"
    CREATE = "create"


class ChoiceAnswer(AnswerModel):
    """The hypothesis to try next."""

    action: Action
    """select one as it is, modify one, or create a new one."""
    number: int
    """Number of the hypothesis that is selected or modified; 0 for a new one."""
    title: str
    """Title of the modified or new hypothesis."""
    rationale: str
    """Why it should help, of the modified or new hypothesis."""
    component: Component
    """The part of the solution it changes."""
    reason: Sentence
    """Why this one, in the light of what worked and what failed."""


class EditAnswer(AnswerModel):
    """One replacement in the script."""

    search: str
    """Lines copied exactly from the script, spaces included; they must occur there once."""
    replace: str
    """What stands there afterwards."""


def _some(edits: list[EditAnswer]) -> list[EditAnswer]:
    if not edits:
        raise ValueError("there must be at least one edit")
    return edits


class PatchAnswer(AnswerModel):
    """A change of the script."""

    edits: Annotated[list[EditAnswer], AfterValidator(_some)]
    """Applied in order, each to the result of those before it."""
    summary: str
    """What was changed, in one sentence."""


class DraftAnswer(AnswerModel):
    """A new solution."""

    title: Sentence
    """What it is, imperative and short."""
    rationale: Sentence
    """Why it suits the task."""
    family: str
    """Model family: boosting, linear, forest, neighbours, neural, text, blend …"""
    cost_seconds: Number
    """Run time of the script in seconds."""
    script: Annotated[str, AfterValidator(_code)]
    """The full text of solution.py."""


def clamp(value: float, low: float, high: float) -> float:
    """The number within its bounds."""
    return min(max(float(value), low), high)


def short_title(text: str) -> str:
    """A title of one line and bounded length."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rstrip() + "…"


def family_name(text: str) -> str:
    """A family as one lower-case word."""
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return "_".join(words)[:30]
