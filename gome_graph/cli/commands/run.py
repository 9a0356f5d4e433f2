"""``gome run`` and ``gome resume``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gome_graph.cli import output
from gome_graph.cli.options import MAX_SEED, Debug, Json, Quiet, RunArg, parse_duration

if TYPE_CHECKING:
    from gome_graph.records import Protections, Solution
    from gome_graph.run import Decision, RunDirectory, RunResult, RunSettings
    from gome_graph.task import Task

TASK, RUN, PARTS, MODELS = "The task", "The run", "Who does what", "Language models"

RUN_HELP = """Improve a solution of TASK until the budget is spent or nothing promising is left; ends with script, submission and report.

TASK is a folder with a task.toml, with CSV files, or a prepared MLE-Bench folder; or leave it out and name files with --train and --target.

Example: [bold]gome run ./sales --budget 10m[/bold]
Example: [bold]gome run --train train.csv --test test.csv --target price --metric rmse[/bold]
"""

RESUME_HELP = """Go on with a run that was stopped, paused or killed; no accepted step is repeated.

Example: [bold]gome resume runs/sales-3f2a1c[/bold]
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run", help=RUN_HELP)(run)
    app.command("resume", help=RESUME_HELP)(resume)


def run(
    task: Annotated[Path | None, typer.Argument(metavar="[TASK]", help="Folder of the task.", show_default=False)] = None,
    train: Annotated[str | None, typer.Option(help="Training table (CSV).", rich_help_panel=TASK, show_default=False)] = None,
    test: Annotated[str | None, typer.Option(help="Table to predict.", rich_help_panel=TASK, show_default=False)] = None,
    sample: Annotated[str | None, typer.Option(help="Sample submission.", rich_help_panel=TASK, show_default=False)] = None,
    target: Annotated[list[str] | None, typer.Option(help="Target column; repeatable.", rich_help_panel=TASK, show_default=False)] = None,
    metric: Annotated[str | None, typer.Option(help="For example rmse, auc, log-loss.", rich_help_panel=TASK, show_default=False)] = None,
    id: Annotated[str | None, typer.Option("--id", help="Id column.", rich_help_panel=TASK, show_default=False)] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Column to hide; repeatable.", rich_help_panel=TASK, show_default=False)] = None,
    budget: Annotated[str, typer.Option(help="Wall clock of the whole run: 90s, 10m, 1h30m.", rich_help_panel=RUN)] = "10m",
    traces: Annotated[
        int | None,
        typer.Option(help="Parallel traces; 3, or fewer on a short budget.", rich_help_panel=RUN, min=1, max=64, show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="All randomness comes from it.", rich_help_panel=RUN, min=0, max=MAX_SEED)] = 0,
    max_steps: Annotated[
        int | None, typer.Option(help="Steps per trace; decisions then do not depend on the clock.", rich_help_panel=RUN, min=1)
    ] = None,
    cpus: Annotated[int | None, typer.Option(help="Cores to use; all by default.", rich_help_panel=RUN, min=1, show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run directory (default: runs/<task>-<id>).", rich_help_panel=RUN, show_default=False)
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="Pause before the result is chosen; go on with gome resume.", rich_help_panel=RUN)
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.", rich_help_panel=RUN)] = False,
    reasoner: Annotated[
        str | None, typer.Option(help="Who thinks; rules, or llm where --model is given.", rich_help_panel=PARTS, show_default=False)
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", metavar="P:M", rich_help_panel=MODELS, show_default=False,
            help="Language model, for example openai:gpt-5, mailbox:DIR, replay:FILE; code=P:M for one role. Repeatable.",
        ),
    ] = None,
    fallback: Annotated[
        list[str] | None,
        typer.Option(metavar="P:M", help="Model to ask where the first fails; repeatable.", rich_help_panel=MODELS, show_default=False),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Address of an OpenAI-compatible server.", rich_help_panel=MODELS, show_default=False)
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="Hard cap on what models cost, US dollars.", rich_help_panel=MODELS, show_default=False)
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Hard cap on their tokens.", rich_help_panel=MODELS, min=1, show_default=False)
    ] = None,
    prompt_tokens: Annotated[
        int | None,
        typer.Option(help="Most tokens of a prompt; 24,000 by default.", rich_help_panel=MODELS, min=1000, show_default=False),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="Table of prices (TOML) that overrides ours.", rich_help_panel=MODELS, show_default=False)
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write all requests and answers to this file too.", rich_help_panel=MODELS, show_default=False)
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="Who chooses where a step starts; gradient, or auto with --model.", rich_help_panel=PARTS, show_default=False),
    ] = None,
    executor: Annotated[str, typer.Option(help="Where scripts run.", rich_help_panel=PARTS)] = "local",
    memory: Annotated[
        str,
        typer.Option(help="auto, none, shared (by all your runs), a folder, NAME, NAME:FOLDER, chroma://host:port.", rich_help_panel=PARTS),
    ] = "auto",
    no_memory: Annotated[bool, typer.Option("--no-memory", help="The same as --memory none.", rich_help_panel=PARTS)] = False,
    no_diagnosis: Annotated[
        bool, typer.Option("--no-diagnosis", help="Ablation: no structured diagnosis.", rich_help_panel=PARTS)
    ] = False,
    least_gain: Annotated[
        float | None,
        typer.Option(
            help="Noise units a change must be expected to gain, 0.5 by default; 0: go on until the budget is used.",
            rich_help_panel=RUN, min=0, show_default=False,
        ),
    ] = None,
    no_audit_selection: Annotated[
        bool, typer.Option("--no-audit-selection", help="Ablation: the last choice is by validation alone.", rich_help_panel=PARTS)
    ] = False,
    closed_world: Annotated[
        bool, typer.Option("--closed-world", help="Refuse a shared memory, and scripts that could use the network.", rich_help_panel=PARTS)
    ] = False,
    plugins: Annotated[
        str | None, typer.Option(help="Load only these plugins: a,b.", rich_help_panel=PARTS, show_default=False)
    ] = None,
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Load built-in parts alone.", rich_help_panel=PARTS)] = False,
    json_events: Annotated[
        bool, typer.Option("--json-events", help="Print each event as a line of JSON, the result last.")
    ] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Improve a solution of a task until the budget is spent."""
    seconds = parse_duration(budget)
    output.mode.json = json or json_events
    from gome_graph.errors import TaskError
    from gome_graph.graph import load_task_with_plugins
    from gome_graph.run import RunSettings, default_audit, default_final_seeds, default_traces

    selected = _plugins(plugins, no_plugins)
    server = memory if "://" in memory and not no_memory else None
    chosen, folder = ("chroma", None) if server else _memory(memory, no_memory, selected)
    if closed_world and (shares := server or folder):
        raise TaskError(f"--closed-world begins with an empty memory, but --memory shares {shares}; leave out one of the two")
    asked = _models(model, fallback, base_url, max_cost, max_tokens, prices, record, prompt_tokens, reasoner)
    if least_gain is not None:
        asked["reasoner_config"] = _rules_config(least_gain, reasoner, model)
    settings = RunSettings(
        budget_seconds=seconds, traces=traces or default_traces(seconds, cpus, max_steps), seed=seed, max_steps=max_steps,
        audit=default_audit(seconds, cpus, max_steps), final_seeds=default_final_seeds(seconds, cpus, max_steps),
        reasoner=reasoner or ("llm" if model else "rules"),
        **asked,
        strategy=strategy or ("auto" if model else "gradient"),
        executor=executor, memory=chosen, memory_path=folder, memory_server=server, diagnosis=not no_diagnosis,
        audit_selection=not no_audit_selection, cpus=cpus, closed_world=closed_world, plugins=selected, review=review,
    )  # fmt: skip
    if settings.models:
        from gome_graph.graph.models import check_models

        check_models(settings)
    what = load_task_with_plugins(
        task, settings.plugins, train=train, test=test, sample=sample, target=target or None, metric=metric, id=id, drop=tuple(drop or ())
    )
    raise typer.Exit(run_task(what, settings, out, dry_run=dry_run, json_events=json_events))


def resume(
    run: RunArg,
    finish: Annotated[bool, typer.Option("--finish", help="A paused run: choose and hand out now.")] = False,
    more: Annotated[bool, typer.Option("--more", help="A run paused for its review: take further steps first.")] = False,
    json_events: Annotated[bool, typer.Option("--json-events", help="Print each event as a line of JSON.")] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Go on with a run that was stopped, paused or killed."""
    output.mode.json = json or json_events
    decision = _decision(run, finish, more)
    from gome_graph.cli.running import carry_out, last_words, process_age, summary
    from gome_graph.graph import resume as go_on

    result = carry_out(
        lambda observers, stopped: go_on(run, decision=decision, observers=observers, stopped=stopped, head_start=process_age()),
        run.resolve(), json_events=json_events,
    )  # fmt: skip
    last_words(result)
    output.result(summary(result))
    raise typer.Exit(result.exit_code)


