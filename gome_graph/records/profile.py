"""What is known of a task's data before any script has run: the facts a reasoner starts from."""

from enum import StrEnum

from gome_graph.records.base import Record


class ColumnKind(StrEnum):
    """How a column is best read."""

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    TEXT = "text"
    """Free text: several words a value, mostly distinct."""
    DATETIME = "datetime"
    IDENTIFIER = "identifier"
    """Distinct for (nearly) each row and not text: no use as a plain feature."""
    COMPOUND = "compound"
    """Short structured strings (``B/45/S``, ``0013_01``) that split into parts by a separator."""
    LIST = "list"
    """A JSON list of strings in each row."""
    CONSTANT = "constant"


class ColumnProfile(Record):
    """One input column, measured on the training rows."""

    name: str
    kind: ColumnKind
    missing: float
    """Share of missing values, 0 to 1."""
    distinct: int
    """Number of distinct values."""
    mean_length: float = 0.0
    """Mean characters a value, for strings."""
    mean_words: float = 0.0
    """Mean words a value, for strings."""
    skew: float = 0.0
    """Sample skewness, for numbers."""
    integer: bool = False
    """All values are whole numbers."""
    nonnegative: bool = False
    """No value is below zero."""
    separator: str | None = None
    """The separator of a `COMPOUND` column."""
    parts: int = 1
    """How many parts a `COMPOUND` column splits into."""
    unseen: float = 0.0
    """Share of test rows whose value never occurs in train, for categories."""
    top_values: list[str] = []
    """Up to five most frequent values as text, for categories; examples of the form for compound values and identifiers."""


class TargetKind(StrEnum):
    """The learning problem."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    MULTI_REGRESSION = "multi_regression"
    """Several numeric targets."""
    MULTILABEL = "multilabel"
    """Several binary targets."""
    ORDINAL = "ordinal"
    """Whole-number grades judged by their distance (QWK)."""


class TargetProfile(Record):
    """The target, measured on the training rows."""

    columns: list[str]
    kind: TargetKind
    classes: list[str] = []
    """Class labels as text, in submission order; empty for regression."""
    class_shares: list[float] = []
    """Share of each class, same order."""
    positive_class: str | None = None
    """The class whose probability a binary submission holds."""
    skew: float = 0.0
    nonnegative: bool = False
    integer: bool = False


class FileKind(StrEnum):
    """What the files that go with the rows hold."""

    GEOMETRY = "geometry"
    """Atoms: an element symbol and three coordinates a line, lattice vectors where it is a crystal."""
    IMAGE = "image"
    JSON = "json"
    TABLE = "table"
    """CSV or TSV with a header."""
    TEXT = "text"
    OTHER = "other"


class RowFiles(Record):
    """One file for each row, found by filling a value of the row into a path."""

    kind: FileKind
    key: str
    """The column whose value names the file: the id, or a column of paths."""
    train: str
    """Path below ``input/`` for training rows, ``{}`` for the value (`str.format`): ``train/{}/geometry.xyz``."""
    test: str
    """The same for test rows."""
    coverage: float
    """Share of the rows that have their file, 0 to 1."""
    names: list[str] = []
    """Element symbols, number columns, or dotted keys of numbers, seen in a sample of the files, most frequent first."""
    categories: list[str] = []
    """JSON records: dotted keys of short strings and booleans."""
    periodic: bool = False
    """Geometries: lattice vectors are given."""


class LinkedTable(Record):
    """A further table whose rows belong to the task's rows by a common column."""

    file: str
    """Path below ``input/``."""
    key: str
    """The column of that name in both; the id where it has it."""
    prefix: str
    """The file's name as part of column names."""
    rows: int
    unique: bool
    """Each value of the key occurs once: the table's columns can be taken as they are."""
    numbers: list[str]
    categories: list[str]
    coverage: float
    """Share of the training rows whose key occurs in it, 0 to 1."""
    separator: str = ","


class TaskProfile(Record):
    """Everything measured about a task's tables. JSON; safe to show to any reasoner (no audit labels, no answers)."""

    rows: int
    """Training rows a script sees (without the audit part)."""
    test_rows: int
    """Real test rows (without the audit rows mixed in)."""
    audit_rows: int
    id_column: str | None
    columns: list[ColumnProfile]
    """Input columns in both train and test, in file order; id, target and dropped columns left out."""
    train_only: list[str] = []
    """Columns in train that test does not have (other than the target): not usable as inputs."""
    target: TargetProfile
    folds: int
    side_files: int = 0
    """Number of further files in the task folder (images, geometries …)."""
    row_files: list[RowFiles] = []
    """Those that belong to single rows, one entry a kind of path."""
    made: list[str] = []
    """What inputs were made columns of when the task was prepared: texts in files, fields of records; a sentence each."""
    linked_tables: list[LinkedTable] = []
    """Further tables that say something of the rows."""
    group_column: str | None = None
    time_column: str | None = None
