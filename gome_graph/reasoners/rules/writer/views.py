"""The views of the data that a recipe's members read, each as code: which columns it has, and the function that makes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules.recipe import Member, Recipe, View
from gome_graph.reasoners.rules.writer.columns import Columns, columns_of
from gome_graph.reasoners.rules.writer.features import feature_lines, step_imports
from gome_graph.reasoners.rules.writer.literals import literal, packed
from gome_graph.records import ColumnKind


@dataclass(frozen=True)
class ViewCode:
    """One view of the data."""

    name: str
    """Key in `Recipe.views`; empty for the recipe's own."""
    columns: Columns
    text_column: str
    """Expression of the name of its (joined) text column; empty without text."""
    lines: list[str]
    """Body of the function that adds its features, unindented, without the ``return``; empty if the data serve as they are."""
    imports: set[str]

    @property
    def function(self) -> str:
        """Name of that function."""
        return f"add_features_{self.name.lower()}" if self.name else "add_features"

    @property
    def strings(self) -> set[str]:
        """Columns of the files that it reads as text."""
        return {*self.columns.categories, *self.columns.all_texts, *self.columns.raw_text} & self.columns.raw_names


def views_of(recipe: Recipe, task: TaskBrief, members: Iterable[Member]) -> dict[str, ViewCode]:
    """The views that `members` read, by name; the recipe's own comes first even if nobody reads it.

    Raises `ValueError` for a view that does not exist, or that reads a column as a number which another one needs as text and which is
    not a plain number in the file.
    """
    used = dict.fromkeys(["", *(member.view for member in members)])
    plain = {name: recipe.view(name) for name in used}
    columns = {name: columns_of(task, view, name.upper()) for name, view in plain.items()}
    return {name: _view(name, view, columns, task) for name, view in plain.items()}


def _view(name: str, view: View, columns: dict[str, Columns], task: TaskBrief) -> ViewCode:
    mine = columns[name]
    text_column, joins = _text_column(mine)
    lines = _numbers_again(mine, [c for other, c in columns.items() if other != name], task)
    imports: set[str] = set()
    for step in view.features:
        lines += feature_lines(step, mine)
        imports |= set(step_imports(step))
    return ViewCode(name, mine, text_column, [*lines, *joins, *_finishing(mine)], imports)


def _numbers_again(mine: Columns, others: Sequence[Columns], task: TaskBrief) -> list[str]:
    """A line that reads the columns as numbers which only another view wants as text."""
    texts = {name for other in others for name in (*other.categories, *other.all_texts, *other.raw_text)}
    clash = [name for name in (*mine.numbers, *mine.raw_numbers) if name in texts and name in mine.raw_names]
    kinds = {column.name: column.kind for column in task.profile.columns}
    if any(kinds[name] is not ColumnKind.NUMBER for name in clash):
        raise ValueError(f"two views read {', '.join(clash)} in different ways")
    if not clash:
        return []
    return [packed("again = ", clash), 'data[again] = data[again].apply(pd.to_numeric, errors="coerce").astype(float)']


def _text_column(columns: Columns) -> tuple[str, list[str]]:
    """Expression of the text column's name, and the lines that make it."""
    texts = columns.all_texts
    lines = [f"data[{literal(name)}] = data[{literal(name)}].map(list_text)" for name in columns.lists]
    if len(texts) == 1:
        if columns.texts:
            lines.append(f'data[{literal(texts[0])}] = data[{literal(texts[0])}].fillna("").astype("str")')
        return literal(texts[0]), lines
    if not texts:
        return "", []
    name = "all_text"
    while name in columns.known:
        name += "_"
    lines.append(f'data[{literal(name)}] = data[{columns.constant("TEXTS")}].fillna("").astype("str").agg(" ".join, axis=1)')
    return literal(name), lines


def _finishing(columns: Columns) -> list[str]:
    if not columns.categories:
        return []
    names = columns.constant("CATEGORIES")
    return [f'data[{names}] = data[{names}].fillna("missing").astype("str").astype("category")']
