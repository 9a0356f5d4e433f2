"""Symptom ``wasted_time``: much of the run time buys nothing."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import Component, DiagnosticPack, Evidence, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_WALL = 10.0
"""Seconds; below that there is nothing worth saving."""
IDLE_MEMBER = 0.02
MIN_SHARE = 0.2
PRODUCTIVE = ("fit", "train", "tune", "search")


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = largest wasted share of the wall time x min(1, wall seconds / 60)."""
    wall = pack.execution.wall_seconds
    if wall < MIN_WALL:
        return
    wastes = [*_idle_members(pack, wall), *_phases(pack, wall), *_idle_cores(pack, wall)]
    if not wastes:
        return
    wastes.sort(key=lambda waste: -waste[0])
    share = wastes[0][0]
    yield Finding(
        symptom="wasted_time", component=Component.WORKFLOW, severity=unit(share * min(1.0, wall / 60)),
        summary=f"Of {wall:.0f} s, {'; '.join(text for _, text, _, _ in wastes)}",
        evidence=[*evidence(pack, "execution.wall_seconds"), *(e for _, _, found, _ in wastes for e in found)],
        direction="; ".join(dict.fromkeys(way for _, _, _, way in wastes)),
    )  # fmt: skip


Waste = tuple[float, str, list[Evidence], str]


def _idle_members(pack: DiagnosticPack, wall: float) -> Iterable[Waste]:
    for model, weight in pack.weights.items():
        seconds = sum(fold.seconds or 0.0 for fold in pack.folds if fold.model == model)
        if weight <= IDLE_MEMBER and MIN_SHARE <= seconds / wall <= 1.5 and len(pack.weights) > 1:
            found = evidence(pack, f"weights.{model}") if "." not in model else evidence(pack, "weights")
            yield min(1.0, seconds / wall), f"{seconds:.0f} s go to {model!r}, whose weight is {weight:.2f}", found, f"leave out {model}"


def _phases(pack: DiagnosticPack, wall: float) -> Iterable[Waste]:
    for name, seconds in pack.phases.items():
        if any(word in name.lower() for word in PRODUCTIVE) or not 0.4 <= seconds / wall <= 1.05 or seconds < MIN_WALL:
            continue
        found = evidence(pack, f"phases.{name}") if "." not in name else evidence(pack, "phases")
        yield (
            seconds / wall,
            f"{seconds:.0f} s go to {name!r} rather than to fitting",
            found,
            f"make {name} cheaper (cache, vectorise, sample)",
        )


def _idle_cores(pack: DiagnosticPack, wall: float) -> Iterable[Waste]:
    used = pack.execution.cpu_seconds / wall
    if pack.cpus > 1 and 0 < used < 0.6 * pack.cpus:
        idle = 1 - used / pack.cpus
        yield (
            idle,
            f"{used:.1f} of {pack.cpus} cores are busy",
            evidence(pack, "execution.cpu_seconds"),
            "use every core (n_jobs, thread_count)",
        )
