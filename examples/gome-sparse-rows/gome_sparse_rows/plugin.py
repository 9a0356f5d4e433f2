"""Are rows with many missing values the ones that cost most?

A mean over all rows hides it: where a quarter of the inputs is missing, a model falls back to what it knows of the average row.
"""

import math
from collections.abc import Iterator

from gome_graph import Component, DiagnosticPack, Evidence, Finding, Measured, hookimpl

SPARSE = 0.25
"""Share of missing inputs from which on a row counts as sparse."""
FEWEST_ROWS = 30
"""Below this the difference of two means says nothing."""
CLEAR = 3.0
"""Standard errors that the difference must have."""


@hookimpl
def gome_diagnose(pack: DiagnosticPack, data: Measured) -> Iterator[Finding]:
    """Compare the loss of sparse rows with that of the others. Takes a few milliseconds and changes nothing."""
    columns = [column.name for column in pack.profile.columns if column.name in data.frame.columns]
    if data.row_losses is None or not columns:
        return
    sparse = (data.frame[columns].isna().mean(axis=1) >= SPARSE).to_numpy()
    losses = data.row_losses
    if min(sparse.sum(), (~sparse).sum()) < FEWEST_ROWS:
        return
    inside, outside = losses[sparse], losses[~sparse]
    error = math.sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(outside))
    difference = float(inside.mean() - outside.mean())
    if error == 0 or difference / error < CLEAR:
        return
    share = float(inside.sum() / losses.sum())
    yield Finding(
        symptom="sparse_rows",
        component=Component.FEATURES,
        severity=min(max(share - sparse.mean(), 0.0) * 2, 1.0),
        summary=f"{100 * sparse.mean():.0f} % of the rows lack a quarter of their values and carry {100 * share:.0f} % of the loss",
        # Evidence must name something in the pack: the score that these losses add up to.
        evidence=[Evidence(ref="score.value", note=f"mean loss {inside.mean():.4g} against {outside.mean():.4g}")],
        direction="say which values are missing, and fill them from the columns that are there",
        columns=[name for name in columns if data.frame[name].isna().any()],
    )
