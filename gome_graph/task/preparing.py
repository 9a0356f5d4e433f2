"""Make a task ready for scripts: fix the folds, carve out the audit part, write one ``input/`` folder a stage."""

import hashlib
import json
import shutil
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import TaskError
from gome_graph.records import Stage
from gome_graph.support.files import write_json, write_text
from gome_graph.task import side_files
from gome_graph.task.infer import Tables, lead_column, prediction_columns, read_tables
from gome_graph.task.linked_tables import find_linked_tables
from gome_graph.task.metrics import find_metric
from gome_graph.task.prepared import ARRAYS, LAYOUT, RECORD, VAULT, PreparedTask
from gome_graph.task.profile import profile_task
from gome_graph.task.row_files import find_row_files
from gome_graph.task.spec import Task
from gome_graph.task.split_rows import Split, split_rows
from gome_graph.task.submission import FormatError, SubmissionFormat, absent_labels
from gome_graph.task.tables import write_csv
from gome_graph.task.targets import make_format, target_facts, target_kind
from gome_graph.task.widen import widen

if TYPE_CHECKING:
    import pandas as pd

MIN_ROWS = 10
"""Fewer labelled rows than this cannot be split into training, validation and anything worth measuring."""
SMOKE_TEST_ROWS, SMOKE_AUDIT_ROWS = 40, 20
"""Rows of each sort in the smoke stage's ``test.csv``."""


def prepare(task: Task, root: Path, *, seed: int, folds: int = 5, audit: float = 0.1) -> PreparedTask:
    """Write the prepared copy of `task` to `root` (``<run>/prepared``), or reopen it if the same task is prepared there already.

    All or nothing: the folder appears when it is complete. Everything random comes from `seed`.

    Parameters
    ----------
    folds
        Number of folds, at least 2.
    audit
        Share of the training rows to hold back, at least 50 rows; none if there are fewer than 500 (10 % of them would tell nothing).

    Raises
    ------
    TaskError
        The tables do not allow it; one sentence.
    """
    if folds < 2:
        raise TaskError(f"{folds} folds are too few; at least 2 are needed.")
    key = _fingerprint(task, seed, folds, audit)
    if (root / RECORD).is_file():
        try:
            if json.loads((root / RECORD).read_text(encoding="utf-8")).get("fingerprint") == key:
                return PreparedTask.open(root)
        except ValueError:
            pass
    root.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
    try:
        staging.chmod(0o755)
        _write(task, staging, seed=seed, folds=folds, audit=audit, fingerprint=key)
        if root.exists():
            shutil.rmtree(root)
        staging.rename(root)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return PreparedTask.open(root)