def _decision(run: Path, finish: bool, more: bool) -> "Decision":
    """The answer that the flags give to a pause."""
    from gome_graph.cli.commands.common import open_run, status, story
    from gome_graph.errors import RunError, TaskError
    from gome_graph.run import Action, Decision

    if finish and more:
        raise TaskError("--finish and --more exclude each other; give one of the two")
    if not (finish or more):
        return Decision()
    opened = open_run(run)
    state = status(opened, story(opened))
    if state != "paused":
        raise RunError(f"{run} is not paused (status: {state}); {'--finish' if finish else '--more'} answers a pause")
    return Decision(action=Action.FINISH if finish else Action.CONTINUE)


def run_task(
    task: "Task", settings: "RunSettings", out: Path | None, *, dry_run: bool = False, json_events: bool = False,
    origin: "tuple[RunDirectory, Solution] | None" = None,
) -> int:  # fmt: skip
    """Say what will be done, do it, say what came of it; returns the exit code. `origin`: see `gome_graph.graph.start`."""
    from gome_graph.cli.running import summary
    from gome_graph.run import RunDirectory

    place = out or RunDirectory.place(task.name)
    if dry_run:
        protections = _protections(settings)
        _announce(task, settings, protections, place)
        output.result({"dry_run": True, "task": task.model_dump(mode="json"), "settings": settings.model_dump(mode="json"),
                       "protections": protections.model_dump(mode="json"), "out": str(place)})  # fmt: skip
        return 0
    result = run_task_result(task, settings, place, json_events=json_events, origin=origin)
    output.result(summary(result))
    return result.exit_code


