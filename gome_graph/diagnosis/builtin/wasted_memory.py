"""Symptom ``wasted_memory``: the script needs far more memory than its data, or nearly all that it may have."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import Component, DiagnosticPack, Finding, Outcome

if TYPE_CHECKING:
    from gome_graph.task import Measured

LIBRARIES = 700 << 20
"""Bytes that Python with pandas, scikit-learn and a boosting library takes before any data is read, with room to spare."""
NEAR = 0.7
"""Share of the limit from which the next, larger script may be killed."""
TIMES_DATA = 20.0
"""A float64 copy for train and test, features, a model and folds is about a tenfold."""
WORTH = 2 << 30
"""Less than this beyond the libraries is no waste on any machine."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = (peak / limit - 0.4) near the limit (0.3 at 70 %, 0.6 at all of it), else 0.2 for a peak of over 20 times the data."""
    if pack.execution.outcome is not Outcome.OK or pack.peak_memory_bytes <= 0:
        return
    used = pack.peak_memory_bytes / pack.memory_limit if pack.memory_limit else 0.0
    size = pack.tables.bytes if pack.tables is not None else 0
    beyond = pack.peak_memory_bytes - LIBRARIES
    bloated = size > 0 and beyond > max(WORTH, TIMES_DATA * size)
    if used < NEAR and not bloated:
        return
    parts = [f"Peak memory {pack.peak_memory_bytes / 1e9:.1f} GB"]
    if used >= NEAR:
        parts.append(f"is {used:.0%} of the limit")
    if bloated:
        parts.append(f"is {pack.peak_memory_bytes / size:.0f} times the data ({size / 1e9:.2f} GB)")
    yield Finding(
        symptom="wasted_memory", component=Component.WORKFLOW, severity=unit(max(used - 0.4 if used >= NEAR else 0.0, 0.2)),
        summary=f"{parts[0]} {' and '.join(parts[1:])}",
        evidence=[*evidence(pack, "peak_memory_bytes"), *(evidence(pack, "memory_limit") if used >= NEAR else []),
                  *(evidence(pack, "tables.bytes") if bloated else [])],
        direction="float32 and sparse features, a smaller vocabulary, fewer copies, one model at a time",
    )  # fmt: skip
