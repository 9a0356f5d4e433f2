"""Numbers in verdicts: as many decimals as their error allows."""

import math

from gome_graph.records import Score
from gome_graph.validation.comparison import Comparison


def decimals(error: float, *, fallback: int = 4) -> int:
    """Decimals that show two digits of the error."""
    if not math.isfinite(error) or error <= 0:
        return fallback
    return max(0, min(10, 1 - math.floor(math.log10(error))))


def score_text(score: Score) -> str:
    """``accuracy 0.8012 ± 0.0042``"""
    places = decimals(score.standard_error)
    return f"{score.metric} {score.value:.{places}f} ± {score.standard_error:.{places}f}"


def comparison_text(score: Score, old: float, result: Comparison) -> str:
    """The numbers of a paired comparison in one clause."""
    places = decimals(result.gain_error)
    return (
        f"{score.metric} {score.value:.{places}f} against {old:.{places}f}: gain {result.gain:+.{places}f} ± "
        f"{result.gain_error:.{places}f} "
        f"({result.gain_in_noise:+.1f} noise units), P(better) {result.p_better:.2f}"
    )
