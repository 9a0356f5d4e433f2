"""Symptom ``slow``: the script comes close to its time limit."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

NEAR = 0.5


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = (share of the limit used - 0.5) x 2."""
    if pack.time_limit <= 0 or not pack.execution.ok:
        return
    share = pack.execution.wall_seconds / pack.time_limit
    if share < NEAR:
        return
    yield Finding(
        symptom="slow", component=Component.WORKFLOW, severity=unit(2 * (share - NEAR)),
        summary=f"It ran {pack.execution.wall_seconds:.0f} s of the {pack.time_limit:.0f} s allowed ({share:.0%})",
        evidence=[*evidence(pack, "execution.wall_seconds"), *evidence(pack, "time_limit")],
        direction="a cheaper step next: fewer rounds, fewer members, smaller features",
    )  # fmt: skip
