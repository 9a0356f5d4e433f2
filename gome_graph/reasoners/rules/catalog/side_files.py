"""Features from the files that go with the rows."""

from collections.abc import Sequence

from gome_graph.reasoners.rules.catalog.common import EARLY, feature_variant
from gome_graph.reasoners.rules.recipe import Recipe
from gome_graph.reasoners.rules.technique import Technique, TechniqueContext, Variant
from gome_graph.records import Component, FileKind, RowFiles

MAX_ELEMENTS = 6
"""Elements that get features of their own, pairs of them included: 6 are 36 pairs and about 400 columns."""


def _files(context: TechniqueContext, kind: FileKind) -> list[RowFiles]:
    return [files for files in context.profile.row_files if files.kind is kind]


def _geometry(recipe: Recipe, context: TechniqueContext) -> Sequence[Variant]:
    """Features of the best covered geometry files."""
    there = _files(context, FileKind.GEOMETRY)
    if not there or recipe.has_feature("geometry_files"):
        return []
    best = there[0]
    return [
        feature_variant(recipe, "geometry_files", [best.key], f"Describe the atoms in {best.train}", train=best.train, test=best.test,
                        elements=best.names[:MAX_ELEMENTS], periodic=best.periodic)
    ]  # fmt: skip


def _geometries(context: TechniqueContext) -> bool:
    return bool(_files(context, FileKind.GEOMETRY))


TECHNIQUES = [
    Technique(
        name="geometry_files",
        title="Read the geometry that goes with each row",
        component=Component.FEATURES,
        change=_geometry,
        applies=_geometries,
        rationale="What a molecule or crystal is lies in where its atoms are; a table's composition and cell say little of it.",
        direction="neighbour distances, coordination and radial distribution of the atoms",
        falsifier="the geometry features are hardly used",
        answers={"unused_side_files": 1.0, "underfit": 0.6, "weak_slice": 0.5, "low_signal": 0.5},
        prior_gain=5.0,
        prior_success=0.8,
        stages=EARLY,
        cost=4.0,  # measured: boosting on 180 more columns takes about eight times the table's
        source="Behler & Parrinello 2007, Generalized neural-network representation of high-dimensional potential-energy surfaces",
    ),
]
