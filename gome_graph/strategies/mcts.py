"""Monte Carlo tree search over solutions, as ML-Master: exploration pays early in the budget, exploitation late.

Source: Liu et al., "ML-Master" (arXiv 2506.16499), section 3; numbers from gome.md. Each decision walks down from the root by UCT,
``mean reward + C sqrt(ln n_parent / n)``, to the first step that may still have another child. Rewards follow from the history, so that
nothing has to be kept: -1 for a failed step, else 1, 1 more for a new best of the tree, and 1 more for a mended failure.
"""

import math

from gome_graph.hooks import Move, MoveKind, TraceView
from gome_graph.strategies.branches import Branch, Tree

DRAFTS = 5
"""Children of the root."""
CHILDREN = 3
"""Improvements that are tried on one step before its children are looked at."""
C_EARLY, C_LATE = 1.414, 0.5
"""Weight of exploration at the beginning and at the end of the budget."""
DECAY_FROM, DECAY_TO = 0.3, 0.7
"""Share of the budget between which it falls, in a straight line."""
THRESHOLD = 1e-4
"""Least gain that counts as an improvement, as a share of the score: so that a metric times 1000 gives the same tree."""
MOST_FAILED = 3
"""Failed improvements in a row after which a branch is closed."""


def exploration(progress: float) -> float:
    """C at a share of the budget.

    Examples
    --------
    >>> exploration(0.0), round(exploration(0.5), 3), exploration(1.0)
    (1.414, 0.957, 0.5)
    """
    along = min(max((progress - DECAY_FROM) / (DECAY_TO - DECAY_FROM), 0.0), 1.0)
    return C_EARLY + along * (C_LATE - C_EARLY)


class MctsStrategy:
    """UCT over the tree of a trace."""

    name = "mcts"

    def next(self, view: TraceView) -> Move:
        """Walk down the tree, and open a child where it may still have one."""
        tree = Tree.of(view)
        if len(tree.roots) < DRAFTS:
            return Move(MoveKind.ROOT)
        chosen = _Search(tree, exploration(view.progress)).walk()
        if chosen is None:
            return Move(MoveKind.ROOT if len(tree.roots) < 2 * DRAFTS else MoveKind.STOP)
        return Move(MoveKind.IMPROVE if chosen.value is not None else MoveKind.DEBUG, chosen.step)


class _Search:
    """Visits and rewards of each branch, and the walk they lead to."""

    def __init__(self, tree: Tree, c: float) -> None:
        self.tree, self.c = tree, c
        self.visits: dict[str, int] = {}
        self.rewards: dict[str, float] = {}
        best = -math.inf
        for branch in tree.branches:
            reward = _reward(branch, best)
            best = max(best, branch.value if branch.value is not None else -math.inf)
            above: Branch | None = branch
            while above is not None:  # backpropagation
                self.visits[above.step] = self.visits.get(above.step, 0) + 1
                self.rewards[above.step] = self.rewards.get(above.step, 0.0) + reward
                above = above.parent

    def walk(self) -> Branch | None:
        """The branch that gets the next child; None where everything is closed."""
        level, total = self.tree.roots, len(self.tree.branches)
        while True:
            alive = [branch for branch in level if self._alive(branch)]
            if not alive:
                return None
            here = max(alive, key=lambda branch: self._uct(branch, total))
            if self._open(here):
                return here
            level, total = here.children, self.visits[here.step]

    def _uct(self, branch: Branch, total: int) -> float:
        n = self.visits[branch.step]
        return self.rewards[branch.step] / n + self.c * math.sqrt(math.log(max(total, 1)) / n)

    def _open(self, branch: Branch) -> bool:
        """Whether it may have another child."""
        if branch.value is None:
            return self.tree.mendable(branch)
        return len(branch.children) < CHILDREN and branch.step not in self.tree.exhausted and failed_here(branch) < MOST_FAILED

    def _alive(self, branch: Branch) -> bool:
        """Whether there is anything open at it or below."""
        return self._open(branch) or any(self._alive(child) for child in branch.children)


def failed_here(branch: Branch) -> int:
    """Steps in a row, up to this one, that did not improve on the best above them."""
    count, here = 0, branch
    while here.parent is not None and not _improves(here):
        count, here = count + 1, here.parent
    return count


def _improves(branch: Branch) -> bool:
    """Better than every step above it, by more than the threshold."""
    if branch.value is None:
        return False
    above, best = branch.parent, -math.inf
    while above is not None:
        best = max(best, above.value if above.value is not None else -math.inf)
        above = above.parent
    return branch.value > best + (THRESHOLD * abs(best) if math.isfinite(best) else 0.0)


def _reward(branch: Branch, best: float) -> float:
    if branch.value is None:
        return -1.0
    mended = branch.parent is not None and branch.parent.value is None
    better = branch.value > best + (THRESHOLD * abs(best) if math.isfinite(best) else 0.0)
    return 1.0 + better + mended
