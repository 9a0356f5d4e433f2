"""Which columns a recipe's models see, worked out from the profile and the feature steps before any script runs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules.recipe import FeatureStep, Recipe, View
from gome_graph.reasoners.rules.writer.row_files import made_of_files
from gome_graph.records import ColumnKind

DATE_PARTS = ("year", "month", "day", "weekday", "hour", "elapsed")
TEXT_STATS = ("characters", "words", "word_length", "punctuation", "capitals")


@dataclass
class Columns:
    """Inputs by kind, in order; `raw_text` are further columns that must be read as text because feature steps use them."""

    id: str
    numbers: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """Free text."""
    lists: list[str] = field(default_factory=list)
    """JSON lists, turned into text by the script."""
    raw_text: list[str] = field(default_factory=list)
    raw_numbers: list[str] = field(default_factory=list)
    """Numbers that only feature steps use."""
    raw_names: set[str] = field(default_factory=set)
    """Columns of the files."""
    known: set[str] = field(default_factory=set)
    """Every column that exists in the script's frame so far."""
    suffix: str = ""
    """Ends the names of the script's constants that list these columns, where a script has several views of the data."""

    def constant(self, name: str) -> str:
        """Name of the script's constant: ``NUMBERS``, ``CATEGORIES``, ``TEXTS`` or ``READ_AS_TEXT`` of this view."""
        return f"{name}_{self.suffix}" if self.suffix else name

    @property
    def used(self) -> list[str]:
        """All model inputs."""
        return [*self.numbers, *self.categories, *self.texts, *self.lists]

    @property
    def all_texts(self) -> list[str]:
        """Free text and lists."""
        return [*self.texts, *self.lists]

    def add(self, numbers: Iterable[str] = (), categories: Iterable[str] = ()) -> None:
        """New or re-read model inputs; a name that is already an input of the other kind changes sides."""
        for target, other, names in ((self.numbers, self.categories, numbers), (self.categories, self.numbers, categories)):
            for name in names:
                if name in other:
                    other.remove(name)
                if name not in target:
                    target.append(name)
                self.known.add(name)

    def leave(self, names: Iterable[str]) -> None:
        """These are no model inputs any more; raw ones are still read, for the feature steps."""
        for name in names:
            if name in self.numbers:
                self.numbers.remove(name)
                self.raw_numbers.append(name)
            for kind in (self.categories, self.texts, self.lists):
                if name in kind:
                    kind.remove(name)
                    self.raw_text.append(name)


def columns_of(brief: TaskBrief, recipe: Recipe | View, suffix: str = "") -> Columns:
    """The model inputs of `recipe` (or of one of its views), after its feature steps.

    Raw columns of kind compound, identifier, datetime and constant are inputs only through feature steps. Raises `ValueError` for a step on
    a column that does not exist.
    """
    result = Columns(id=id_column(brief), suffix=suffix)
    result.known.add(result.id)
    for column in brief.profile.columns:
        result.known.add(column.name)
        result.raw_names.add(column.name)
        if column.name in recipe.drop or column.kind is ColumnKind.CONSTANT:
            kept = None
        elif column.kind is ColumnKind.NUMBER:
            kept = result.numbers
        elif column.kind in (ColumnKind.CATEGORY, ColumnKind.BOOLEAN):
            kept = result.categories
        elif column.kind is ColumnKind.TEXT:
            kept = result.texts
        elif column.kind is ColumnKind.LIST:
            kept = result.lists
        else:
            kept = None
        if kept is not None:
            kept.append(column.name)
        elif column.kind is ColumnKind.NUMBER:
            result.raw_numbers.append(column.name)
        else:
            result.raw_text.append(column.name)
    for step in recipe.features:
        _apply(step, result)
    needed = {name for step in recipe.features for name in step_columns(step)}
    result.raw_text = [name for name in dict.fromkeys(result.raw_text) if name in needed and name not in result.used]
    result.raw_numbers = [name for name in dict.fromkeys(result.raw_numbers) if name in needed]
    return result


