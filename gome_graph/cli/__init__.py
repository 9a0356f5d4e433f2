"""The command line: ``gome``. Nothing heavy is imported before a command needs it."""


def main() -> None:
    """Console script ``gome``."""
    from gome_graph.support.collecting import collect_seldom

    collect_seldom()
    from gome_graph.cli.app import run_cli

    raise SystemExit(run_cli())
