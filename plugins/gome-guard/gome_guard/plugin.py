"""What gome-guard adds to gome: a gate on its steps, and the ``gome guard`` commands. Imports nothing heavy."""

from typing import TYPE_CHECKING

from gome_graph.hooks import GateFacts, hookimpl
from gome_graph.records import Solution, Verdict

if TYPE_CHECKING:
    import typer


@hookimpl
def gome_validate(solution: Solution, verdict: Verdict, facts: GateFacts) -> Verdict | None:
    """Refuse a step that repeats a slice regression of an earlier one."""
    from gome_guard.agent.gate import validate

    return validate(solution, verdict, facts)


@hookimpl
def gome_register_commands(app: "typer.Typer") -> None:
    """``gome guard ingest|evaluate|…``."""
    from gome_guard.cli import guard_app

    app.add_typer(guard_app, name="guard")
