"""``gome memory``: look into a memory, mend it, carry it elsewhere."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import RunError, TaskError
from gome_graph.support.places import SHARED, shared_memory

if TYPE_CHECKING:
    from gome_graph.records import Experience
    from gome_memory.store import Store

memory_app = typer.Typer(
    help="What worked and what did not: list, show, forget, restore, export, import and rebuild the success memory.", no_args_is_help=True
)

RunOption = Annotated[Path | None, typer.Option("--run", metavar="DIR", help="A run directory; its memory is DIR/memory.")]
PathOption = Annotated[Path | None, typer.Option("--path", metavar="DIR", help="A memory directory, or shared: that of --memory shared.")]
KeyArgument = Annotated[
    str, typer.Argument(metavar="KEY", help="Key of an experience, as `gome memory list` shows it, or an unambiguous end of it.")
]


def directory(run: Path | None, path: Path | None) -> Path:
    """The memory directory that the flags name.

    Raises
    ------
    TaskError
        If they name none, or two.
    """
    if (run is None) == (path is None):
        raise TaskError("Say which memory: --run DIR for that of a run, or --path DIR for a memory directory (one of the two).")
    if path is None:
        return Path(str(run)) / "memory"
    return shared_memory() if path == Path(SHARED) and not path.is_dir() else path


def opened(run: Path | None, path: Path | None, *, write: bool = False) -> "Store":
    """The store that the flags name; it must exist."""
    from gome_memory.store import FILE_NAME, Store

    where = directory(run, path)
    if not (where / FILE_NAME).is_file():
        raise RunError(f"There is no memory in {where} ({FILE_NAME} is missing); name a run with --run or a memory with --path.")
    return Store(where, read_only=not write)


def resolve(store: "Store", key: str, *, forgotten: bool = False) -> "Experience":
    """The experience of a key or of an unambiguous end of one (``t1-4``)."""
    exact = store.get(key, forgotten=forgotten)
    if exact is not None:
        return exact
    fits = [item for item in store.select(forgotten=forgotten) if item.key.endswith(f"/{key}")]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise TaskError(
            f"{key!r} fits {len(fits)} experiences in {store.directory}: {', '.join(item.key for item in fits[:4])}; write one in full."
        )
    kind = "forgotten experience" if forgotten else "experience"
    raise TaskError(f"There is no {kind} {key!r} in {store.directory}; `gome memory list` shows the keys.")


def summary(item: "Experience") -> dict[str, Any]:
    """One line of the list, for machines."""
    return {
        "key": item.key, "task": item.task, "verdict": item.verdict.value, "gain_in_noise": item.gain_in_noise, "gain": item.gain,
        "hypothesis": item.hypothesis.title, "component": item.hypothesis.component.value, "technique": item.hypothesis.technique,
        "cost_seconds": item.cost_seconds,
    }  # fmt: skip


@memory_app.command("list")
def list_(
    run: RunOption = None,
    path: PathOption = None,
    task: Annotated[str | None, typer.Option(help="Only experiences of this task.")] = None,
    verdict: Annotated[str | None, typer.Option(help="Only this verdict: accepted, not_better, leakage, crashed …")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only the N with the largest gain in noise units.")] = None,
    forgotten: Annotated[bool, typer.Option("--forgotten", help="The forgotten ones instead.")] = False,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List experiences, largest gain first. Example: gome memory list --run runs/titanic-3f2a1c --verdict accepted --top 10"""
    from gome_graph.records import VerdictKind

    known = [kind.value for kind in VerdictKind]
    if verdict is not None and verdict not in known:
        raise TaskError(f"--verdict {verdict!r} is none that there is; write one of: {', '.join(known)}.")
    store = opened(run, path)
    items = store.select(task=task, verdict=verdict, top=top, forgotten=forgotten)
    result({"memory": str(store.directory), "experiences": [summary(item) for item in items]})
    if not items:
        what = "forgotten experiences" if forgotten else "experiences"
        filters = [f"{name} {value}" for name, value in (("task", task), ("verdict", verdict)) if value is not None]
        tell(f"No {what}{' with ' + ' and '.join(filters) if filters else ''} in {store.directory}.")
        return
    if quiet:
        tell("\n".join(item.key for item in items))
        return
    tell(_table(items))
    say(f"{len(items)} in {store.directory}; more of one: gome memory show KEY --path {store.directory}")


