"""What the report and ``gome show`` say of one step beyond the journal: its patch and its script, from the step's folder."""

from typing import TYPE_CHECKING

from gome_graph.solution import unified_diff

if TYPE_CHECKING:
    from gome_graph.report.story import StepView
    from gome_graph.run import RunDirectory


def script_of(run: "RunDirectory", step: str | None) -> str | None:
    """The step's script; None if it is not written yet."""
    solution = run.step(step).solution() if step else None
    return None if solution is None else solution.script


def step_diff(run: "RunDirectory", step: "StepView") -> str:
    """Unified diff of the step's script against its parent's; empty for a root."""
    new, old = script_of(run, step.step), script_of(run, step.parent)
    if new is None or old is None:
        return ""
    return unified_diff(old, new, f"{step.parent}/solution.py", f"{step.step}/solution.py")
