"""The parameters of the optimisation: solutions and the patches between them."""

from gome_graph.solution.check import Problem, ProblemKind, check_script
from gome_graph.solution.patch import apply_patch, make_patch, share_changed, unified_diff

__all__ = ["Problem", "ProblemKind", "apply_patch", "check_script", "make_patch", "share_changed", "unified_diff"]
