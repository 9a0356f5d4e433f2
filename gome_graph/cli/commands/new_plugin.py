"""``gome plugins new``: a plugin project that works, with a test that passes."""

import keyword
import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from gome_graph.cli import output
from gome_graph.cli.options import Debug, Json, Quiet

HELP = """Make a plugin project: one module with a hook, its entry point, a test that passes, a README.

Example: [bold]gome plugins new gome-shifts --kind diagnosis[/bold]
"""

KINDS = {
    "diagnosis": "A diagnosis plugin for gome: looks at each step's measurements.",
    "events": "An event plugin for gome: hears of each event.",
}
"""What can be made, and what the project then says of itself."""

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the distribution, for example gome-shifts.", show_default=False)],
    kind: Annotated[str, typer.Option(help=f"What it does: {' or '.join(KINDS)}.")] = "diagnosis",
    out: Annotated[Path | None, typer.Option(help="Folder to make (default: NAME).", show_default=False)] = None,
    json: Json = False, quiet: Quiet = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Make a plugin project."""
    from gome_graph.cli.running import shown

    made = make_project(name, kind, out or Path(name))
    output.result({"project": str(made.resolve()), "files": sorted(str(p.relative_to(made)) for p in made.rglob("*") if p.is_file())})
    output.tell(shown(made))
    output.say(f"try it:  cd {shown(made)} && pip install -e . && pytest && gome plugins")


def make_project(name: str, kind: str, folder: Path) -> Path:
    """Write the project into a new folder; whole or not at all.

    Raises
    ------
    TaskError
        If the name or kind is none, or the folder is there already.
    """
    import shutil
    import tempfile

    from jinja2 import Environment, StrictUndefined

    from gome_graph.errors import TaskError

    module = name.replace("-", "_")
    if not NAME.fullmatch(name) or keyword.iskeyword(module) or name in ("gome-graph", "gome-memory"):
        raise TaskError(f"NAME {name!r} is no name for a new distribution; write lower-case words with dashes, for example gome-shifts")
    if kind not in KINDS:
        raise TaskError(f"--kind {kind!r} is none that there is; write one of: {', '.join(KINDS)}")
    if folder.exists():
        raise TaskError(f"{folder} is there already; give another --out")
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - writes Python and TOML, not HTML
    values = {"name": name, "module": module, "short": name.removeprefix("gome-"), "summary": KINDS[kind]}
    texts = {
        "pyproject.toml": "pyproject.toml.j2", "README.md": "README.md.j2", f"{module}/plugin.py": f"{kind}.py.j2",
        "tests/test_plugin.py": f"{kind}_test.py.j2",
    }  # fmt: skip
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        root = Path(temporary) / folder.name
        for path, template in texts.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            text = files("gome_graph.cli").joinpath("templates", "plugin", template).read_text(encoding="utf-8")
            target.write_text(environment.from_string(text).render(values), encoding="utf-8")
        (root / module / "__init__.py").write_text(f'"""{KINDS[kind]}"""\n', encoding="utf-8")
        shutil.move(root, folder)
    return folder
