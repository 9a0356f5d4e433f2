"""``gome kge search``."""

from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli.options import Debug, Json, Quiet, parse_duration
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_kge.cli.common import DataOption, Progress, ThreadsOption, use_threads


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("search")(search)


def search(
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="YAML file for the best settings, for --config of train.")],
    trials: Annotated[int, typer.Option("--trials", min=1, help="How many settings to try.")] = 20,
    time_: Annotated[str, typer.Option("--time", metavar="TIME", help="Wall time for all of them.")] = "10m",
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    threads: ThreadsOption = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Search settings with Optuna, on validation. Example: gome kge search --data ./my-graph --trials 20 --out best.yaml"""
    try:
        seconds = parse_duration(time_)
    except TaskError as error:
        raise TaskError(str(error).replace("--budget", "--time")) from error
    if out.is_dir():
        raise TaskError(f"{out} is a directory; name a YAML file to write.")
    use_threads(threads)
    import yaml

    from gome_graph.support.files import write_text
    from gome_kge.data import load_graph
    from gome_kge.search import search as run

    graph = load_graph(data, seed=seed)
    progress = Progress()
    settings, value, rows = run(graph, trials=trials, seconds=seconds, seed=seed, told=progress)
    progress.end()
    text = f"# Found by gome kge search on {graph.name}: validation MRR {value:.4f}\n" + yaml.safe_dump(
        settings.model_dump(), sort_keys=False
    )
    write_text(out, text)
    result({"settings": settings.model_dump(), "valid_mrr": value, "file": str(out), "trials": rows})
    tell(f"validation MRR {value:.4f}, settings in {out}")
    say(f"Train with them: gome kge train --data {data} --config {out}")
