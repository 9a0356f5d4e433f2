"""The tree that a trace has grown so far, read from its history: what all tree searches share."""

import random
from dataclasses import dataclass, field

from gome_graph.hooks import TraceView
from gome_graph.records import StepId, StepSummary, VerdictKind
from gome_graph.support.seeds import derive_seed

SOUND = frozenset({VerdictKind.ACCEPTED, VerdictKind.NOT_BETTER})
"""Verdicts of steps that can be improved."""
SILENT = frozenset({VerdictKind.STOPPED, VerdictKind.VETOED})
"""Verdicts that say nothing of the script: there is nothing to mend."""
MOST_DEBUG_DEPTH = 3
"""Failures in a row after which a branch is given up (gome.md, "Tree-search baselines")."""


@dataclass
class Branch:
    """One step as a node of the tree."""

    step: StepId
    parent: "Branch | None"
    summary: StepSummary
    value: float | None
    """Its score, turned so that higher is better; None for failed steps."""
    children: list["Branch"] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """Failed steps in a row that end here; 0 for a sound one."""
        if self.value is not None:
            return 0
        return 1 + (self.parent.failures if self.parent is not None else 0)


@dataclass
class Tree:
    """All branches of a trace."""

    branches: list[Branch]
    """In the order of their steps."""
    exhausted: frozenset[StepId]

    @classmethod
    def of(cls, view: TraceView) -> "Tree":
        """Read the tree from what the strategy sees."""
        found: dict[StepId, Branch] = {}
        for line in view.history:
            above = view.parents.get(line.step)
            parent = found.get(above) if above is not None else None
            sound = line.outcome in SOUND and line.score is not None
            value = None if not sound or line.score is None else line.score if view.higher_is_better else -line.score
            branch = found[line.step] = Branch(line.step, parent, line, value)
            if parent is not None:
                parent.children.append(branch)
        return cls(list(found.values()), view.exhausted)

    @property
    def roots(self) -> list[Branch]:
        """Steps that were made from nothing."""
        return [branch for branch in self.branches if branch.parent is None]

    @property
    def sound(self) -> list[Branch]:
        """Steps that can be improved."""
        return [branch for branch in self.branches if branch.value is not None and branch.step not in self.exhausted]

    @property
    def best(self) -> Branch | None:
        """The sound step with the best score; the earlier one of equals."""
        return max(self.sound, key=lambda branch: branch.value or 0.0, default=None)

    @property
    def broken(self) -> list[Branch]:
        """Failed leaves that may still be mended."""
        return [branch for branch in self.branches if self.mendable(branch)]

    def mendable(self, branch: Branch) -> bool:
        """Whether a step has failed, was not mended yet, and its branch has not failed too often."""
        return (
            branch.value is None and branch.summary.outcome not in SILENT and not branch.children
            and branch.failures <= MOST_DEBUG_DEPTH and branch.step not in self.exhausted
        )  # fmt: skip


def dice(view: TraceView) -> random.Random:
    """The randomness of one decision: the same view, the same throws."""
    return random.Random(derive_seed(view.seed, "strategy", view.step, len(view.exhausted)))  # noqa: S311 - not for secrets
