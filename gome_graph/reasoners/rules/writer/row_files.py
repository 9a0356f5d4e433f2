"""Feature steps that read the files that go with the rows: where the files lie, and the names of what is made of them."""

from typing import Any

from gome_graph.reasoners.rules.packages import installed
from gome_graph.reasoners.rules.recipe import FeatureStep
from gome_graph.records import FileKind, LinkedTable, RowFiles

FILE_COLUMNS: dict[str, str] = {
    "geometry_files": "geometry_file", "image_files": "image_file", "json_files": "json_file", "table_files": "table_file",
}  # fmt: skip
"""Step kind -> the script's column of paths below ``input/``."""

GEOMETRY_RADII = [1.5 + 0.5 * n for n in range(10)]
"""As in ``helpers/geometry.py.jinja``."""
_NEAR = ("near", "near_std", "near_min", "count")


def file_columns(features: list[FeatureStep]) -> list[dict[str, Any]]:
    """``column``, ``key``, ``train`` and ``test`` of every column of paths that the script's ``load`` has to make."""
    steps = {FILE_COLUMNS[step.kind]: step for step in features if step.kind in FILE_COLUMNS}
    return [
        {"column": column, "key": step.columns[0], "train": step.params["train"], "test": step.params["test"]}
        for column, step in steps.items()
    ]


MAX_ELEMENTS = 6
"""Elements that get features of their own, pairs of them included: 6 are 36 pairs and about 400 columns."""
IMAGE_COMPONENTS = 16
"""Principal components of the grey copies: enough for the coarse shape, few enough for a few hundred rows."""


def file_step(files: RowFiles) -> FeatureStep | None:
    """The step that reads such files; None for a kind that no step reads, or whose package is missing."""
    where: dict[str, Any] = {"train": files.train, "test": files.test}
    match files.kind:
        case FileKind.GEOMETRY:
            where |= {"elements": files.names[:MAX_ELEMENTS], "periodic": files.periodic}
            return FeatureStep(kind="geometry_files", columns=[files.key], params=where)
        case FileKind.IMAGE if installed("PIL"):
            return FeatureStep(kind="image_files", columns=[files.key], params={**where, "components": IMAGE_COMPONENTS})
        case FileKind.JSON if files.names or files.categories:
            where |= {"numbers": files.names, "categories": files.categories}
            return FeatureStep(kind="json_files", columns=[files.key], params=where)
        case FileKind.TABLE if files.names:
            where |= {"numbers": files.names, "separator": "\t" if files.train.lower().endswith(".tsv") else ","}
            return FeatureStep(kind="table_files", columns=[files.key], params=where)
        case _:
            return None


def table_step(table: LinkedTable) -> FeatureStep:
    """The step that joins a linked table."""
    params = table.model_dump(include={"file", "prefix", "unique", "numbers", "categories", "separator"})
    return FeatureStep(kind="linked_table", columns=[table.key], params=params)


def made_of_files(step: FeatureStep) -> tuple[list[str], list[str]]:
    """(numbers, categories) that a step makes of files or another table, by name."""
    params = step.params
    numbers, categories = params.get("numbers", []), params.get("categories", [])
    match step.kind:
        case "geometry_files":
            return geometry_columns(params["elements"], periodic=params.get("periodic", False)), []
        case "image_files":
            return image_columns(int(params["components"])), []
        case "json_files":
            return [f"json_{name}" for name in numbers], [f"json_{name}" for name in categories]
        case "table_files":
            stats = ("mean", "std", "min", "max", "first", "last")
            return [*(f"table_{name}_{stat}" for name in numbers for stat in stats), "table_rows"], []
        case "linked_table" if params["unique"]:
            return [f"{params['prefix']}_{name}" for name in numbers], [f"{params['prefix']}_{name}" for name in categories]
        case "linked_table":
            made = [f"{params['prefix']}_{name}_{stat}" for name in numbers for stat in ("mean", "std", "min", "max", "last")]
            distinct = [f"{params['prefix']}_{name}_distinct" for name in categories]
            return [f"{params['prefix']}_rows", *made, *distinct], []
        case _:
            return [], []


def image_columns(components: int) -> list[str]:
    """What ``image_features`` and the components of its pixels come to, prefixed."""
    names = ["width", "height", "kilobytes"]
    names += [f"{colour}{stat}" for colour in ("red", "green", "blue") for stat in ("", "_std")]
    names += [f"colour_{n + 1}" for n in range(48)] + [f"edge_{n + 1}" for n in range(128)]
    return [f"image_{name}" for name in [*names, *(f"shape_{n + 1}" for n in range(components))]]


def geometry_columns(elements: list[str], *, periodic: bool) -> list[str]:
    """What ``geometry_features`` returns, prefixed."""
    names = ["atoms"]
    if periodic:
        names += [f"{what}_{axis}" for axis in (1, 2, 3) for what in ("length", "angle")] + ["volume", "atom_volume"]
    else:
        names += ["moment_1", "moment_2", "moment_3"]
    names += [f"any_{name}" for name in _NEAR] + elements
    for one in elements:
        for two in elements:
            names += [f"{one}_{two}_{name}" for name in _NEAR]
            if one <= two:
                names += [f"{one}_{two}_at_{radius:.1f}" for radius in GEOMETRY_RADII]
    return [f"geometry_{name}" for name in names]
