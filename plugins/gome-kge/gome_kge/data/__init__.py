"""Reading a knowledge graph, checking it, and the indices that training, evaluation and rules look things up in."""

from gome_kge.data.graph import SPLITS, KnowledgeGraph
from gome_kge.data.index import PairIndex
from gome_kge.data.load import load_graph

__all__ = ["SPLITS", "KnowledgeGraph", "PairIndex", "load_graph"]
