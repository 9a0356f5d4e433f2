"""Facts that the controller measures beside the score: of a step's errors, and of the task's data (once a run)."""

from typing import Literal

from gome_graph.records.base import Bytes, Record


class SpreadFacts(Record):
    """How unevenly the errors of numbers spread over the groups of one column, or over the range of the prediction itself."""

    column: str
    """Input column; empty for the prediction."""
    share: float
    """Share of the variance of |residual - group mean| that the groups explain (adjusted)."""
    z: float
    """Standardised F of Levene's test: about standard normal where errors spread evenly."""
    ratio: float
    """Mean |residual| of the group with the largest errors against the one with the smallest."""
    rising: float
    """Correlation of |residual| with the order of the groups: positive where errors grow with the value."""


class LabelNoiseFacts(Record):
    """Labels that confident out-of-fold predictions contradict."""

    suspects: float
    """Share of the rows whose label a prediction contradicts although it is surer of its class than the rows of that class have it on
    average (confident learning)."""
    floor: float
    """Error rate among the surest quarter of the rows of each flagged class."""
    next: float
    """The same among the quarter after: about equal where labels are wrong at random, far higher where classes overlap."""
    classes: list[str] = []
    """Predicted classes whose error rate does not fall with confidence."""


class AgreementFacts(Record):
    """How alike two members of a blend are, out of fold."""

    members: tuple[str, str]
    predictions: float
    """Correlation of their predictions, as the script reported it."""
    errors: float
    """Correlation of their errors, derived from it and from the measured residuals."""


class DriftFacts(Record):
    """How well one column tells train rows from test rows."""

    column: str
    auc: float
    """Cross-fitted AUC of the column's groups, 0.5 where train and test agree."""


class LeakFacts(Record):
    """How much of the target's variance one column explains by itself."""

    column: str
    share: float
    """From the differences of neighbours in the column's order (rows with equal values are neighbours at random)."""
    missing: float
    """The same of its gaps alone."""


class OrderFacts(Record):
    """What the order of rows along one column says of the target."""

    column: str
    """A date or time column, the id, or empty for the order of the file."""
    share: float
    """Serial correlation of the target: the share of its variance that neighbours in this order have in common."""
    z: float
    """The same in standard errors."""
    later: float
    """Share of test rows that lie beyond the last train row, about 1 where the test part is the future. 0 if unknown."""
    split_by_time: bool = False
    """The folds are blocks along it."""


class GroupFacts(Record):
    """Rows that share a value of a column with many values: an entity with several rows."""

    column: str
    groups: int
    rows_each: float
    """Mean rows a group."""
    share: float
    """Intraclass correlation of the target: what rows of a group have in common."""
    z: float
    """Of that, standardised."""
    mixed: float
    """Share of the rows of groups of several rows whose group lies in more than one fold."""
    seen: float | None
    """Share of test rows whose group occurs in train; None without test rows."""


class DuplicateFacts(Record):
    """Rows whose inputs are all the same (the id column left out)."""

    rows: float
    """Share of the train rows that have a twin."""
    contradicting: float
    """Share of the train rows that have a twin with another label, or a number more than a tenth of a standard deviation away."""
    across_folds: float
    """Share of the train rows that have a twin in another fold."""
    test_rows: float
    """Share of the test rows that have a twin in train."""


class StructureFacts(Record):
    """What the errors of rows that stand together have in common."""

    column: str
    """Of the order or the groups; empty for the order of the file."""
    kind: Literal["order", "group"]
    share: float
    """Correlation of neighbours' residuals, or share of their variance that the groups explain (adjusted)."""
    z: float


class DataFacts(Record):
    """Facts of the tables alone: measured once a run, on train rows and unlabelled test rows; no audit data."""

    drift: float | None = None
    """Cross-fitted AUC of telling train from test rows apart by all inputs together; None without test rows."""
    drifting: list[DriftFacts] = []
    """Columns that tell them apart, most telling first."""
    leaks: list[LeakFacts] = []
    """Columns that explain most of the target, most telling first."""
    orders: list[OrderFacts] = []
    groups: list[GroupFacts] = []
    duplicates: DuplicateFacts | None = None
    bytes: Bytes = 0
    """Size of the train table in memory, roughly."""
