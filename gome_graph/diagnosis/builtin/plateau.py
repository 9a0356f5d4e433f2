"""Symptom ``plateau``: the last steps were not accepted."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

STEPS = 3


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = steps since the last accepted one / 8; only once something was accepted."""
    judged = [(index, step) for index, step in enumerate(pack.history) if step.outcome != "stopped"]
    accepted = [place for place, (_, step) in enumerate(judged) if step.outcome == "accepted"]
    if not accepted:
        return
    since = judged[accepted[-1] + 1 :]
    if len(since) < STEPS:
        return
    tried = list(dict.fromkeys(str(step.component.value) for _, step in since))
    yield Finding(
        symptom="plateau", component=Component.WORKFLOW, severity=unit(len(since) / 8),
        summary=f"The last {len(since)} steps were not accepted (changes of {', '.join(tried)})",
        evidence=[e for index, _ in since[-STEPS:] for e in evidence(pack, f"history.{index}.outcome")],
        direction="another component or family than those tried; or blend and average what there is",
    )  # fmt: skip