def _table(items: "list[Experience]") -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("key", no_wrap=True)
    table.add_column("task")
    table.add_column("verdict")
    table.add_column("gain, noise units", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("hypothesis", ratio=1)
    for item in items:
        style = "green" if item.success else ""
        row = (item.key, item.task, item.verdict.value, f"{item.gain_in_noise:+.2f}", f"{item.cost_seconds:.1f}", item.hypothesis.title)
        table.add_row(*(Text(cell, style=style) for cell in row))
    return table


@memory_app.command()
def show(
    key: KeyArgument, run: RunOption = None, path: PathOption = None, json_: Json = False, quiet: Quiet = False, debug: Debug = False
) -> None:
    """Show one experience in full. Example: gome memory show t1-4 --run runs/titanic-3f2a1c"""
    from gome_memory.store import encode

    store = opened(run, path)
    item = resolve(store, key)
    result(json.loads(encode(item)))
    gain = "" if item.gain is None else f", {item.gain:+.6g} in the metric"
    lines = [
        f"{item.key}  ({item.task})",
        f"verdict     {item.verdict.value}: {item.reason}" if item.reason else f"verdict     {item.verdict.value}",
        f"gain        {item.gain_in_noise:+.2f} noise units{gain}",
        f"hypothesis  {item.hypothesis.title}",
        f"why         {item.hypothesis.rationale}",
        f"component   {item.hypothesis.component.value}"
        + (f", technique {item.hypothesis.technique}" if item.hypothesis.technique else ""),
        f"findings    {', '.join(item.findings) or 'none'}",
        f"patch       {item.patch_summary or 'no summary'}",
        f"cost        {item.cost_seconds:.1f} s",
    ]
    tell("\n".join(lines))


@memory_app.command()
def forget(
    key: KeyArgument,
    run: RunOption = None,
    path: PathOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be forgotten; change nothing.")] = False,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Hide an experience from recall; `gome memory restore` undoes it. Example: gome memory forget t1-4 --run runs/titanic-3f2a1c --yes"""
    store = opened(run, path, write=not dry_run)
    item = resolve(store, key)
    if dry_run:
        result({"key": item.key, "forgotten": False, "dry_run": True})
        tell(f"Would forget {item.key} ({item.hypothesis.title}).")
        return
    if not yes:
        if json_:
            raise TaskError("With --json nobody can be asked; add --yes to forget, or --dry-run to see what would go.")
        typer.confirm(f"Forget {item.key} ({item.hypothesis.title})?", abort=True)
    store.forget(item.key)
    store.close()
    result({"key": item.key, "forgotten": True, "dry_run": False})
    say(f"Forgot {item.key}. Undo: gome memory restore {item.key} --path {store.directory}")


@memory_app.command()
def restore(
    key: KeyArgument, run: RunOption = None, path: PathOption = None, json_: Json = False, quiet: Quiet = False, debug: Debug = False
) -> None:
    """Bring a forgotten experience back. Example: gome memory restore t1-4 --run runs/titanic-3f2a1c"""
    store = opened(run, path, write=True)
    hidden = {item.key for item in store.select(forgotten=True)}
    fits = [key] if key in hidden else sorted(name for name in hidden if name.endswith(f"/{key}"))
    if len(fits) != 1:
        what = f"fits {len(fits)} forgotten experiences" if fits else "is not a forgotten experience"
        raise TaskError(f"{key!r} {what} in {store.directory}; `gome memory list --forgotten` shows them.")
    store.restore(fits[0])
    store.close()
    result({"key": fits[0], "restored": True})
    say(f"Restored {fits[0]}.")


@memory_app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines file to write, one experience a line.")],
    run: RunOption = None,
    path: PathOption = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write all experiences to a file for `gome memory import`. Example: gome memory export lessons.jsonl --run runs/titanic-3f2a1c"""
    from gome_graph.support.files import write_text
    from gome_memory.store import encode

    store = opened(run, path)
    items = sorted(store.select(), key=lambda item: item.key)
    if file.is_dir():
        raise TaskError(f"{file} is a directory; name a file to write.")
    try:
        write_text(file, "".join(encode(item) + "\n" for item in items))
    except OSError as error:
        raise TaskError(f"{file} cannot be written: {error.strerror or error}; choose another place.") from error
    result({"file": str(file), "experiences": len(items)})
    say(f"Wrote {len(items)} experiences to {file}." if items else f"The memory {store.directory} is empty; wrote an empty {file}.")


@memory_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines file that `gome memory export` wrote.")],
    run: RunOption = None,
    path: PathOption = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Add the experiences of a file, all or none; the same key replaces. Example: gome memory import lessons.jsonl --path ~/lessons"""
    from gome_memory.store import Store

    where = directory(run, path)
    if run is not None and not run.is_dir():
        raise RunError(f"There is no run directory {run}.")
    items = _read_lines(file)
    store = Store(where)
    store.write(items)
    store.close()
    result({"memory": str(where), "experiences": len(items)})
    say(f"Added {len(items)} experiences to {where}.")


def _read_lines(file: Path) -> "list[Experience]":
    from pydantic import ValidationError

    from gome_graph.records import Experience

    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    items = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            items.append(Experience.model_validate(json.loads(line)))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the line"
            raise TaskError(f"{file}, line {number}: {field}: {first['msg']}; nothing was imported.") from error
        except ValueError as error:
            raise TaskError(f"{file}, line {number} is not JSON ({error}); nothing was imported.") from error
    return items


@memory_app.command()
def rebuild(
    run: RunOption = None,
    path: PathOption = None,
    embedding: Annotated[str, typer.Option(help="Embedding of the index to build again.")] = "minilm",
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Throw the search index away and build it again from the experiences. Example: gome memory rebuild --run runs/titanic-3f2a1c"""
    from gome_memory.errors import IndexUnavailable
    from gome_memory.memory import SuccessMemory

    opened(run, path).close()
    memory = SuccessMemory(directory(run, path), embedding=embedding)
    try:
        rows = memory.rebuild()
        status = memory.status()
    except IndexUnavailable as error:
        raise RunError(f"The index of {memory.path} cannot be built: {error}") from error
    finally:
        memory.close()
    result({"memory": str(memory.path), "experiences": status["experiences"], "hypotheses": rows, "embedding": embedding})
    say(f"Built the index of {memory.path} again: {status['experiences']} experiences, {rows} distinct hypotheses and outcomes.")
