"""From files to a task: the id, the targets and the metric, each stated in one sentence where it was inferred."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gome_graph.errors import TaskError
from gome_graph.task.choose_metric import choose_metric
from gome_graph.task.describe import forbidden_columns
from gome_graph.task.names import closest
from gome_graph.task.side_files import tells
from gome_graph.task.sources import Sources
from gome_graph.task.spec import Task
from gome_graph.task.tables import is_table, missing, read_table
from gome_graph.task.targets import make_format, match_classes, target_facts

if TYPE_CHECKING:
    import pandas as pd

_ID_LIKE = re.compile(r"(?:.*[_\- ])?(?:id|uuid|guid|index|key)|.*(?<=[a-z])(?:Id|ID)", re.ASCII)
_TARGET_LIKE = ("target", "label", "class", "outcome", "y")


@dataclass(frozen=True)
class Tables:
    """A task's tables as text."""

    train: "pd.DataFrame"
    test: "pd.DataFrame | None"
    sample: "pd.DataFrame | None"


def read_tables(task: Sources | Task) -> Tables:
    """Read the tables; `TaskError` for one that cannot be read or holds no row."""
    tables = Tables(
        train=read_table(task.train),
        test=None if task.test is None else read_table(task.test),
        sample=None if task.sample_submission is None else read_table(task.sample_submission),
    )
    for table, path in zip((tables.train, tables.test, tables.sample), (task.train, task.test, task.sample_submission), strict=True):
        if table is not None and len(table) == 0:
            raise TaskError(f"{path} has a header but no rows; at least one row is needed.")
    return tables


def complete(sources: Sources) -> Task:
    """Infer what `sources` leave open and check that all of it fits together. Raises `TaskError` in one sentence."""
    tables = read_tables(sources)
    said = list(sources.inferred)
    _check_drop(sources, tables.train)
    drop = [*sources.drop, *_forbidden(sources, tables.train, said)]
    id_column = _find_id(sources, tables, said)
    targets = _find_targets(sources, tables, id_column, said)
    drop = [name for name in drop if name != id_column and name not in targets]
    _check_inputs(sources, tables, id_column, targets, drop)
    facts = [target_facts(name, tables.train[name].to_numpy(dtype=object)) for name in targets]
    columns = prediction_columns(tables, id_column, targets)
    metric, metric_source = choose_metric(sources, facts, tables.sample, columns, said)
    make_format(metric, facts, id_column, columns, tables.sample)
    _check_ids(sources, tables, id_column)
    split = _check_split(sources, tables.train)
    _say_what_is_left_out(sources, tables, targets, said)
    return Task(
        name=sources.name, root=sources.root.resolve(), description=sources.description, train=sources.train.resolve(),
        test=sources.test.resolve() if sources.test else None,
        sample_submission=sources.sample_submission.resolve() if sources.sample_submission else None,
        id=id_column, target=targets, metric=metric.name, metric_source=metric_source, split=split, drop=drop,
        limits=sources.limits, answers=sources.answers.resolve() if sources.answers else None, thresholds=sources.thresholds,
        side_files=sources.side_files, inferred=said,
    )  # fmt: skip


def prediction_columns(tables: Tables, id_column: str | None, targets: Sequence[str]) -> list[str]:
    """The sample submission's columns after its id, or the targets where there is no sample."""
    if tables.sample is None:
        return list(targets)
    lead = lead_column(tables, id_column, targets)
    return [name for name in tables.sample.columns if name != lead]


def lead_column(tables: Tables, id_column: str | None, targets: Sequence[str] = ()) -> str | None:
    """The sample submission's id column: the task's id, or a first column that merely numbers the rows; None if it has none."""
    if tables.sample is None:
        return None
    if id_column is not None and id_column in tables.sample.columns:
        return id_column
    first = str(tables.sample.columns[0])
    numbered = first not in tables.train.columns and len(tables.sample.columns) > 1 and tables.sample[first].is_unique
    return first if numbered and first not in targets else None


