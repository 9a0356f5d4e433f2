"""Features from files beside the tables: one for each row, or a further table."""

from collections.abc import Sequence

from gome_graph.reasoners.rules.catalog.common import EARLY, listed
from gome_graph.reasoners.rules.recipe import FeatureKind, FeatureStep, Recipe
from gome_graph.reasoners.rules.technique import Change, Technique, TechniqueContext, Variant
from gome_graph.reasoners.rules.writer.row_files import file_step, table_step
from gome_graph.records import Component

ANSWERS = {"unused_side_files": 1.0, "underfit": 0.5, "weak_slice": 0.5, "low_signal": 0.6}


def _steps(context: TechniqueContext, kind: FeatureKind) -> list[tuple[FeatureStep, str]]:
    """The steps of that kind that the task's files allow, best covered first, each with where it reads."""
    found = [(file_step(files), files.train) for files in context.profile.row_files]
    return [(step, where) for step, where in found if step is not None and step.kind == kind]


def _read(kind: FeatureKind, what: str) -> Change:
    """Offer the best covered files of a kind; the script has one column of paths a kind."""

    def change(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
        steps = _steps(context, kind)
        if not steps or recipe.has_feature(kind):
            return []
        step, where = steps[0]
        changed = recipe.model_copy(update={"features": [*recipe.features, step]})
        return [Variant(changed, f"Describe {what} in {where}", {"kind": kind, "train": where})]

    return change


def _link(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    found = []
    for table in context.profile.linked_tables:
        step = table_step(table)
        if step not in recipe.features and not any(old.params.get("prefix") == table.prefix for old in recipe.features):
            word = f"Join {table.file} on {table.key}" if table.unique else f"Sum up {table.file} by {table.key}"
            changed = recipe.model_copy(update={"features": [*recipe.features, step]})
            columns = listed([*table.numbers, *table.categories])
            found.append(Variant(changed, f"{word}: {columns}" if columns else word, {"kind": "linked_table", "file": table.file}))
    return found


TECHNIQUES = [
    Technique(
        name="geometry_files",
        title="Read the geometry that goes with each row",
        component=Component.FEATURES,
        change=_read("geometry_files", "the atoms"),
        rationale="What a molecule or crystal is lies in where its atoms are; a table's composition and cell say little of it.",
        direction="neighbour distances, coordination and radial distribution of the atoms",
        falsifier="the geometry features are hardly used",
        answers=ANSWERS,
        prior_gain=5.0,
        prior_success=0.8,
        stages=EARLY,
        cost=4.0,  # measured: boosting on 180 more columns takes about eight times the table's
        source="Behler & Parrinello 2007, Generalized neural-network representation of high-dimensional potential-energy surfaces",
    ),
    Technique(
        name="image_files",
        title="Read the picture that goes with each row",
        component=Component.FEATURES,
        change=_read("image_files", "the pictures"),
        rationale="Colours, edges by direction and the coarse shape of a picture tell many kinds of things apart, without a network.",
        direction="colour grid, edge histogram and shape of the pictures",
        falsifier="the picture features are hardly used",
        answers=ANSWERS,
        prior_gain=4.0,
        prior_success=0.6,
        stages=EARLY,
        cost=4.0,  # 200 more columns, and each picture has to be decoded
        source="Dalal & Triggs 2005, Histograms of oriented gradients for human detection",
    ),
    Technique(
        name="json_files",
        title="Read the record that goes with each row",
        component=Component.FEATURES,
        change=_read("json_files", "the records"),
        rationale="A record's numbers and short strings are columns that happen to lie in another file.",
        direction="flatten the records into columns",
        falsifier="the new columns are hardly used",
        answers=ANSWERS,
        prior_gain=3.0,
        prior_success=0.6,
        stages=EARLY,
        cost=2.0,
    ),
    Technique(
        name="table_files",
        title="Sum up the table that goes with each row",
        component=Component.FEATURES,
        change=_read("table_files", "the series"),
        rationale="Level, spread and extremes of a series are facts about its row.",
        direction="statistics of each row's own table",
        falsifier="the statistics are hardly used",
        answers=ANSWERS,
        prior_gain=4.0,
        prior_success=0.65,
        stages=EARLY,
        cost=2.0,
    ),
    Technique(
        name="linked_table",
        title="Use a further table",
        component=Component.FEATURES,
        change=_link,
        rationale="A table that shares a column with the rows says more of them: columns as they are, or summed up over several entries.",
        direction="join what other tables say of the rows",
        falsifier="the joined columns are hardly used",
        answers=ANSWERS,
        prior_gain=3.0,
        prior_success=0.5,
        stages=EARLY,
        cost=1.5,
    ),
]
