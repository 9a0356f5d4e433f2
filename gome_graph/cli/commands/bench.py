"""``gome bench``: strategies, reasoners and ablations on the same tasks, seeds and budget."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gome_graph.cli import output
from gome_graph.cli.options import MAX_SEED, Debug, Json, Quiet, parse_duration

if TYPE_CHECKING:
    import threading

    from gome_graph.bench.plan import Cell, Plan

HELP = """Compare strategies on the tasks of SUITE: the same tasks, seeds and budget for each, so that differences are paired.

SUITE is a folder of task folders, or built in: small (ten tasks), made (six), quick (two), or task names (linear,wine).
The same command goes on where it was killed. Writes Parquet tables and bench.html below --out.

Example: [bold]gome bench small --strategies gradient,tree --seeds 2 --steps 8 --out bench[/bold]
Example: [bold]gome bench ./tasks --reasoners rules,rules@0.5 --budget 5m --out bench[/bold]
"""

STOPPED = 130


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench", help=HELP)(bench)


def bench(
    suite: Annotated[str, typer.Argument(metavar="SUITE", help="Folder of task folders, or a built-in suite.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder of the bench; an existing one is gone on with.")],
    strategies: Annotated[str, typer.Option(help="Names, the first is what the others are compared with.")] = "gradient,tree",
    seeds: Annotated[str, typer.Option(help="How many (from 0), or a list: 3 or 0,7,9.")] = "1",
    budget: Annotated[str, typer.Option(help="Wall clock of each run: 90s, 10m.")] = "5m",
    steps: Annotated[int | None, typer.Option(help="Steps per trace; scores then do not depend on the clock.", min=1)] = None,
    traces: Annotated[int | None, typer.Option(help="Traces of each run; 1 where steps are counted.", min=1, max=64)] = None,
    reasoners: Annotated[str, typer.Option(help="Names; rules@0.5 is right every second time.")] = "rules",
    ablations: Annotated[
        str, typer.Option(help="Of full, no-diagnosis, no-memory, one-trace, no-audit-selection.", show_default=True)
    ] = "full",
    jobs: Annotated[int, typer.Option(help="Runs at a time; each gets its share of the cores.", min=1, max=64)] = 1,
    executor: Annotated[str, typer.Option(help="Where scripts run.")] = "local",
    model: Annotated[
        list[str] | None, typer.Option(help="Language model for the reasoner llm, as in gome run; repeatable.", show_default=False)
    ] = None,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Run the bench, or go on with it, and write its tables."""
    import threading

    from gome_graph.bench.page import write_page
    from gome_graph.bench.plan import settle
    from gome_graph.bench.rows import collect
    from gome_graph.bench.summary import summarise
    from gome_graph.bench.tables import note, summary_table, write_tables

    plan = _plan(suite, out, strategies, seeds, budget, steps, traces, reasoners, ablations, jobs, executor, model or [])
    settle(plan, out)
    output.say(f"{len(plan.cells)} runs: {len(plan.tasks)} tasks, {len(plan.arms)} arms, {len(plan.seeds)} seeds; in {out}")
    stop = threading.Event()
    lost = _go(plan, out, jobs, stop)
    rows, points = collect(plan, out)
    files = write_tables(out, rows, points)
    files["page"] = str(write_page(plan, out, rows, points, _command(sys.argv)))
    lines = summarise(rows)
    output.tell(summary_table(lines))
    for sentence in filter(None, [note(), f"page: {files['page']}"]):
        output.say(sentence)
    for cell in lost:
        what = "was stopped; the same command goes on" if stop.is_set() else f"could not be run; see {out / 'logs' / (cell.name + '.log')}"
        output.say(f"gome: {cell.name} {what}", stderr=True)
    code = STOPPED if stop.is_set() else 1 if lost or any(row["validation"] is None for row in rows) else 0
    output.result({"arms": lines, "rows": rows, "files": files, "lost": [cell.name for cell in lost], "exit_code": code})
    raise typer.Exit(code)


def _plan(
    suite: str, out: Path, strategies: str, seeds: str, budget: str, steps: int | None, traces: int | None, reasoners: str, ablations: str,
    jobs: int, executor: str, models: list[str],
) -> "Plan":  # fmt: skip
    import os

    from gome_graph.bench.plan import ABLATIONS, Plan, find_tasks
    from gome_graph.errors import TaskError
    from gome_graph.graph.builtins import load
    from gome_graph.graph.parts import split_dial

    seconds, numbers = parse_duration(budget), _seeds(seeds)
    named = {"strategies": _names(strategies), "reasoners": _names(reasoners), "ablations": _names(ablations)}
    plugins = load()
    for strategy in named["strategies"]:
        plugins.offer("strategy", strategy)
    for reasoner in named["reasoners"]:
        plugins.offer("reasoner", split_dial(reasoner)[0])
    plugins.offer("executor", executor)
    for ablation in named["ablations"]:
        if ablation not in ABLATIONS:
            raise TaskError(f"--ablations {ablation!r} is none of {', '.join(ABLATIONS)}")
    one = 1 if steps and not any(name == "one-trace" for name in named["ablations"]) else None
    cores = len(os.sched_getaffinity(0))
    return Plan(
        suite=suite, tasks=find_tasks(suite, out), **named, seeds=numbers, budget_seconds=seconds, steps=steps, traces=traces or one,
        cpus=max(1, cores // jobs) if jobs > 1 else None, executor=executor, models=models,
    )  # fmt: skip


def _names(text: str) -> list[str]:
    from gome_graph.errors import TaskError

    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise TaskError("--strategies, --reasoners and --ablations need at least one name each, for example gradient,tree")
    return names


def _seeds(text: str) -> list[int]:
    """``3`` is 0, 1, 2; ``4,9`` is what it says."""
    from gome_graph.errors import TaskError

    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    single = len(numbers) == 1 and "," not in text
    if not numbers or min(numbers) < (1 if single else 0) or max(numbers) > (1000 if single else MAX_SEED):
        raise TaskError(f"--seeds {text!r} is neither a count from 1 to 1000 nor a list like 0,7,9")
    return list(range(numbers[0])) if single else list(dict.fromkeys(numbers))


def _go(plan: "Plan", out: Path, jobs: int, stop: "threading.Event") -> "list[Cell]":
    """Run with a line for each run's beginning and end; Ctrl-C lets the runs in hand save their best, and ends."""
    import signal

    from gome_graph.bench.runner import carry_out

    total, done = len(plan.cells), 0

    def tell(cell: "Cell", what: str) -> None:
        nonlocal done
        if what != "begins":
            done += 1
            output.say(f"{done:4d} of at most {total}: {cell.name} {what}")

    def interrupted(*_: object) -> None:
        stop.set()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        return carry_out(plan, out, jobs, tell, stop)
    finally:
        signal.signal(signal.SIGINT, before)


def _command(arguments: list[str]) -> str:
    return shlex.join(["gome", *arguments[1:]])