def _find_id(sources: Sources, tables: Tables, said: list[str]) -> str | None:
    where = tables.train if tables.test is None else tables.test
    where_path = sources.train if tables.test is None else sources.test
    if sources.id is not None:
        if sources.id not in where.columns:
            raise TaskError(f"Id column {sources.id!r} is not in {where_path}; did you mean {closest(sources.id, where.columns)}?")
        return sources.id
    if tables.sample is not None and sources.sample_submission is not None:
        first = str(tables.sample.columns[0])
        if first in where.columns and first not in sources.target and len(tables.sample.columns) > 1:
            said.append(f"The id column is {first!r}, the first column of {sources.sample_submission.name}.")
            return first
    for name in tables.train.columns:
        in_both = tables.test is None or name in tables.test.columns
        if in_both and name not in sources.target and _ID_LIKE.fullmatch(name) and tables.train[name].is_unique:
            if tables.test is not None and not tables.test[name].is_unique:
                continue
            said.append(f"The id column is {name!r}: it is called like one and has a different value in each row.")
            return str(name)
    said.append("There is no id column; rows are numbered in file order (row_id).")
    return None


def _find_targets(sources: Sources, tables: Tables, id_column: str | None, said: list[str]) -> list[str]:
    train, test = tables.train, tables.test
    if sources.target:
        for name in sources.target:
            if name not in train.columns:
                raise TaskError(f"Target column {name!r} is not in {sources.train}; did you mean {closest(name, train.columns)}?")
        return list(dict.fromkeys(sources.target))
    new = [str(name) for name in train.columns if name != id_column and (test is None or name not in test.columns)]
    asked = prediction_columns(tables, id_column, [])
    if tables.sample is not None and sources.sample_submission is not None and asked:
        found = _targets_from_sample(tables, id_column, asked, new, sources.sample_submission.name, said)
        if found:
            return found
    if test is None:
        named = next((name for like in _TARGET_LIKE for name in new if name.lower() == like), None)
        if named is not None:
            said.append(f"The target is {named!r}, by its name.")
            return [named]
        raise TaskError(f"No test table and no target named for {sources.train}; name the column to predict with --target.")
    if len(new) == 1:
        said.append(f"The target is {new[0]!r}, the one column of {sources.train.name} that the test table lacks.")
        return new
    if not new:
        raise TaskError(f"{sources.train} has no column that the test table lacks, so the target is unknown; name it with --target.")
    shown = ", ".join(map(repr, new[:6]))
    raise TaskError(f"The test table lacks several columns of {sources.train} ({shown}); name the one to predict with --target.")


def _targets_from_sample(
    tables: Tables, id_column: str | None, asked: list[str], new: list[str], sample_name: str, said: list[str]
) -> list[str]:
    """Targets by the sample submission's columns: train columns, or classes of a train column."""
    if all(name in tables.train.columns for name in asked):
        said.append(f"The {'target is' if len(asked) == 1 else 'targets are'} {', '.join(map(repr, asked))}, as in {sample_name}.")
        return asked
    others = [str(name) for name in tables.train.columns if name != id_column and name not in new]
    for name in [*new, *others]:
        labels = tables.train[name].unique()
        if 2 <= len(labels) <= len(asked) and match_classes(asked, [str(label) for label in labels], name) is not None:
            said.append(f"The target is {name!r}: its values are the columns of {sample_name}.")
            return [name]
    if len(asked) == 1 and len(new) == 1:
        said.append(f"The target is {new[0]!r}, the one column the test table lacks; {sample_name} calls it {asked[0]!r}.")
        return new
    return []


def _check_drop(sources: Sources, train: "pd.DataFrame") -> None:
    for name in sources.drop:
        if name not in train.columns:
            raise TaskError(f"Column {name!r} to drop is not in {sources.train}; did you mean {closest(name, train.columns)}?")
        if name in sources.target or name == sources.id:
            raise TaskError(f"Column {name!r} cannot be dropped: it is the {'id' if name == sources.id else 'target'}.")


def _forbidden(sources: Sources, train: "pd.DataFrame", said: list[str]) -> list[str]:
    """Columns that the description rules out."""
    found = [name for name in forbidden_columns(sources.description, map(str, train.columns)) if name not in sources.drop]
    if found:
        said.append(f"Column {', '.join(map(repr, found))} is dropped, because {sources.description_name} says that it must not be used.")
    return found


