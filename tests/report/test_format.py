"""Numbers as people read them."""

import math

import pytest

from gome_graph.records import Score
from gome_graph.report.format import clock, decimals, duration, gain_text, harmless, percent, score_text, size


def score(value: float, error: float) -> Score:
    return Score(metric="rmse", higher_is_better=False, value=value, standard_error=error, rows=100)


def test_near_ties_within_the_noise_look_different() -> None:
    assert score_text(score(0.43120, 0.0051)) != score_text(score(0.43124, 0.0051))


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.431234567, 0.0051, "0.43123 ± 0.00510"),
        (556.123, 12.34, "556.1 ± 12.3"),
        (123456.7, 1500.0, "123457 ± 1500"),
        (0.5, 0.0, "0.50000"),
        (0.5, math.nan, "0.50000"),
    ],
)
def test_decimals_come_from_the_standard_error(value: float, error: float, text: str) -> None:
    assert score_text(score(value, error)) == text


def test_no_score_is_a_dash() -> None:
    assert score_text(None) == "-"


def test_decimals_are_never_absurd() -> None:
    assert decimals(1e-30) == 9
    assert decimals(1e9) == 0


def test_a_probability_is_never_rounded_to_certainty() -> None:
    assert [percent(p) for p in (0.99999, 0.00001, 1.0, 0.0, 0.5)] == ["> 99 %", "< 1 %", "100 %", "0 %", "50 %"]


def test_gain_shows_its_sign() -> None:
    assert gain_text(0.00412, 0.0012) == "+0.00412 ± 0.00120"
    assert gain_text(None, None) == "-"


def test_durations_and_sizes_are_short() -> None:
    assert [duration(s) for s in (4.21, 59.2, 90, 7500)] == ["4.2 s", "59 s", "1 m 30 s", "2 h 05 m"]
    assert [clock(s) for s in (5, 65, 3723)] == ["0:05", "1:05", "1:02:03"]
    assert [size(b) for b in (812, 412_000_000, 1_250_000_000)] == ["812 B", "412 MB", "1.2 GB"]


def test_control_characters_cannot_steer_the_terminal() -> None:
    hostile = "a\x1b[2Jb\x9b31mc\r\nd\x07"
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in harmless(hostile))
    assert "\n" in harmless(hostile, keep_lines=True)
    assert len(harmless(hostile)) == len(hostile)
