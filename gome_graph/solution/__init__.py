"""The parameters of the optimisation: solutions and the patches between them."""

from gome_graph.solution.patch import apply_patch, make_patch, share_changed, unified_diff

__all__ = ["apply_patch", "make_patch", "share_changed", "unified_diff"]
