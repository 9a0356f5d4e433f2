"""Exact filtered ranking, and what it says by side, relation and cardinality."""

from gome_kge.evaluation.ranking import Ranks, Scorer, rank
from gome_kge.evaluation.report import metrics, report

__all__ = ["Ranks", "Scorer", "metrics", "rank", "report"]
