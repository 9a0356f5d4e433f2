"""``gome kge train``."""

import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from gome_graph.cli.options import Debug, Json, Quiet, parse_duration
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_kge.cli.common import DataOption, Progress, ThreadsOption, use_threads

SHORT = ("mrr", "hits@1", "hits@3", "hits@10", "mrr_standard_error", "triples", "by_rank_type", "ties", "valid_mrr", "rules", "seconds")
"""What the last line of a training shows; the whole report is in metrics.json."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train")(train)


def train(
    data: DataOption,
    config: Annotated[str | None, typer.Option("--config", metavar="NAME|FILE", help="Shipped settings by name, or a YAML file.")] = None,
    time_: Annotated[str | None, typer.Option("--time", metavar="TIME", help="Wall time for everything, for example 10m.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder to write; runs/kge-<data> by default.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Everything random follows from it.")] = 0,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change one setting; may be repeated.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in --out.")] = False,
    overlap: Annotated[str, typer.Option("--overlap", help="Train triples that also stand in valid or test: refuse or drop.")] = "refuse",
    rules: Annotated[
        bool | None,
        typer.Option("--rules/--no-rules", help="Combine with mined rules; by default only where the recipe is found by itself."),
    ] = None,
    threads: ThreadsOption = None,
    processes: Annotated[
        int,
        typer.Option("--processes", min=1, help="Processes on this machine that share each batch; needs --config or --set. See torchrun."),
    ] = 1,
    tensorboard: Annotated[
        Path | None, typer.Option("--tensorboard", metavar="DIR", help="Write the curves of each member as TensorBoard events.")
    ] = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train on a knowledge graph and measure on its test triples; the recipe is found by itself.

    Example: gome kge train --data ./my-graph --time 10m
    """
    if overlap not in ("refuse", "drop"):
        raise TaskError(f"--overlap {overlap!r} is neither refuse nor drop.")
    seconds = None if time_ is None else _seconds(time_)
    use_threads(threads, processes)
    from gome_kge.data import load_graph
    from gome_kge.pipeline import train as run
    from gome_kge.pipeline import train_fixed
    from gome_kge.training.curves import check_tensorboard
    from gome_kge.training.parallel import joined, local_group

    if tensorboard is not None:
        check_tensorboard()
    graph = load_graph(data, overlap="drop" if overlap == "drop" else "refuse", seed=seed)
    settings = _settings(config, set_ or [], seed)
    if settings is None and (processes > 1 or "RANK" in os.environ):
        raise TaskError("Several processes train with given settings; name them with --config or --set, or leave --processes out.")
    folder = out or _free(Path("runs") / f"kge-{graph.name}")
    facts = graph.facts()
    say(f"{graph.name}: {facts['entities']} entities, {facts['relations']} relations, {facts['train']} train triples")
    for note in graph.notes:
        say(f"note: {note}")
    command = [sys.executable, "-m", "gome_graph.cli", *sys.argv[1:], "--quiet", *([] if out else ["--out", str(folder)])]
    progress = Progress()
    with local_group(processes, command) if processes > 1 and "RANK" not in os.environ else nullcontext(), joined() as group:
        if settings is not None and not group.first:
            train_fixed(graph, settings, folder, seconds=seconds, resume=resume, group=group)
            return
        outcome = run(
            graph, folder, settings=settings, seconds=seconds, seed=seed, rules=rules, resume=resume, told=progress, group=group,
            log=tensorboard,
        )  # fmt: skip
    progress.end()
    shown = {"out": str(folder), **outcome.metrics}
    result(shown)
    tell(json.dumps({"out": str(folder), **{name: outcome.metrics[name] for name in SHORT if name in outcome.metrics}}))


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except TaskError as error:
        raise TaskError(str(error).replace("--budget", "--time")) from error


def _free(path: Path) -> Path:
    """`path`, or `path` with the first number that is free."""
    number = 1
    found = path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found


def _settings(config: str | None, changes: list[str], seed: int) -> Any:
    """The settings that the flags fix, or None if the recipe is to be found."""
    import yaml

    from gome_kge.recipes import make_settings, read_config

    if config is None and not changes:
        return None
    value = read_config(config).model_dump() if config is not None else {}
    value["seed"] = seed
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise TaskError(f"--set {change!r} is not NAME=VALUE; write for example --set rank=200.")
        value[name.strip()] = yaml.safe_load(text)
    return make_settings(value, "--set" if config is None else f"--config {config}")
