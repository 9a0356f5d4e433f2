"""Nobody grades their own work: format -> alignment -> paired comparison -> verdict; and the final selection.

Names load on first use, so that importing the package costs neither numpy nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gome_graph.validation.comparison import Comparison, compare
    from gome_graph.validation.policy import ValidationPolicy
    from gome_graph.validation.probes import PermutedJob, judge_permuted, permuted_label_job
    from gome_graph.validation.scoring import score_predictions
    from gome_graph.validation.selection import Choice, FinalCandidate, Measurement, choose_final, top_k
    from gome_graph.validation.verdict import Incumbent, Validation, audit_score, validate

__all__ = [
    "Choice", "Comparison", "FinalCandidate", "Incumbent", "Measurement", "PermutedJob", "Validation", "ValidationPolicy", "audit_score",
    "choose_final", "compare", "judge_permuted", "permuted_label_job", "score_predictions", "top_k", "validate",
]  # fmt: skip

_HOME = {
    "Choice": "selection", "Comparison": "comparison", "FinalCandidate": "selection", "Incumbent": "verdict", "Measurement": "selection",
    "PermutedJob": "probes", "Validation": "verdict", "ValidationPolicy": "policy", "audit_score": "verdict", "choose_final": "selection",
    "compare": "comparison", "judge_permuted": "probes", "permuted_label_job": "probes", "score_predictions": "scoring",
    "top_k": "selection",
    "validate": "verdict",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"gome_graph.validation.{_HOME[name]}"), name)
    raise AttributeError(f"module 'gome_graph.validation' has no attribute {name!r}")