def _fingerprint(task: Task, seed: int, folds: int, audit: float) -> str:
    files = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in (task.train, task.test, task.sample_submission) if path]
    text = json.dumps([LAYOUT, task.model_dump(mode="json"), files, seed, folds, audit], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class _Parts:
    """The tables as scripts may see them."""

    train: "pd.DataFrame"
    """All labelled rows, dropped columns left out, id column first if it had to be made."""
    test: "pd.DataFrame"
    """Real test rows, without targets."""
    audit: "pd.DataFrame"
    """Audit rows (or stand-ins) with the columns of `test`, under their ids there."""
    truth: NDArray[Any]


def _write(task: Task, root: Path, *, seed: int, folds: int, audit: float, fingerprint: str) -> None:
    tables = read_tables(task)
    metric = find_metric(task.metric)
    facts = [target_facts(name, tables.train[name].to_numpy(dtype=object)) for name in task.target]
    id_column = task.id if task.id is not None else _free_name("row_id", tables)
    lead = lead_column(tables, task.id, task.target)
    format = make_format(metric, facts, id_column, prediction_columns(tables, task.id, task.target), tables.sample)

    train = _labelled(task, tables.train)
    _name_rows(train, tables.test, id_column)
    files = side_files.side_files(task)
    row_files = find_row_files(task.root, files, train, tables.test if tables.test is not None else train.iloc[:0], id_column)
    kept_names = [id_column, *task.target, *task.drop, task.split.partition(":")[2]]
    wide = widen(train, tables.test, root=task.root, files=files, row_files=row_files, keep=kept_names)
    train, tables = wide.train, replace(tables, test=wide.test)
    truth = format.truth(train)
    split = split_rows(task.split, train, format, truth, folds=folds, audit=audit, seed=seed)
    parts, moved = _parts(task, tables, train, truth, split, id_column)
    rng = np.random.default_rng([seed, 3])
    final_ids = train[id_column].to_numpy(dtype=np.str_)
    kept = split.kept

    arrays = {
        "train_ids": final_ids[kept], "truth": truth[kept], "folds": split.folds, "final_ids": final_ids, "final_folds": split.final_folds,
        "rows_smoke": split.smoke, "rows_sample": split.sample,
    }  # fmt: skip
    shown: dict[Path, side_files.Shown] = {}
    for stage in Stage:
        folder = root / stage.value
        folder.mkdir()
        rows = {Stage.SMOKE: kept[split.smoke], Stage.SAMPLE: kept[split.sample], Stage.FULL: kept}.get(stage, np.arange(len(train)))
        stage_folds = {Stage.SMOKE: split.folds[split.smoke], Stage.SAMPLE: split.folds[split.sample], Stage.FULL: split.folds}
        test = _stage_test(stage, parts, rng)
        arrays[f"test_ids_{stage.value}"] = test[id_column].to_numpy(dtype=np.str_)
        write_csv(parts.train.iloc[rows], folder / "train.csv")
        write_csv(test, folder / "test.csv")
        _write_folds(folder / "folds.csv", id_column, final_ids[rows], stage_folds.get(stage, split.final_folds))
        write_csv(_sample(format, tables, test[id_column], truth[kept], task.id), folder / "sample_submission.csv")
        write_text(folder / "description.md", task.description)
        shown[folder] = _shown(final_ids[rows], arrays[f"test_ids_{stage.value}"], {} if stage is Stage.FINAL else moved)
    side_files.place(task, files, shown, _shown(final_ids, arrays["test_ids_final"], {}))
    (root / Stage.FINAL.value).chmod(0o700)  # holds the labels of the audit rows

    profile = profile_task(
        task, format, target_kind(metric, facts), parts.train.iloc[kept], parts.test if len(parts.test) else parts.audit, truth[kept],
        test_rows=len(parts.test), audit_rows=len(split.audit), folds=int(split.folds.max()) + 1, side_files=len(files),
        row_files=wide.left, made=wide.made,
        linked_tables=find_linked_tables(task.root, files, parts.train, parts.test, id_column, task.target),
    )  # fmt: skip
    _save(root / ARRAYS, arrays, mode=0o755)
    audit_ids = parts.audit[id_column].to_numpy(dtype=np.str_)[: len(split.audit)]
    _save(root / VAULT, {"audit_ids": audit_ids, "audit_truth": truth[split.audit], "final_truth": truth}, mode=0o700)
    record = {
        "layout": LAYOUT, "fingerprint": fingerprint, "seed": seed, "sample_lead": lead,
        "task": task.model_dump(mode="json"), "profile": profile.model_dump(mode="json"), "format": format.model_dump(mode="json"),
    }  # fmt: skip
    write_json(root / RECORD, record)


def _shown(train: NDArray[np.str_], test: NDArray[np.str_], moved: dict[str, str]) -> side_files.Shown:
    present = frozenset(test.tolist())
    audit = {own: name for own, name in moved.items() if name in present}
    return side_files.Shown(frozenset(train.tolist()), present - frozenset(audit.values()), audit)


def _free_name(name: str, tables: Tables) -> str:
    taken = {*tables.train.columns, *(() if tables.test is None else tables.test.columns)}
    return name if name not in taken else f"gome_{name}"


def _labelled(task: Task, train: "pd.DataFrame") -> "pd.DataFrame":
    """Rows that have every target; the rest can be neither learnt from nor scored."""
    known = np.ones(len(train), dtype=np.bool_)
    for name in task.target:
        known &= ~absent_labels(train[name].to_numpy(dtype=object))
    if known.sum() < MIN_ROWS:
        raise TaskError(f"{task.train} has {int(known.sum())} rows with a target value; at least {MIN_ROWS} are needed.")
    return train.loc[known].reset_index(drop=True)


def _name_rows(train: "pd.DataFrame", test: "pd.DataFrame | None", id_column: str) -> None:
    """Number the rows where the tables have no id: train from 0, test after it (or train after the largest test id)."""
    if test is not None and id_column not in test.columns:
        _number_from(test, id_column, len(train))
        if id_column not in train.columns:
            _number_from(train, id_column, 0)
    elif id_column not in train.columns:
        start = 0 if test is None else 1 + max((int(name) for name in test[id_column] if name.isdecimal()), default=-1)
        _number_from(train, id_column, start)


def _number_from(frame: "pd.DataFrame", id_column: str, start: int) -> None:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)  # one column more, once: nobody need be told that the table is wide
        frame.insert(0, id_column, np.arange(start, start + len(frame)).astype(str).astype(object))