def run_task_result(
    task: "Task", settings: "RunSettings", place: Path, *, json_events: bool = False,
    origin: "tuple[RunDirectory, Solution] | None" = None,
) -> "RunResult":  # fmt: skip
    """Announce, run, report, last words."""
    from gome_graph.cli.running import carry_out, last_words, process_age

    _announce(task, settings, _protections(settings), place)
    from gome_graph.graph import start

    result = carry_out(
        lambda observers, stopped: start(
            task, settings, out=place, origin=origin, observers=observers, stopped=stopped, head_start=process_age()
        ),
        place,
        json_events=json_events,
    )
    last_words(result)
    return result


def _memory(memory: str, no_memory: bool, plugins: list[str] | None) -> tuple[str, Path | None]:
    """The name of a memory chooses it, ``shared`` is the user's own for all runs, anything else is a folder to share; ``NAME:FOLDER`` or
    ``NAME:shared`` are both."""
    if no_memory or memory == "none":
        return "none", None
    if memory == "auto":
        return memory, None
    from gome_graph.graph.builtins import load
    from gome_graph.support.places import SHARED, shared_memory

    def folder(text: str) -> Path:
        return shared_memory() if text == SHARED else Path(text).expanduser().resolve()

    if memory == SHARED:
        return "auto", folder(memory)
    name, _, rest = memory.partition(":")
    if name in {offer.name for offer in load(plugins).offers("memory")}:
        return name, folder(rest) if rest else None
    return "auto", folder(memory)


