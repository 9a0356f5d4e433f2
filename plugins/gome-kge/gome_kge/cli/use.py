"""``gome kge evaluate|predict|explain|neighbours|export|datasets``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_kge.cli.common import DataOption, ModelOption, Progress, ThreadsOption, use_threads

if TYPE_CHECKING:
    from gome_kge.ask import Asker
    from gome_kge.predictor import Predictor


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (evaluate, predict, explain, neighbours, export, plot, datasets):
        app.command(command.__name__)(command)


def _predictor(model: Path, threads: int | None) -> "Predictor":
    use_threads(threads)
    from gome_kge.predictor import Predictor

    return Predictor.load(model)


def _asker(model: Path, threads: int | None) -> "Asker":
    from gome_kge.ask import Asker

    return Asker(_predictor(model, threads))


def _table(columns: list[str], rows: list[list[str]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in ("entity", "relation", "split", "set", "name") else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def evaluate(
    model: ModelOption,
    split: Annotated[str, typer.Option("--split", help="valid or test.")] = "test",
    threads: ThreadsOption = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Rank a split's triples, filtered, both directions. Example: gome kge evaluate --model runs/kge-mine --split test"""
    if split not in ("valid", "test"):
        raise TaskError(f"--split {split!r} is neither valid nor test.")
    predictor = _predictor(model, threads)
    from gome_kge.pipeline import evaluate as measure

    progress = Progress()
    found = measure(predictor, split, lambda part: progress(f"ranking, {100 * part:.0f} %"))
    progress.end()
    result(found)
    rows = [
        [kind, *(f"{values[name]:.4f}" for name in ("mrr", "hits@1", "hits@3", "hits@10"))]
        for kind, values in found["by_rank_type"].items()
    ]
    say(_table(["name", "MRR", "hits@1", "hits@3", "hits@10"], rows))
    tell(json.dumps({name: found[name] for name in ("mrr", "hits@1", "hits@3", "hits@10", "by_rank_type", "ties")}))


def predict(
    model: ModelOption,
    relation: Annotated[str, typer.Option("--relation", "-r", help="Name of the relation.")],
    head: Annotated[str | None, typer.Option("--head", help="Predict tails of this head.")] = None,
    tail: Annotated[str | None, typer.Option("--tail", help="Predict heads of this tail.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many.")] = 10,
    known: Annotated[bool, typer.Option("--known", help="Show triples that the graph has already, too.")] = False,
    threads: ThreadsOption = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """The best missing links. Example: gome kge predict --model runs/kge-mine --head aspirin --relation treats --top 5"""
    asker = _asker(model, threads)
    answers = asker.predict(relation=relation, head=head, tail=tail, k=top, known=known)
    result({"head": head, "relation": relation, "tail": tail, "answers": [vars(answer) for answer in answers]})
    if quiet:
        tell("\n".join(answer.entity for answer in answers))
        return
    rows = [[asker.graph.label(a.entity), f"{a.score:.3f}", f"{a.probability:.4f}", "yes" if a.known else ""] for a in answers]
    tell(_table(["entity", "score", "softmax", "known"], rows))


def explain(
    model: ModelOption,
    head: Annotated[str, typer.Option("--head", help="Name of the head.")],
    relation: Annotated[str, typer.Option("--relation", "-r", help="Name of the relation.")],
    tail: Annotated[str, typer.Option("--tail", help="Name of the tail.")],
    threads: ThreadsOption = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Rules and paths that speak for a triple. Example: gome kge explain --model runs/kge-mine --head a --relation r --tail b"""
    found = _asker(model, threads).explain(head, relation, tail)
    result(found)
    lines = [f"{head} -{relation}-> {tail}: rank {found['rank']}, score {found['score']:.3f}" + (", known" if found["known"] else "")]
    for item in found["evidence"]:
        lines.append(f"{100 * item['confidence']:.0f} %  {item['rule']}  (seen {item['support']} times)")
        lines.extend(f"       by {' -> '.join(path)}" for path in item["paths"])
    lines.extend(f"connected: {path}" for path in found["paths"])
    if len(lines) == 1:
        lines.append("No rule speaks for it, and no path of two steps connects the two.")
    tell("\n".join(lines))


def neighbours(
    model: ModelOption,
    entity: Annotated[str, typer.Option("--entity", help="Name of the entity.")],
    top: Annotated[int, typer.Option("--top", min=1, help="How many.")] = 10,
    threads: ThreadsOption = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """The entities whose vectors are closest. Example: gome kge neighbours --model runs/kge-mine --entity aspirin"""
    found = _asker(model, threads).neighbours(entity, top)
    result({"entity": entity, "neighbours": [{"entity": name, "cosine": value} for name, value in found]})
    tell("\n".join(name for name, _ in found) if quiet else _table(["entity", "cosine"], [[name, f"{value:.4f}"] for name, value in found]))


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write: .npz, .parquet, .safetensors or .txt (word2vec).")],
    model: ModelOption,
    format_: Annotated[
        str | None, typer.Option("--format", help="npz, parquet, safetensors or word2vec, if the ending does not say.")
    ] = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the vectors for other programs. Example: gome kge export vectors.npz --model runs/kge-mine"""
    predictor = _predictor(model, None)
    from gome_kge.export import export as write

    kind = write(predictor, file, format_)
    result({"file": str(file), "format": kind, "entities": predictor.graph.n_entities})
    say(f"Wrote {predictor.graph.n_entities} entities and {predictor.graph.n_relations} relations to {file} ({kind}).")


def plot(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="HTML file to write.")],
    model: ModelOption,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Draw the training's curves and a map of the entities. Example: gome kge plot training.html --model runs/kge-mine"""
    use_threads(None)
    from gome_kge.plot import plot as draw

    try:
        draw(model, file)
    except OSError as error:
        raise TaskError(f"{file} cannot be written: {error.strerror or error}; choose another place.") from error
    result({"file": str(file)})
    say(f"Wrote {file}.")


def datasets(
    data: DataOption, overlap: Annotated[str, typer.Option("--overlap", help="refuse or drop.")] = "refuse",
    json_: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Look at a data set, or at a folder of them, and check it. Example: gome kge datasets --data ./my-graph"""
    from gome_kge.data import load_graph
    from gome_kge.data.files import find

    places = [data]
    if data.is_dir():
        try:
            find(data)
        except TaskError:
            inner = sorted(path for path in data.iterdir() if path.is_dir() and not path.name.startswith("."))
            places = inner or places
    found: list[dict[str, Any]] = []
    rows: list[list[str]] = []
    for place in places:
        try:
            graph = load_graph(place, overlap="drop" if overlap == "drop" else "refuse")
        except TaskError as error:
            if len(places) == 1:
                raise
            found.append({"path": str(place), "error": str(error)})
            say(f"{place}: {error}")
            continue
        facts = graph.facts()
        found.append({"path": str(place), **facts, "notes": list(graph.notes)})
        rows.append([str(value) for value in facts.values()])
        for note in graph.notes if len(places) == 1 else ():
            say(f"note: {note}")
    result({"datasets": found})
    tell(_table(["set", "entities", "relations", "train", "valid", "test"], rows))
