"""A log as arrays: rows of decisions over padded candidate sets, ready for vectorised estimators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import TaskError
from gome_guard.records import SUM_TOLERANCE, Feedback

Array = NDArray[Any]
Distribution = Mapping[str, Mapping[str, float]]
"""Request id -> action -> probability."""


@dataclass(frozen=True)
class Log:
    """n decisions, at most k candidates each."""

    ids: Array
    """(n,) strings."""
    actions: tuple[str, ...]
    """All actions; codes index it."""
    candidates: Array
    """(n, k) int32 codes; -1 is padding."""
    chosen: Array
    """(n,) position of the logged action among the candidates."""
    propensity: Array
    """(n,) in (0, 1]."""
    reward: Array
    """(n,)"""
    segments: tuple[str, ...] = ("",)
    segment: Array = field(default_factory=lambda: np.zeros(0, np.int32))
    """(n,) codes of `segments`; empty: a single one."""
    logging: Array | None = None
    """(n, k) probabilities of all candidates under the logging policy, 0 at padding."""
    at: Array | None = None
    """(n,) seconds since 1970."""
    policy: Array | None = None
    """(n,) strings: version that decided."""

    def __post_init__(self) -> None:
        if len(self.segment) != len(self.ids):
            object.__setattr__(self, "segment", np.zeros(len(self.ids), np.int32))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def mask(self) -> Array:
        """(n, k): where there is a candidate."""
        return self.candidates >= 0

    @property
    def taken(self) -> Array:
        """(n,) codes of the logged actions."""
        return self.at_chosen(self.candidates)

    def at_chosen(self, values: Array) -> Array:
        """(n, k) -> (n,): the logged action's entry of each row."""
        picked: Array = np.take_along_axis(values, self.chosen[:, None].astype(np.int64), axis=1)[:, 0]
        return picked

    def rows(self, where: Array) -> "Log":
        """The rows of a mask or of indices."""
        return replace(
            self, ids=self.ids[where], candidates=self.candidates[where], chosen=self.chosen[where], propensity=self.propensity[where],
            reward=self.reward[where], segment=self.segment[where], logging=None if self.logging is None else self.logging[where],
            at=None if self.at is None else self.at[where], policy=None if self.policy is None else self.policy[where],
        )  # fmt: skip


def seconds(at: datetime) -> float:
    """Seconds since 1970; a time without a zone is taken as UTC, the same on every machine."""
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def build(feedback: Sequence[Feedback]) -> Log:
    """Arrays of records, in their order."""
    n, k = len(feedback), max(len(row.candidates) for row in feedback)
    codes: dict[str, int] = {}
    segments: dict[str, int] = {}
    candidates = np.full((n, k), -1, np.int32)
    logging = np.zeros((n, k)) if all(row.logging for row in feedback) else None
    chosen, segment = np.zeros(n, np.int32), np.zeros(n, np.int32)
    for i, row in enumerate(feedback):
        for j, action in enumerate(row.candidates):
            candidates[i, j] = codes.setdefault(action, len(codes))
        chosen[i] = row.candidates.index(row.action)
        segment[i] = segments.setdefault(row.segment, len(segments))
        if logging is not None:
            logging[i, : len(row.logging)] = row.logging
    return Log(
        ids=np.array([row.id for row in feedback], dtype=object), actions=tuple(codes), candidates=candidates, chosen=chosen,
        propensity=np.array([row.propensity for row in feedback]), reward=np.array([row.reward for row in feedback]),
        segments=tuple(segments), segment=segment, logging=logging,
        at=np.array([seconds(row.at) for row in feedback]),
        policy=np.array([row.policy for row in feedback], dtype=object),
    )  # fmt: skip


def align(log: Log, policy: Distribution, name: str) -> Array:
    """(n, k) probabilities of a policy for the log's candidates, joined by request id and action name, never by position.

    Raises
    ------
    TaskError
        If a request is missing, an action is no candidate of it, or probabilities do not sum to 1.
    """
    out = np.zeros(log.candidates.shape)
    names = log.actions
    for i, request in enumerate(log.ids):
        given = policy.get(str(request))
        if given is None:
            raise TaskError(f"{name} says nothing about request {request!r} (row {i + 1} of the log); every logged request is needed.")
        place = {names[code]: j for j, code in enumerate(log.candidates[i]) if code >= 0}
        for action, probability in given.items():
            if action not in place:
                if probability > SUM_TOLERANCE:
                    raise TaskError(
                        f"{name}, request {request!r}: {action!r} has probability {probability:g} but is not among the candidates."
                    )
                continue
            out[i, place[action]] = probability
        total = out[i].sum()
        if abs(total - 1) > SUM_TOLERANCE or out[i].min() < 0:
            raise TaskError(f"{name}, request {request!r}: probabilities sum to {total:g}, not to 1.")
    return out


def preferred(log: Log, policy: Array) -> Array:
    """(n,) code of the action that a policy (n, k) prefers in each row of the log."""
    picked: Array = np.take_along_axis(log.candidates, policy.argmax(1)[:, None], axis=1)[:, 0]
    return picked


def distribution(log: Log, policy: Array) -> dict[str, dict[str, float]]:
    """The opposite of `align`: request id -> action -> probability."""
    names = log.actions
    return {
        str(request): {names[code]: float(p) for code, p in zip(log.candidates[i], policy[i], strict=True) if code >= 0}
        for i, request in enumerate(log.ids)
    }
