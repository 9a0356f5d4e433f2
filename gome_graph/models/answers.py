"""From a model's text to a valid answer: find the JSON, mend what has only one sensible reading, else say what is wrong."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

from pydantic import ValidationError

from gome_graph.models.contracts import T

THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
"""Reasoning that some open models write before their answer."""

PROBLEMS_SHOWN = 6
"""Complaints that go back to the model: the first ones are usually the cause of the others."""

MENDS = 3
"""Rounds of mending: one mend may uncover the next complaint."""


@dataclass(frozen=True)
class Read(Generic[T]):
    """A valid answer."""

    value: T
    mended: bool
    """Whether the text was not quite JSON, or some value not quite within its bounds."""


class Unreadable(Exception):
    """The text holds no valid answer; the message says why, in words for the model."""


def read_answer(text: str, schema: type[T]) -> Read[T]:
    """The answer in a text.

    JSON may stand in a code fence or between other words. Numbers beyond a bound are moved to it, enumerations are matched without regard
    to case, what is too long is cut, and unknown fields are dropped: grammars of small models cannot express such rules.

    Raises
    ------
    Unreadable
        If there is no JSON object, or it does not fit.
    """
    value, mended = find_object(text)
    for _ in range(MENDS):
        try:
            return Read(schema.model_validate(value), mended)
        except ValidationError as error:
            value, changed = _mend(value, error)
            if not changed:
                raise Unreadable(_problems(error)) from None
            mended = True
    try:
        return Read(schema.model_validate(value), mended)
    except ValidationError as error:
        raise Unreadable(_problems(error)) from None


def find_object(text: str) -> tuple[dict[str, Any], bool]:
    """The largest JSON object of a text, and whether it had to be repaired.

    Raises
    ------
    Unreadable
        If there is none.
    """
    plain = THINKING.sub("", text).strip()
    decoder = json.JSONDecoder(strict=False)  # line breaks within strings: common, and unambiguous
    found: dict[str, Any] | None = None
    size, place = 0, plain.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(plain, place)
        except ValueError:
            end = place + 1
        else:
            if isinstance(value, dict) and end - place > size:
                found, size = value, end - place
        place = plain.find("{", end)
    if found is not None and size * 2 > len(_fenced(plain)):
        return found, False
    repaired = _repair(plain)
    if repaired is not None:
        return repaired, True
    if found is not None:
        return found, True
    raise Unreadable("the answer is empty" if not plain else "there is no JSON object in the answer")


def _fenced(text: str) -> str:
    """What stands from the first brace to the last one."""
    return text[max(text.find("{"), 0) : text.rfind("}") + 1]


def _repair(text: str) -> dict[str, Any] | None:
    """Commas, quotes and the like, mended by json_repair; None if the object is not closed: half an answer is none."""
    body = _fenced(text)
    if not body:
        return None
    import json_repair

    value = json_repair.loads(body)
    return value if isinstance(value, dict) and value else None


def _mend(value: Any, error: ValidationError) -> tuple[Any, bool]:
    """A copy of `value` with the complaints met that leave no choice."""
    mended = json.loads(json.dumps(value))
    changed = False
    for complaint in error.errors(include_url=False):
        place, context = complaint["loc"], complaint.get("ctx") or {}
        holder = _holder(mended, place)
        if holder is None or not place:
            continue
        key: Any = place[-1]
        kind = complaint["type"]
        if kind == "extra_forbidden":
            del holder[key]
        elif kind in ("greater_than_equal", "less_than_equal"):
            holder[key] = context["ge" if kind == "greater_than_equal" else "le"]
        elif kind in ("too_long", "string_too_long"):
            holder[key] = holder[key][: context["max_length"]]
        elif kind in ("enum", "literal_error") and (match := _same_word(holder[key], str(context.get("expected", "")))):
            holder[key] = match
        else:
            continue
        changed = True
    return mended, changed


def _holder(value: Any, place: Sequence[int | str]) -> Any:
    """The container of what `place` names; None if the path leads nowhere (a branch of a union)."""
    for key in place[:-1]:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    try:
        value[place[-1]]
    except (KeyError, IndexError, TypeError):
        return None
    return value


def _same_word(given: Any, expected: str) -> str | None:
    """The expected word that differs from the given one in case, blanks and dashes alone."""
    words = re.findall(r"'([^']*)'", expected)
    plain = {_plain(word): word for word in words}
    return plain.get(_plain(str(given)))


def _plain(word: str) -> str:
    return re.sub(r"[\s_-]+", "", word).casefold()


def _problems(error: ValidationError) -> str:
    complaints = error.errors(include_url=False, include_input=False)
    lines = [f"{'.'.join(map(str, c['loc'])) or 'the answer'}: {c['msg']}" for c in complaints[:PROBLEMS_SHOWN]]
    more = len(complaints) - len(lines)
    return "; ".join([*lines, *([f"and {more} more"] if more else [])])