def _parts(
    task: Task, tables: Tables, train: "pd.DataFrame", truth: NDArray[Any], split: Split, id_column: str
) -> tuple[_Parts, dict[str, str]]:
    """The visible tables, and for each audit row whose id also names a test row (or that has side files) its id in ``test.csv``."""
    shown = train.drop(columns=task.drop)
    source = tables.test if tables.test is not None else train.iloc[:0]
    test = source.drop(columns=[name for name in (*task.target, *task.drop) if name in source.columns])
    # Without audit rows and test table, some training rows stand in, so that a script has something to predict.
    rows = split.audit if len(split.audit) or tables.test is not None else np.arange(min(SMOKE_TEST_ROWS, len(train)))
    held = train.iloc[rows].reindex(columns=test.columns, fill_value="")
    own = held[id_column].tolist()
    named = _fresh(own, taken=set(test[id_column]), known=set(train[id_column]) | set(test[id_column]))
    held = held.assign(**{id_column: np.array(named, dtype=object)})
    return _Parts(shown, test, held, truth), dict(zip(own, named, strict=True))


def _fresh(ids: list[str], *, taken: set[str], known: set[str]) -> list[str]:
    """`ids` with those in `taken` replaced by ids not `known`: numbering that starts again in the test table must not mix up two rows."""
    if not any(name in taken for name in ids):
        return ids
    if all(name.isdecimal() for name in known):
        top = max(int(name) for name in known) + 1
        return [str(top + i) if name in taken else name for i, name in enumerate(ids)]
    used = set(known)
    fresh = []
    for name in ids:
        new, i = name, 0
        while new in used and name in taken:
            new, i = f"{name}-{i}", i + 1
        used.add(new)
        fresh.append(new)
    return fresh


def _stage_test(stage: Stage, parts: _Parts, rng: np.random.Generator) -> "pd.DataFrame":
    """Test and audit rows in one shuffled table; part of each before the full stage; real test rows alone, in file order, at the end."""
    import pandas as pd

    if stage is Stage.FINAL:
        return parts.test if len(parts.test) else parts.audit
    both = pd.concat([parts.test, parts.audit], ignore_index=True) if len(parts.test) else parts.audit.reset_index(drop=True)
    real, held = len(parts.test), len(parts.audit)
    if stage is Stage.SMOKE:
        chosen = np.concatenate([
            rng.permutation(real)[:SMOKE_TEST_ROWS], real + rng.permutation(held)[:SMOKE_AUDIT_ROWS],
        ])  # fmt: skip
    elif stage is Stage.SAMPLE:
        chosen = rng.permutation(real + held)[: Split.sample_size(real + held)]
    else:
        chosen = np.arange(real + held)
    return both.iloc[rng.permutation(chosen)]


def _sample(format: SubmissionFormat, tables: Tables, ids: "pd.Series[Any]", truth: NDArray[Any], task_id: str | None) -> "pd.DataFrame":
    """A sample submission for the rows of a stage's ``test.csv``: the task's own values, a constant for audit rows."""
    import pandas as pd

    out: dict[str, Any] = {str(format.id_column): ids.to_numpy(dtype=object)}
    constant = _constants(format, truth)
    given = _usable(format, tables.sample, task_id)
    place = {} if given is None else {row: i for i, row in enumerate(given[task_id])}
    rows = np.array([place.get(row, -1) for row in ids], dtype=np.int64)  # -1 takes the constant, put last
    for name, value in zip(format.columns, constant, strict=True):
        own = [] if given is None else given[name].tolist()
        out[name] = np.array([*own, value], dtype=object)[rows if own else np.full(len(ids), -1)]
    return pd.DataFrame(out)


def _usable(format: SubmissionFormat, sample: "pd.DataFrame | None", task_id: str | None) -> "pd.DataFrame | None":
    """The task's sample submission if a script could hand it in as it stands; labels are always written as in train instead."""
    if sample is None or task_id is None or task_id not in sample.columns or format.kind == "label":
        return None
    try:
        format.predictions(sample, sample[task_id].tolist())
    except FormatError:
        return None
    return sample


def _constants(format: SubmissionFormat, truth: NDArray[Any]) -> list[Any]:
    """The simplest valid prediction for each column."""
    if format.kind == "text":
        return [""] * len(format.columns)
    if format.kind == "number":
        return [float(value) for value in np.atleast_1d(np.median(truth, axis=0))]
    if format.kind == "label":
        columns = truth if truth.ndim == 2 else truth[:, None]
        return [format.classes[int(np.bincount(column).argmax())] for column in columns.T]
    if format.kind == "probabilities":
        return [1.0 / len(format.classes)] * len(format.classes)
    return [0.5] * len(format.columns)


def _write_folds(path: Path, id_column: str, ids: NDArray[np.str_], folds: NDArray[np.int64]) -> None:
    import pandas as pd

    write_csv(pd.DataFrame({id_column: ids.astype(object), "fold": folds}), path)


def _save(folder: Path, arrays: dict[str, NDArray[Any]], *, mode: int) -> None:
    folder.mkdir(mode=mode)
    for name, array in arrays.items():
        path = folder / f"{name}.npy"
        np.save(path, array, allow_pickle=False)
        path.chmod(0o600 if mode == 0o700 else 0o644)
