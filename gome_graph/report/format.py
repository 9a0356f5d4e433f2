"""Numbers as people read them: one place, so that the terminal, the report and ``gome show`` say the same."""

import math

from gome_graph.records import Bytes, Score, Seconds

SIGNIFICANT = 3
"""Digits of the standard error that are shown: enough to tell near-ties apart, few enough to read."""

FALLBACK_DECIMALS = 5
"""Decimals where there is no usable standard error."""


def decimals(standard_error: float) -> int:
    """How many decimals a value with this error deserves.

    Examples
    --------
    >>> decimals(0.00451), decimals(12.1), decimals(1500.0)
    (5, 1, 0)
    """
    if not math.isfinite(standard_error) or standard_error <= 0:
        return FALLBACK_DECIMALS
    return min(max(SIGNIFICANT - 1 - math.floor(math.log10(standard_error)), 0), 9)


def value_text(score: Score) -> str:
    """The score alone, with the decimals its error deserves."""
    return f"{score.value:.{decimals(score.standard_error)}f}"


def score_text(score: Score | None, missing: str = "-") -> str:
    """``0.43123 ± 0.00510``; a dash where there is no score."""
    if score is None:
        return missing
    places = decimals(score.standard_error)
    if not math.isfinite(score.standard_error) or score.standard_error <= 0:
        return f"{score.value:.{places}f}"
    return f"{score.value:.{places}f} ± {score.standard_error:.{places}f}"


def gain_text(gain: float | None, error: float | None) -> str:
    """A paired difference with its error: ``+0.0041 ± 0.0012``."""
    if gain is None:
        return "-"
    if not error or not math.isfinite(error):
        return f"{gain:+.{FALLBACK_DECIMALS}f}"
    places = min(decimals(error), 7)
    return f"{gain:+.{places}f} ± {error:.{places}f}"


def percent(share: float | None) -> str:
    """A probability or share; never rounded to a certainty it is not.

    Examples
    --------
    >>> percent(0.8312), percent(0.9997), percent(0.0004)
    ('83 %', '> 99 %', '< 1 %')
    """
    if share is None:
        return "-"
    if 0.995 <= share < 1:
        return "> 99 %"
    if 0 < share < 0.005:
        return "< 1 %"
    return f"{100 * share:.0f} %"


def duration(seconds: Seconds) -> str:
    """``4.2 s``, ``1 m 30 s``, ``2 h 05 m``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def clock(seconds: Seconds) -> str:
    """``1:05`` or ``1:02:03``: elapsed time in a narrow place."""
    whole = int(max(seconds, 0.0))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def size(count: Bytes) -> str:
    """``812 kB``, ``1.2 GB``."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


_CONTROL = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ")
_CONTROL_BUT_LINES = dict.fromkeys(set(_CONTROL) - {0x09, 0x0A}, " ")


def harmless(text: str, *, keep_lines: bool = False) -> str:
    """The text without control characters, so that a log or a title cannot steer the terminal; same length."""
    return text.translate(_CONTROL_BUT_LINES if keep_lines else _CONTROL)
