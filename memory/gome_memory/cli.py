import typer

memory_app = typer.Typer()
