"""Rules mined from train: paths that imply a relation, with their confidence; evidence beside the embedding, and explanations."""

from gome_kge.rules.mine import Rule, Rules, mine
from gome_kge.rules.walk import Walker

__all__ = ["Rule", "Rules", "Walker", "mine"]
