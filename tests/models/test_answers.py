import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gome_graph.models.answers import Unreadable, find_object, read_answer
from gome_graph.models.schemas import answer_schema, strict
from tests.models.conftest import GOOD, Cause

TEXT = json.dumps(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        TEXT, f"```json\n{TEXT}\n```", f"Here you are: {TEXT} Good luck!", f"<think>Is {{this}} it? {{}}</think>{TEXT}",
        TEXT.replace("too shallow", "too\nshallow"), f"{{}} is empty, but {TEXT} is not",
    ],
    ids=["plain", "fence", "prose", "thinking", "line break", "two objects"],
)  # fmt: skip
def test_json_is_found_as_it_stands(text: str) -> None:
    read = read_answer(text, Cause)
    assert not read.mended
    assert read.value.cause.split() == ["too", "shallow"]


@pytest.mark.parametrize(
    "text",
    [TEXT.replace("}", ",}"), TEXT.replace('"', "'"), TEXT.replace('"part"', "part"), TEXT.replace('", "', '" "')],
    ids=["trailing comma", "single quotes", "bare key", "missing comma"],
)
def test_almost_json_is_repaired_and_says_so(text: str) -> None:
    read = read_answer(text, Cause)
    assert read.mended
    assert read.value == Cause.model_validate(GOOD)


@pytest.mark.parametrize("text", ["", "no", '{"cause": "cut in the mid', '{"cause": "a", "part": "model", "confidence": 0.', "[1, 2]"])
def test_half_an_answer_is_none(text: str) -> None:
    with pytest.raises(Unreadable):
        read_answer(text, Cause)


def test_what_has_more_than_one_reading_is_not_guessed() -> None:
    with pytest.raises(Unreadable, match="part"):
        read_answer(json.dumps({**GOOD, "part": "models or data"}), Cause)
    with pytest.raises(Unreadable, match="confidence"):
        read_answer(json.dumps({**GOOD, "confidence": "high"}), Cause)


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.text(max_size=20), st.none()), min_size=1, max_size=5))
def test_any_object_is_found_between_any_words(value: dict[str, object]) -> None:
    found, repaired = find_object(f"Well then:\n```json\n{json.dumps(value)}\n```\nThat is all.")
    assert (found, repaired) == (value, False)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_end_within_their_bounds(number: float) -> None:
    assert 0 <= read_answer(json.dumps({**GOOD, "confidence": number}), Cause).value.confidence <= 1


class Free(BaseModel):
    params: dict[str, float]


class Nested(BaseModel):
    inner: Cause
    others: list[Cause] = []
    maybe: int | None = None


def test_a_strict_schema_requires_every_field_and_allows_no_other() -> None:
    tight = strict(answer_schema(Nested))
    assert tight is not None
    for node in (tight, tight["$defs"]["Cause"]):
        assert node["additionalProperties"] is False
        assert set(node["required"]) == set(node["properties"])
    assert tight["properties"]["inner"] == {"$ref": "#/$defs/Cause"}
    assert "default" not in json.dumps(tight)


def test_free_objects_cannot_be_strict() -> None:
    assert strict(answer_schema(Free)) is None
