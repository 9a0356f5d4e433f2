"""From a path and flags to a task."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gome_graph.errors import TaskError
from gome_graph.hooks import LoaderMatch
from gome_graph.task.infer import complete
from gome_graph.task.loaders import gome_task_loader
from gome_graph.task.metrics import find_metric
from gome_graph.task.sources import Sources
from gome_graph.task.spec import Task


def load_task(
    path: str | Path | None,
    *,
    train: str | Path | None = None,
    test: str | Path | None = None,
    sample: str | Path | None = None,
    target: str | Sequence[str] | None = None,
    metric: str | None = None,
    id: str | None = None,
    drop: Sequence[str] = (),
    claims: Callable[[Path], Iterable[LoaderMatch | None]] | None = None,
) -> Task:
    """The task at `path`, or made of the files named; flags win over files, files over inference.

    Parameters
    ----------
    path
        A folder, a zip, a table or a ``task.toml``; None if `train` is given.
    train, test, sample
        Tables that take the place of those found.
    target
        A column name, several with commas between them, or a list.
    claims
        Who may load a path: ``manager.hook.gome_task_loader`` with plugins; the built-in loaders by default.

    Raises
    ------
    TaskError
        One sentence that names the file, column or flag and how to mend it.
    """
    sources = _from_path(Path(path).expanduser(), claims) if path is not None else _from_train(train)
    if isinstance(sources, Task):
        sources = _reopened(sources)
    for flag, value, field in (("--train", train, "train"), ("--test", test, "test"), ("--sample", sample, "sample_submission")):
        if value is not None:
            setattr(sources, field, _file(flag, value))
    if target:
        sources.target = [name.strip() for name in target.split(",")] if isinstance(target, str) else list(target)
        if isinstance(target, str) and "," in target and path is None:
            sources.target = _exact(target, sources)
    if metric is not None:
        find_metric(metric)
        sources.metric, sources.metric_source, sources.direction = metric, "--metric", None
    if id is not None:
        sources.id = id
    sources.drop = list(dict.fromkeys([*sources.drop, *drop]))
    if not sources.train.is_file():
        raise TaskError(f"No training table in {sources.train.parent}; put a train.csv or train.json there, or name one with --train.")
    return complete(sources)


def _exact(target: str, sources: Sources) -> list[str]:
    """A column whose name holds a comma wins over a list."""
    from gome_graph.task.tables import read_header

    return [target] if target in read_header(sources.train) else sources.target


def _from_train(train: str | Path | None) -> Sources:
    if train is None:
        raise TaskError("Nothing to work on: give a task folder, or --train with a table and --target with the column to predict.")
    file = _file("--train", train)
    return Sources(name=file.stem.split(".")[0], root=file.parent.resolve(), train=file, side_files=False)


def _from_path(path: Path, claims: Callable[[Path], Iterable[LoaderMatch | None]] | None) -> Sources | Task:
    if not path.exists():
        raise TaskError(f"{path} does not exist; give a task folder, a zip or a table.")
    offered = [gome_task_loader(path)] if claims is None else list(claims(path))
    best = max((claim for claim in offered if claim is not None), key=lambda claim: claim.confidence, default=None)
    if best is None:
        raise TaskError(f"{path} is nothing that a task can be read from; give a folder with train.csv, a zip of one, or a CSV file.")
    loaded = best.load(path)
    if not isinstance(loaded, Sources | Task):
        raise TaskError(f"The task loader {best.name!r} returned {type(loaded).__name__} for {path}, not a Task; mend that plugin.")
    return loaded


def _reopened(task: Task) -> Sources:
    """A plugin's finished task, open for flags again."""
    shared = task.model_dump(exclude={"metric_source"})
    return Sources(**shared, metric_source=task.metric_source)


def _file(flag: str, value: str | Path) -> Path:
    path = Path(value).expanduser()
    if not path.is_file():
        raise TaskError(f"{flag} {value} is not a file; check the path.")
    return path