def _models(
    model: list[str] | None, fallback: list[str] | None, base_url: str | None, max_cost: float | None, max_tokens: int | None,
    prices: Path | None, record: Path | None, prompt_tokens: int | None, reasoner: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Settings of the language models.

    Raises
    ------
    TaskError
        If flags do not fit together.
    """
    from gome_graph.errors import TaskError

    flags = {"--fallback": fallback, "--base-url": base_url, "--max-cost": max_cost, "--max-tokens": max_tokens, "--prices": prices,
             "--record": record, "--prompt-tokens": prompt_tokens}  # fmt: skip
    if not model:
        lone = next((flag for flag, value in flags.items() if value), None)
        if lone is not None:
            raise TaskError(f"{lone} is about language models, but no --model is given; add one, for example --model openai:gpt-5")
        if reasoner is not None and "llm" in reasoner:
            raise TaskError(f"--reasoner {reasoner} asks a language model; name it with --model, for example --model openai:gpt-5")
        return {}
    if reasoner == "rules":
        raise TaskError("--reasoner rules asks no language model; leave out --model, or take --reasoner llm or rules+llm")
    if max_cost is not None and not 0 < max_cost < float("inf"):
        raise TaskError(f"--max-cost {max_cost:g} is no amount of money that models may cost; give one above 0, or leave the flag out")
    if base_url is not None and not _is_web_address(base_url):
        raise TaskError(f"--base-url {base_url!r} is no web address; write for example http://127.0.0.1:8000/v1")
    if base_url is not None and "@" in base_url.split("/")[2]:
        raise TaskError("--base-url holds a user name or password, which would be written down; put the key into the environment")
    from gome_graph.models.open import absolute

    return {
        "models": [absolute(name) for name in model], "fallback": [absolute(name) for name in fallback or []], "base_url": base_url,
        "max_cost": max_cost, "max_tokens": max_tokens, "prices": prices and prices.expanduser().absolute(),
        "record": record and record.expanduser().absolute(),
        "reasoner_config": {} if prompt_tokens is None else {"prompt_tokens": prompt_tokens},
    }  # fmt: skip


def _rules_config(least_gain: float, reasoner: str | None, model: list[str] | None) -> dict[str, Any]:
    """Settings of the rules reasoner; `TaskError` where another one thinks."""
    from gome_graph.errors import TaskError

    if model or (reasoner or "rules").partition("@")[0] != "rules":
        raise TaskError("--least-gain is about the rules reasoner, but another one is to think; leave it out")
    return {"least_gain": least_gain}


def _is_web_address(url: str) -> bool:
    """Whether it names a scheme, a host and, if any, a port that there is."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port beyond 65535, or a bracket that is not closed
        return False


def _plugins(plugins: str | None, no_plugins: bool) -> list[str] | None:
    if no_plugins:
        return []
    return None if plugins is None else [name.strip() for name in plugins.split(",") if name.strip()]


def _protections(settings: "RunSettings") -> "Protections":
    """Ask the executor which walls are up; also finds out early that a part is missing, or that a closed world cannot be had."""
    from gome_graph.errors import SandboxError
    from gome_graph.graph.builtins import load
    from gome_graph.graph.parts import check_parts

    check_parts(settings)
    executor = load(settings.plugins).make("executor", settings.executor, settings.executor_config)
    try:
        found: Protections = executor.protections()
        if settings.closed_world and not found.network_blocked:
            raise SandboxError("--closed-world needs scripts without network, which no wall here gives; see: gome doctor")
        return found
    finally:
        executor.close()


def _announce(task: "Task", settings: "RunSettings", protections: "Protections", place: Path) -> None:
    """What was inferred, and the walls: loudly where there are none."""
    from rich.table import Table
    from rich.text import Text

    from gome_graph.cli.running import shown
    from gome_graph.report.format import duration, harmless

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    way = "higher is better" if task.higher_is_better else "lower is better"
    table.add_row("task", Text(harmless(task.name), style="bold"))
    table.add_row("metric", f"{task.metric}, {way} (from {task.metric_source})")
    table.add_row("target", harmless(", ".join(task.target) + (f"   id {task.id}" if task.id else "") + f"   split {task.split}"))
    for number, sentence in enumerate(task.inferred):
        table.add_row("inferred" if number == 0 else "", harmless(sentence))
    steps = f", at most {settings.max_steps} steps each" if settings.max_steps else ""
    traces = "1 trace" if settings.traces == 1 else f"{settings.traces} traces"
    table.add_row("budget", f"{duration(settings.budget_seconds)}, {traces}{steps}, seed {settings.seed}")
    table.add_row(
        "parts", f"{settings.reasoner} reasoner, {settings.strategy} strategy, {settings.executor} executor, {settings.memory} memory"
    )
    if settings.models:
        table.add_row("models", harmless(models_line(settings)))
    table.add_row("walls", walls(protections.model_dump()))
    for note in protections.notes:
        table.add_row("", Text(note, style="yellow"))
    table.add_row("run", f"{shown(place)}   (stop with Ctrl-C, the best so far is kept)")
    output.say(table, "")
    if protections.mechanism == "none":
        output.say(Text("WARNING: no sandbox can be had here. Scripts run with your rights, on your files and network.", style="bold red"),
                   stderr=True)  # fmt: skip


def models_line(settings: "RunSettings") -> str:
    """Models, fallbacks and caps in one line."""
    parts = [", ".join(settings.models)]
    if settings.fallback:
        parts.append(f"else {', '.join(settings.fallback)}")
    if settings.base_url:
        parts.append(f"at {settings.base_url}")
    if settings.max_cost is not None:
        parts.append(f"at most ${settings.max_cost:g}")
    if settings.max_tokens is not None:
        parts.append(f"at most {settings.max_tokens:,} tokens")
    return "   ".join(parts)


def walls(protections: dict[str, Any]) -> "Any":
    """The protections in one line, missing ones in red."""
    from rich.text import Text

    names = {"network_blocked": "network", "filesystem_confined": "files", "processes_confined": "processes", "memory_limited": "memory"}
    line = Text(f"{protections.get('mechanism', 'unknown')}: ")
    for number, (key, word) in enumerate(names.items()):
        up = bool(protections.get(key))
        line.append(f"{', ' if number else ''}{word} {'✓' if up else 'OPEN'}", style="green" if up else "bold red")
    return line
