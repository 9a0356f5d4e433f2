"""Found where it is planted, and not where it is not."""

import numpy as np
import pandas as pd

from gome_graph import (
    ColumnKind,
    ColumnProfile,
    DiagnosticPack,
    Execution,
    Measured,
    Outcome,
    Score,
    Stage,
    TargetKind,
    TargetProfile,
    TaskProfile,
)
from gome_graph.hooks.manager import Plugins
from gome_graph.task import SubmissionFormat, find_metric
from gome_sparse_rows import plugin

ROWS = 400


def measured(loss_of_sparse: float) -> tuple[DiagnosticPack, Measured]:
    """400 rows with four inputs; every fourth row lacks two of them and has this loss, the others have 1."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(ROWS, 4)), columns=list("abcd"))
    frame.loc[::4, ["a", "b"]] = np.nan
    losses = random.normal(1.0, 0.2, ROWS)
    losses[::4] += loss_of_sparse - 1.0
    columns = [ColumnProfile(name=name, kind=ColumnKind.NUMBER, missing=0.1, distinct=ROWS) for name in frame]
    target = TargetProfile(columns=["y"], kind=TargetKind.REGRESSION)
    profile = TaskProfile(rows=ROWS, test_rows=0, audit_rows=0, id_column="id", columns=columns, target=target, folds=5)
    score = Score(metric="mae", higher_is_better=False, value=float(losses.mean()), standard_error=0.02, rows=ROWS)
    execution = Execution(outcome=Outcome.OK, stage=Stage.FULL, seed=0)
    pack = DiagnosticPack(step="t0-0", profile=profile, execution=execution, score=score)
    form = SubmissionFormat(kind="number", id_column="id", columns=["y"], targets=["y"])
    return pack, Measured(
        frame=frame, truth=losses, prediction=losses, folds=np.zeros(ROWS, int), metric=find_metric("mae"), format=form, row_losses=losses,
        probabilities=None, script="",
    )  # fmt: skip


def test_costly_sparse_rows_are_found_with_evidence_that_resolves() -> None:
    pack, data = measured(loss_of_sparse=2.0)
    (finding,) = plugin.gome_diagnose(pack, data)
    assert finding.columns == ["a", "b"]
    assert finding.severity > 0.2
    assert "25 % of the rows" in finding.summary
    assert pack.resolve(finding.evidence[0].ref) > 1.0


def test_rows_that_are_merely_sparse_are_left_alone() -> None:
    assert list(plugin.gome_diagnose(*measured(loss_of_sparse=1.0))) == []


def test_it_fits_the_hooks() -> None:
    plugins = Plugins()
    plugins.add(plugin, "sparse-rows")
    assert plugins.rows()[0].hooks == ["gome_diagnose"]