def id_column(brief: TaskBrief) -> str:
    """The id column's name; prepared files always have one."""
    return brief.id_column or brief.profile.id_column or "row_id"


def step_columns(step: FeatureStep) -> list[str]:
    """Every column a step reads."""
    others = [step.params[name] for name in ("by", "time") if step.params.get(name)]
    return [*step.columns, *step.params.get("values", []), *others]


def made_columns(step: FeatureStep) -> tuple[list[str], list[str]]:
    """(numbers, categories) that a step makes, by name."""
    columns, params = step.columns, step.params
    numbers: list[str] = []
    categories: list[str] = []
    match step.kind:
        case "split_compound":
            for name in columns:
                for part in range(1, int(params.get("parts", 2)) + 1):
                    (numbers if part in params.get("numbers", []) else categories).append(f"{name}_{part}")
        case "missing_flags":
            numbers = [f"{name}_missing" for name in columns]
        case "missing_count":
            numbers = ["missing_count"]
        case "date_parts":
            numbers = [f"{name}_{part}" for name in columns for part in params.get("parts", DATE_PARTS)]
        case "numeric_from_text":
            numbers = [f"{name}_number" for name in columns]
        case "row_stats":
            numbers = [f"{params.get('name', 'total')}_{stat}" for stat in params.get("stats", ["sum"])]
        case "ratio":
            numbers = [f"{columns[0]}_per_{columns[1]}"]
        case "difference":
            numbers = [f"{columns[0]}_minus_{columns[1]}"]
        case "product":
            numbers = [f"{columns[0]}_times_{columns[1]}"]
        case "group_size":
            numbers = [params.get("name") or "_".join(columns) + "_group_size"]
        case "group_mean":
            word = "vs" if params.get("relative") else "mean_by"
            numbers = [f"{value}_{word}_{columns[0]}" for value in params.get("values", [])]
        case "frequency":
            numbers = [f"{name}_count" for name in columns]
        case "text_stats":
            numbers = [f"{name}_{stat}" for name in columns for stat in TEXT_STATS]
        case "list_length":
            numbers = [f"{name}_items" for name in columns]
        case "bins":
            categories = [f"{name}_bin" for name in columns]
        case "concatenate":
            categories = ["_".join(columns)]
        case "kmeans":
            categories = [params.get("name", "cluster")]
        case "pca":
            numbers = [f"{params.get('name', 'pca')}_{i + 1}" for i in range(int(params.get("components", 3)))]
        case "geometry_files" | "image_files" | "json_files" | "table_files" | "linked_table":
            numbers, categories = made_of_files(step)
        case "date_cycles":
            cycles = [f"{turn}_{wave}" for turn in ("day", "week", "year") for wave in ("sin", "cos")]
            numbers = [f"{name}_{part}" for name in columns for part in ("weekend", "day_of_year", "hour_of_week", *cycles)]
        case "group_stats":
            numbers = [f"{v}_{word}_{columns[0]}" for v in params.get("values", []) for word in ("std_by", "rank_in")]
        case "lags":
            numbers = [f"{name}_{what}" for name in columns for what in ("before", "change")]
        case "text_embedding":
            numbers = [f"meaning_{n + 1}" for n in range(int(params["components"]))]
        case "as_category":
            categories = list(columns)
        case "as_number":
            numbers = list(columns)
        case _:
            pass
    return numbers, categories


def _apply(step: FeatureStep, columns: Columns) -> None:
    for name in step_columns(step):
        if name not in columns.known:
            raise ValueError(f"feature step {step.kind}: there is no column {name!r}")
    if step.kind in ("split_compound", "date_parts", "drop_columns"):
        columns.leave(step.columns)
    if step.kind == "as_number":
        columns.raw_text = [name for name in columns.raw_text if name not in step.columns]
    numbers, categories = made_columns(step)
    columns.add(numbers, categories)
