"""``python -m gome_graph.cli``."""

from gome_graph.cli import main

main()
