"""The built-in task loaders, one a file. This module is a plugin: register it as it is."""

from pathlib import Path

from gome_graph.hooks import LoaderMatch, hookimpl
from gome_graph.task.loaders import folder, kaggle_zip, mle_bench, table

LOADERS = (folder, mle_bench, kaggle_zip, table)
"""Modules that each implement ``gome_task_loader``."""


@hookimpl
def gome_task_loader(path: Path) -> LoaderMatch | None:
    """The surest claim of the built-in loaders on `path`."""
    claims = [claim for loader in LOADERS if (claim := loader.gome_task_loader(path)) is not None]
    return max(claims, key=lambda claim: claim.confidence, default=None)