def _say_what_is_left_out(sources: Sources, tables: Tables, targets: list[str], said: list[str]) -> None:
    unlabelled = np.zeros(len(tables.train), dtype=np.bool_)
    for name in targets:
        unlabelled |= missing(tables.train[name].to_numpy(dtype=object))
    if unlabelled.any():
        said.append(f"{int(unlabelled.sum())} of {len(tables.train)} training rows have no target value and are left out.")
    if sources.side_files:
        own = {sources.train.resolve(), *(path.resolve() for path in (sources.test, sources.sample_submission, sources.answers) if path)}
        for path in sorted(sources.root.iterdir()):
            if path.is_file() and path.resolve() not in own and is_table(path) and tells(path, targets, at_root=True):
                said.append(f"{path.name} is kept from the scripts: it holds the target, or copies the tables or answers.")


def _check_inputs(sources: Sources, tables: Tables, id_column: str | None, targets: list[str], drop: list[str]) -> None:
    if id_column in targets:
        raise TaskError(f"Column {id_column!r} cannot be both the id and the target; name another one with --id or --target.")
    hidden = {id_column, *targets, *drop}
    inputs = [name for name in tables.train.columns if name not in hidden]
    if tables.test is not None:
        inputs = [name for name in inputs if name in tables.test.columns]
        if not inputs and id_column not in tables.train.columns:
            raise TaskError(f"{sources.train} and {sources.test} have no input column in common; check that they belong together.")
    if not inputs and not sources.side_files:
        raise TaskError(f"{sources.train} has no column left to learn from besides id and target.")
    if not inputs and tables.test is not None and len(tables.test.columns) > 1:
        raise TaskError(f"{sources.train} and {sources.test} have no input column in common; check that they belong together.")


def _check_ids(sources: Sources, tables: Tables, id_column: str | None) -> None:
    """Ids are compared as text."""
    if id_column is None:
        if tables.sample is not None and tables.test is not None and len(tables.sample) != len(tables.test):
            raise TaskError(
                f"{sources.sample_submission} has {len(tables.sample)} rows, but {sources.test} has {len(tables.test)}; mend one."
            )
        return
    for table, path in ((tables.train, sources.train), (tables.test, sources.test), (tables.sample, sources.sample_submission)):
        if table is None or id_column not in table.columns:
            continue
        ids = table[id_column]
        if missing(ids.to_numpy(dtype=object)).any() and (ids == "").any():
            raise TaskError(
                f"{path} has a row without a value in the id column {id_column!r}; fill it in or name another column with --id."
            )
        twice = ids[ids.duplicated()]
        if len(twice):
            raise TaskError(
                f"{path} has the id {twice.iloc[0]!r} more than once in column {id_column!r} ({len(twice)} rows too many); "
                "remove those rows or name another column with --id."
            )
    if tables.sample is None or tables.test is None or id_column not in tables.sample.columns:
        return
    given, wanted = set(tables.sample[id_column]), set(tables.test[id_column])
    if given != wanted:
        odd, here, there = (
            (sorted(given - wanted), sources.sample_submission, sources.test)
            if given - wanted
            else (sorted(wanted - given), sources.test, sources.sample_submission)
        )
        raise TaskError(f"{here} has {len(odd)} ids that {there} does not have (the first is {odd[0]!r}); both must hold the same ids.")


def _check_split(sources: Sources, train: "pd.DataFrame") -> str:
    if sources.split is None:
        return "stratified"
    kind, _, column = sources.split.partition(":")
    if sources.split in {"stratified", "kfold"}:
        return sources.split
    if kind not in {"group", "time"} or not column:
        raise TaskError(f"split = {sources.split!r} is unknown; write stratified, kfold, group:<column> or time:<column>.")
    if column not in train.columns:
        raise TaskError(f"split names column {column!r}, which is not in {sources.train}; did you mean {closest(column, train.columns)}?")
    return sources.split
