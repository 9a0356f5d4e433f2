"""What an exception of a vendor's SDK means, told from its status code and its class's name: the core imports no SDK."""

import re
from collections.abc import Iterator
from typing import Any

from gome_graph.models.backend import Failure, FailureKind
from gome_graph.records import Seconds
from gome_graph.support.secrets import redact

BUSY = frozenset({408, 409, 425, 500, 502, 503, 504, 520, 522, 524, 529})
CLOSED = frozenset({401, 402, 403})
ABOUT_FORM = re.compile(r"response_format|json_schema|json_object|structured|schema|tool|function|grammar|strict", re.IGNORECASE)
"""Words of a 4xx answer that complain about how the answer's form was asked for."""
ABOUT_LENGTH = re.compile(r"context (length|window|size)|maximum context|too many tokens|too long|exceed_context", re.IGNORECASE)
NO_CREDIT = re.compile(r"insufficient_quota|billing|credit balance|exceeded your current quota", re.IGNORECASE)
NO_MODEL = re.compile(r"model", re.IGNORECASE)

SHOWN = 300


class Unsupported(Exception):
    """The backend cannot be asked in this way for an answer that fits a schema; another way may do."""


def classify(error: Exception, *, structured: bool) -> Failure | Unsupported:
    """The failure behind an exception.

    Parameters
    ----------
    error
        What the SDK raised.
    structured
        The request named a form of the answer that the server might not know.
    """
    chain = list(_chain(error))
    names = {cls.__name__ for each in chain for cls in type(each).__mro__}
    detail = _detail(error)
    status = next((code for each in chain if (code := _status(each)) is not None), None)
    if "LengthFinishReasonError" in names:
        usage = getattr(getattr(error, "completion", None), "usage", None)
        tokens_in, tokens_out = getattr(usage, "prompt_tokens", 0) or 0, getattr(usage, "completion_tokens", 0) or 0
        return Failure(
            FailureKind.TRUNCATED, f"the answer was cut off after {tokens_out} tokens", tokens_in=tokens_in, tokens_out=tokens_out
        )
    if names & {"ContentFilterFinishReasonError", "OpenAIRefusalError"}:
        return Failure(FailureKind.REFUSED, detail)
    if status is not None:
        return _by_status(status, detail, error, structured)
    if names & {"TimeoutError", "APITimeoutError", "TimeoutException", "ReadTimeout", "Timeout", "DeadlineExceeded"}:
        return Failure(FailureKind.TIMED_OUT, detail)
    if names & {"ConnectionError", "APIConnectionError", "TransportError", "RemoteProtocolError", "NetworkError", "ProtocolError"}:
        return Failure(FailureKind.DISCONNECTED, detail)
    if names & {"JSONDecodeError", "APIResponseValidationError"} or _empty_reply(error):
        return Failure(FailureKind.OVERLOADED, f"the server's reply is not what its interface promises ({detail})")
    if structured and isinstance(error, NotImplementedError):
        return Unsupported(detail)
    return Failure(FailureKind.BROKEN, detail)


def _by_status(status: int, detail: str, error: Exception, structured: bool) -> Failure | Unsupported:
    if status == 429:
        kind = FailureKind.FORBIDDEN if NO_CREDIT.search(detail) else FailureKind.RATE_LIMITED
        return Failure(kind, detail, retry_after=_retry_after(error))
    if status in CLOSED:
        return Failure(FailureKind.FORBIDDEN, detail)
    if structured and _about_form(status, detail):
        return Unsupported(detail)
    if status in BUSY or status >= 500:
        return Failure(FailureKind.OVERLOADED, detail, retry_after=_retry_after(error))
    if status == 404:
        return Failure(FailureKind.FORBIDDEN, detail)
    return Failure(FailureKind.REJECTED, detail)


def _about_form(status: int, detail: str) -> bool:
    """The server does not like how the form of the answer was asked for."""
    if status == 501:
        return True
    return status in (400, 404, 415, 422, 500) and bool(ABOUT_FORM.search(detail)) and not ABOUT_LENGTH.search(detail)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and its causes."""
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def _status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "code", "http_status", "status"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and 400 <= value < 600:
                return value
    return None


def _retry_after(error: BaseException) -> Seconds | None:
    """Seconds the server asks to wait, from its headers."""
    headers: Any = next((h for each in _chain(error) if (h := getattr(getattr(each, "response", None), "headers", None)) is not None), None)
    if headers is None:
        return None
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, TypeError, ValueError):  # absent, or a date: our own backoff will do
            continue
    return None


def _empty_reply(error: Exception) -> bool:
    """SDKs trip over bodies that miss what they promise: null choices and the like."""
    return isinstance(error, AttributeError | IndexError | KeyError) or (isinstance(error, TypeError) and "choices" in str(error))


def _detail(error: BaseException) -> str:
    """The error in one line, without keys."""
    return redact(" ".join(f"{type(error).__name__}: {error}".split()))[:SHOWN]
