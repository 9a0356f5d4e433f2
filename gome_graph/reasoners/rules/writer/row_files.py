"""Feature steps that read the files that go with the rows: where the files lie, and the names of what is made of them."""

from typing import Any

from gome_graph.reasoners.rules.recipe import FeatureStep

FILE_COLUMNS: dict[str, str] = {"geometry_files": "geometry_file"}
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
