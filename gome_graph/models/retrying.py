"""Patience with one backend: tries again what may pass, with backoff and jitter, never beyond the time there is."""

import random
import time
from collections.abc import Callable

import tenacity

from gome_graph.models.backend import PASSING, Failure, FailureKind, Reply
from gome_graph.records import Seconds

TRIES = 5
"""Sendings of one request."""

REFUSAL_TRIES = 2
"""A model that refuses twice will go on to."""

FIRST_WAIT: Seconds = 1.0
LONGEST_WAIT: Seconds = 30.0
"""Backoff doubles from one to the other; what the server asks for (Retry-After) counts instead."""

JITTER = 0.5
"""Up to this share is taken off a wait, so that traces do not come back at the same moment."""

POLL: Seconds = 0.1


def send(
    once: Callable[[], Reply], *, deadline: Seconds, stopped: Callable[[], bool], tell: Callable[[Failure, Seconds], None],
    give_up: Callable[[Failure], None], seed: int, hurry: bool = False,
) -> Reply:  # fmt: skip
    """The reply of the first sending that gets one.

    Parameters
    ----------
    once
        Sends the request and records what came of it.
    deadline
        Monotonic second after which nothing is tried.
    stopped
        True once the user ends the run.
    tell
        Told of each failure after which is waited, with the seconds.
    give_up
        Told of a failure that the clock or the user made, not the backend.
    seed
        Source of the jitter: equal requests wait equally.
    hurry
        Do not wait (a replay).

    Raises
    ------
    Failure
        The last one.
    """
    draw = random.Random(seed)  # noqa: S311 - jitter, not a secret

    def wait(state: tenacity.RetryCallState) -> Seconds:
        failure = _failure(state)
        if failure.retry_after is not None:
            return failure.retry_after
        return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (state.attempt_number - 1)) * (1 - JITTER * draw.random())

    def stop(state: tenacity.RetryCallState) -> bool:
        most = REFUSAL_TRIES if _failure(state).kind is FailureKind.REFUSED else TRIES
        return state.attempt_number >= most

    def sleep(seconds: Seconds) -> None:
        if hurry:
            return
        over = Failure(FailureKind.OUT_OF_TIME, f"the next try would be in {seconds:.0f} s, which the budget does not leave")
        if time.monotonic() + seconds > deadline:
            give_up(over)
            raise over
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if stopped():
                end = Failure(FailureKind.STOPPED, "the run is being stopped")
                give_up(end)
                raise end
            time.sleep(min(POLL, max(0.0, until - time.monotonic())))

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, Failure) and error.kind in PASSING),
        wait=wait, stop=stop, sleep=sleep, reraise=True,
        before_sleep=lambda state: tell(_failure(state), state.next_action.sleep if state.next_action else 0.0),
    )  # fmt: skip
    return retrying(once)


def _failure(state: tenacity.RetryCallState) -> Failure:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, Failure):
        raise TypeError("only failures are tried again")
    return error
