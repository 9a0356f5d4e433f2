"""A single table: ``gome run x.csv --target y``, or ``--train x.csv --target y --metric auc`` without a path."""

from pathlib import Path

from gome_graph.hooks import LoaderMatch, hookimpl
from gome_graph.task.sources import Sources
from gome_graph.task.tables import is_table, table_stem


@hookimpl
def gome_task_loader(path: Path) -> LoaderMatch | None:
    """Claims a file that is a table."""
    return LoaderMatch("table", load, 0.6) if path.is_file() and is_table(path) else None


def load(path: Path) -> Sources:
    """The table is the training table; nothing else of its folder is taken."""
    resolved = path.resolve()
    return Sources(name=table_stem(resolved), root=resolved.parent, train=resolved, side_files=False)
