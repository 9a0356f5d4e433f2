"""What can be wrong with a script that was tried, in classes that say how to mend it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gome_graph.hooks import Trial
from gome_graph.records import VerdictKind
from gome_graph.solution import Problem, ProblemKind


class FaultKind(StrEnum):
    """Class of a fault."""

    ANCHOR = "anchor"
    """An edit fits nowhere, or in several places."""
    UNCHANGED = "unchanged"
    """The script is what it was."""
    SYNTAX = "syntax"
    FORBIDDEN = "forbidden"
    NAME = "name"
    """Something is used that does not exist: a variable, attribute, module or column."""
    VALUE = "value"
    """Shapes, types or values that do not go together."""
    CRASH = "crash"
    """Any other exception."""
    TIMEOUT = "timeout"
    MEMORY = "memory"
    FORMAT = "format"
    """It ran, but what it wrote does not fit."""
    SLOW = "slow"
    """It runs, but would not end in time on all rows."""
    STOPPED = "stopped"
    """Cut off by the end of the run; says nothing about the script."""


MEND = {
    FaultKind.ANCHOR: "Copy the search text from the script letter for letter, with its spaces, and take in enough lines to be unique.",
    FaultKind.UNCHANGED: "The edits leave the script as it was; change what the hypothesis asks for.",
    FaultKind.SYNTAX: "Mend the syntax; look at the indentation and brackets of the lines you changed.",
    FaultKind.FORBIDDEN: "Reach the aim without what is forbidden.",
    FaultKind.NAME: "Use names, attributes, columns and packages that exist; define what you use before its first use.",
    FaultKind.VALUE: "Check shapes, types and missing values where the traceback points; fit and predict must see the same columns.",
    FaultKind.CRASH: "Mend the cause that the traceback points to, not its symptom.",
    FaultKind.TIMEOUT: "Make it much cheaper: fewer rounds, folds' work shared, smaller grids, vectorised code.",
    FaultKind.MEMORY: "Use less memory: smaller types, sparse matrices, fewer copies.",
    FaultKind.FORMAT: "Write both files as the contract says: every id once, the right columns, no missing values.",
    FaultKind.SLOW: "Make it cheaper: fewer rounds, smaller grids, fewer members, less search.",
    FaultKind.STOPPED: "",
}  # fmt: skip
"""One sentence a class, shown with the error."""

_NAMES = frozenset({"NameError", "AttributeError", "ImportError", "ModuleNotFoundError", "KeyError", "UnboundLocalError"})
_VALUES = frozenset({"ValueError", "TypeError", "IndexError", "ZeroDivisionError", "FloatingPointError", "LinAlgError"})
_VERDICTS = {
    VerdictKind.TIMED_OUT: FaultKind.TIMEOUT, VerdictKind.OUT_OF_MEMORY: FaultKind.MEMORY, VerdictKind.LIMIT: FaultKind.MEMORY,
    VerdictKind.BAD_FORMAT: FaultKind.FORMAT, VerdictKind.MISALIGNED: FaultKind.FORMAT, VerdictKind.STOPPED: FaultKind.STOPPED,
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One fault of one try."""

    kind: FaultKind
    text: str
    """What is wrong, for the model."""
    log: str = ""
    """End of the log, where it ran."""

    @property
    def advice(self) -> str:
        """The fault with its class and how to mend it."""
        return f"{self.kind.value}: {self.text}\n{MEND[self.kind]}".strip()


def of_problems(problems: Sequence[Problem]) -> Fault | None:
    """The fault behind what a static check found; None if it found nothing."""
    if not problems:
        return None
    kind = FaultKind.SYNTAX if any(p.kind is ProblemKind.SYNTAX for p in problems) else FaultKind.FORBIDDEN
    return Fault(kind, "; ".join(map(str, problems[:5])))


def of_trial(trial: Trial) -> Fault | None:
    """The fault behind a trial that did not go well; None if it did."""
    if trial.ok:
        return None
    execution = trial.execution
    kind = _VERDICTS.get(trial.kind)
    if kind is None:
        error = (execution.error_class or "").split(".")[-1]
        kind = FaultKind.NAME if error in _NAMES else FaultKind.VALUE if error in _VALUES else FaultKind.CRASH
    silent = not execution.ok and not execution.error_message and execution.detail not in trial.reason
    return Fault(kind, f"{trial.reason} {execution.detail}" if silent else trial.reason, execution.log_tail)
