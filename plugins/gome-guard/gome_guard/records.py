"""The guard's vocabulary: what was logged, what went wrong, and the samples that keep it from happening again."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from gome_graph.records import Record


class Tier(StrEnum):
    """How far a sample may be trusted (guard.md, "precision of curation decides everything")."""

    A = "A"
    """Evidence and consensus: may block."""
    B = "B"
    """Eligible and a change of behaviour: may train, and warn."""


class Part(StrEnum):
    """What a sample's cluster is for. Never two of them: training on the gate's samples blinds the gate."""

    TRAIN = "train"
    GATE = "gate"
    SEALED = "sealed"


class Status(StrEnum):
    """Whether a sample counts."""

    ACTIVE = "active"
    STALE = "stale"
    """Its accepted actions are offered no longer, it expired, or the world has changed for good: neither passes nor fails."""
    DISPUTED = "disputed"
    """It stood against candidates that were otherwise better: a person looks at it; warns, no longer blocks."""
    RETIRED = "retired"


class Feedback(Record):
    """One logged decision of a policy and what came of it."""

    id: str = Field(min_length=1)
    """Identity of the request; everything is joined by it."""
    at: datetime
    """When the decision was made."""
    policy: str
    """Version of the policy that decided."""
    text: str = ""
    """What was asked, if it is text."""
    features: list[float] = []
    """Numeric context, if there is any."""
    candidates: list[str] = Field(min_length=1)
    """Actions that the upstream shortlister offered; no action twice."""
    action: str
    """The one that was taken."""
    propensity: float = Field(gt=0, le=1)
    """Probability with which the logging policy took `action`."""
    logging: list[float] = []
    """Probabilities of all candidates under the logging policy, in their order; empty if they were not logged."""
    reward: float
    segment: str = ""
    """Domain, product or any other part of the traffic that is reported by itself."""

    @model_validator(mode="after")
    def _fits(self) -> "Feedback":
        if len(set(self.candidates)) != len(self.candidates):
            raise ValueError("candidates name an action twice")
        if self.action not in self.candidates:
            raise ValueError(f"action {self.action!r} is not among the candidates")
        if self.logging:
            if len(self.logging) != len(self.candidates):
                raise ValueError(f"logging has {len(self.logging)} probabilities for {len(self.candidates)} candidates")
            if abs(sum(self.logging) - 1) > SUM_TOLERANCE or min(self.logging) < 0:
                raise ValueError("logging is not a probability distribution")
            if abs(self.logging[self.candidates.index(self.action)] - self.propensity) > SUM_TOLERANCE:
                raise ValueError("propensity is not the logging probability of the action")
        return self


SUM_TOLERANCE = 1e-3
"""Logged probabilities are often rounded to three or four digits."""


class Incident(Record):
    """Somebody, or a monitor, says that a decision was a regression."""

    id: str = Field(min_length=1)
    request: str = Field(min_length=1)
    """Identity of the request (`Feedback.id`)."""
    at: datetime
    """When it was reported."""
    source: str = "user"
    """user, ticket, monitor, holdout, slice, leak …"""
    taken: str | None = None
    """The action that is complained about; None: the logged one."""
    expected: list[str] = Field(min_length=1)
    """What should have been done; any of them is right."""
    claimed_by: str = ""
    """Who says so; two reports of one person are one voice."""
    text: str = ""
    severity: str = "P2"


class Evidence(Record):
    """What speaks for an incident beside its reporter."""

    eligible: bool
    """An expected action was among the candidates, and another one was taken."""
    changed: bool
    """The earlier policy did what was expected, the one complained about does not."""
    good: float | None = None
    """Mean logged reward of the expected actions near the request, before it changed; None: nothing near enough."""
    bad: float | None = None
    """Mean logged reward of the action taken near the request, in the windows that are compared."""
    neighbours: int = 0
    """Logged decisions behind `good` and `bad`."""
    similar: int = 0
    """Other reporters who expected the same of a similar request."""


class RPSample(Record):
    """What must not happen again (reject), and what must happen (accept), for one request."""

    id: str
    """Hash of the request and the accepted actions, see `content_id`."""
    request: str
    """Identity of the request it came from."""
    text: str = ""
    features: list[float] = []
    candidates: list[str]
    accept: list[str] = Field(min_length=1)
    reject: list[str] = []
    segment: str = ""
    cluster: str = ""
    """Similar samples; the unit of splitting and of the gate's tests."""
    part: Part = Part.TRAIN
    tier: Tier
    evidence: Evidence | None = None
    provenance: list[str] = []
    """Incidents it rests on; for mined neighbours, the sample they were mined from."""
    status: Status = Status.ACTIVE
    mined: bool = False
    blocked: int = 0
    """Otherwise significantly better candidates that it stood against (`GatePolicy.dispute_after`)."""
    at: datetime
    expires: datetime | None = None


class Interval(Record):
    """An estimate and how far it may be off."""

    value: float
    low: float
    high: float
    level: float = 0.95
    method: str = ""
    """normal, empirical_bernstein, bootstrap, confidence_sequence, clopper_pearson …"""
    n: int = 0
    """Rows behind it."""
    error: float | None = None
    """Standard error, where there is one."""


def content_id(*parts: Any, length: int = 16) -> str:
    """A stable id of JSON-like content: the same parts give the same id on every machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]
