"""Puts the commands together and turns every error into one sentence and an exit code."""

import errno
import signal
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.main import get_command

from gome_graph.cli import output
from gome_graph.cli.commands import bench, demo, derive, doctor, export, grade, init, inspect, mailbox, plugins, run, steer, ui, wishes
from gome_graph.errors import BudgetExceeded, GomeError

COMMANDS = (run, demo, init, inspect, ui, derive, steer, wishes, export, grade, bench, mailbox, plugins, doctor)
"""Modules with a ``register(app)``, in the order of ``gome --help``."""

INTERRUPTED = 128 + signal.SIGINT


def build_app() -> typer.Typer:
    """The command line without plugins' commands."""
    app = typer.Typer(
        name="gome", add_completion=True, no_args_is_help=False, pretty_exceptions_enable=False, rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip

    @app.callback(invoke_without_command=True)
    def root(context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
        """A machine-learning engineer on the command line: diagnose, update, execute, keep what is really better.

        Start with: [bold]gome demo[/bold], then [bold]gome run ./my-task --budget 10m[/bold]
        """
        if version:
            from gome_graph import __version__

            print(f"gome {__version__}")
            raise typer.Exit
        if context.invoked_subcommand is None:
            print(context.get_help())
            raise typer.Exit

    for module in COMMANDS:
        module.register(app)
    return app


def own_commands(app: typer.Typer) -> set[str]:
    """Names of the commands that need no plugin."""
    return set(getattr(get_command(app), "commands", {}))


def run_cli(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. Never raises for what a user or a plugin does."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    output.mode.json = output.mode.quiet = output.mode.debug = False
    app = build_app()
    _add_plugin_commands(app, args)
    try:
        code = get_command(app).main(args=args, prog_name="gome", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except Exception as error:
        return _explain(error)
    except KeyboardInterrupt:
        print("gome: interrupted", file=sys.stderr)
        return INTERRUPTED


def _add_plugin_commands(app: typer.Typer, args: list[str]) -> None:
    """Plugins are imported only when the command is none of ours; ``--help`` lists theirs from a cache."""
    from gome_graph.cli import plugin_commands

    first = next((a for a in args if not a.startswith("-")), None)
    if first is None:
        if not args or "--help" in args or "-h" in args:
            plugin_commands.add_listed(app)
    elif first not in own_commands(app):
        plugin_commands.add_real(app)


def _explain(error: Exception) -> int:
    usage: Any = getattr(error, "format_message", None)
    if output.mode.debug and usage is None:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, GomeError):
        return output.fail(str(error), error.exit_code)
    if usage is not None:  # typer's own: a wrong flag, command or value
        context = getattr(error, "ctx", None)
        where = f"{context.command_path} --help" if context is not None else "gome --help"
        return output.fail(f"{usage().rstrip('.?')}; see: {where}", int(getattr(error, "exit_code", 2)))
    if isinstance(error, typer.Abort):
        return output.fail("given up; nothing was changed", 1)
    if isinstance(error, BrokenPipeError):
        sys.stderr.close()
        return 0
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return output.fail("the disk is full; free some space, and go on with a run by: gome resume RUN", BudgetExceeded.exit_code)
    where = "" if output.mode.debug else f"; {_keep_traceback(error)}"
    return output.fail(f"an error inside gome ({type(error).__name__}: {error}){where}", 1)


def _keep_traceback(error: Exception) -> str:
    """Write the traceback where the user can find it, and say where."""
    import traceback
    from pathlib import Path

    folder = getattr(error, "gome_run_dir", None)
    text = "".join(traceback.format_exception(error))
    try:
        if folder is not None and Path(folder).is_dir():
            path = Path(folder) / "crash.log"
            path.write_text(text, encoding="utf-8")
        else:
            import tempfile

            with tempfile.NamedTemporaryFile("w", prefix="gome-crash-", suffix=".log", delete=False, encoding="utf-8") as file:
                file.write(text)
            path = Path(file.name)
    except OSError:
        return "run it again with --debug to see the traceback"
    return f"its traceback is in {path}"
