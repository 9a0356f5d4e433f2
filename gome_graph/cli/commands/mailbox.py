"""``gome mailbox``: read and answer what a run with ``--model mailbox:DIR`` asks."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gome_graph.cli import output
from gome_graph.cli.options import Debug, Json, Quiet

if TYPE_CHECKING:
    from gome_graph.models.mailbox import Letter, Mailbox

APP_HELP = """Answer what a run with --model mailbox:DIR asks: by hand, from a chat window, or as another agent.

Example: [bold]gome mailbox list ./letters[/bold]
"""

LIST_HELP = """List the open requests of a mailbox, oldest first.

Example: [bold]gome mailbox list ./letters[/bold]
"""

SHOW_HELP = """Print a request: the prompt and the JSON schema of the answer, ready to paste. Without NAME the oldest open one.

Example: [bold]gome mailbox show ./letters > prompt.md[/bold]
"""

ANSWER_HELP = """Answer a request with a JSON object from FILE, or from standard input; it is checked against the schema first.

Example: [bold]gome mailbox answer ./letters 3f2a1c-t0-1 answer.json[/bold]
Example: [bold]my-agent < prompt.md | gome mailbox answer ./letters 3f2a1c-t0-1[/bold]
"""

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The mailbox's folder.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    mailbox = typer.Typer(help=APP_HELP, no_args_is_help=True, rich_markup_mode="rich")
    mailbox.command("list", help=LIST_HELP)(list_)
    mailbox.command("show", help=SHOW_HELP)(show)
    mailbox.command("answer", help=ANSWER_HELP)(answer)
    app.add_typer(mailbox, name="mailbox")


def list_(
    folder: Folder,
    all_: Annotated[bool, typer.Option("--all", help="Answered ones too.")] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """List requests."""
    letters = [letter for letter in _open(folder).letters() if all_ or not letter.answered]
    output.result([_row(letter) for letter in letters])
    if not letters:
        output.tell(f"no {'' if all_ else 'open '}requests in {folder}")
        return
    output.tell(_table(letters))


def show(
    folder: Folder,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The request, or the beginning of its name.", show_default=False)]
    = None,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Print a request."""
    from gome_graph.models.mailbox import render

    box = _open(folder)
    letter = _chosen(box, name)
    output.result({**letter.body, "answered": letter.answered, "answer_file": str(box.answer_path(letter.name))})
    if not output.mode.json:
        print(render(letter.body, box.answer_path(letter.name)), end="")


def answer(
    folder: Folder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The request, or the beginning of its name.", show_default=False)],
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The answer; standard input if left out or -.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Take an answer that does not fit, or replace one.")] = False,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Answer a request."""
    from gome_graph.errors import TaskError

    box = _open(folder)
    letter = box.letter(name)
    if letter.answered and not force:
        raise TaskError(f"{letter.name} is answered already; give --force to replace the answer")
    text = _read(file)
    if not force:
        text = _checked(text, letter, file)
    box.answer(letter.name, text)
    output.result({"name": letter.name, "answered": True, "answer_file": str(box.answer_path(letter.name))})
    output.say(f"answered {letter.name}")


def _open(folder: Path) -> "Mailbox":
    from gome_graph.errors import TaskError
    from gome_graph.models.mailbox import Mailbox

    if not folder.is_dir():
        raise TaskError(f"{folder} is no mailbox: there is no such folder; a run with --model mailbox:{folder} makes it")
    return Mailbox(folder.absolute())


def _chosen(box: "Mailbox", name: str | None) -> "Letter":
    from gome_graph.errors import TaskError

    if name is not None:
        return box.letter(name)
    letter = next((letter for letter in box.letters() if not letter.answered), None)
    if letter is None:
        raise TaskError(f"there is no open request in {box.folder}")
    return letter


def _read(file: Path | None) -> str:
    from gome_graph.errors import TaskError

    if file is None or str(file) == "-":
        return sys.stdin.read()
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"the answer {file} cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _checked(text: str, letter: "Letter", file: Path | None) -> str:
    """The answer as plain JSON, once it fits the request's schema."""
    import json as json_module

    import jsonschema

    from gome_graph.errors import TaskError
    from gome_graph.models.answers import Unreadable, find_object

    where = "the answer" if file is None or str(file) == "-" else f"the answer in {file}"
    try:
        value, _ = find_object(text)
    except Unreadable as error:
        raise TaskError(f"{where} is not taken: {error}; it must be one JSON object that fits the schema of: gome mailbox show") from None
    problem = jsonschema.Draft202012Validator(letter.body["schema"])
    first = next(iter(sorted(problem.iter_errors(value), key=lambda e: list(map(str, e.absolute_path)))), None)
    if first is not None:
        place = ".".join(map(str, first.absolute_path)) or letter.body["schema_name"]
        raise TaskError(f"{where} does not fit at {place}: {first.message[:300]}; mend it, or give --force to let the run judge it")
    return json_module.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _row(letter: "Letter") -> dict[str, Any]:
    from datetime import UTC, datetime

    body = letter.body
    return {
        "name": letter.name, "role": body.get("role"), "trace": body.get("trace"), "step": body.get("step"), "answered": letter.answered,
        "asked_at": datetime.fromtimestamp(letter.at, UTC).isoformat(timespec="seconds"), "schema": body.get("schema_name"),
    }  # fmt: skip


def _table(letters: "list[Letter]") -> Any:
    import time

    from rich import box
    from rich.table import Table

    from gome_graph.report.format import duration, harmless

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("request", overflow="fold", min_width=24)
    for head in ("role", "trace", "step", "waiting"):
        table.add_column(head, no_wrap=True)
    for letter in letters:
        waiting = "answered" if letter.answered else duration(max(0.0, time.time() - letter.at))
        row = _row(letter)
        table.add_row(harmless(letter.name), str(row["role"]), str(row["trace"]), str(row["step"]), waiting)
    return table
