"""What ``langgraph.json`` exports: the run graph without a checkpointer or store, for the server brings its own."""

from gome_graph.graph.build import build_run

graph = build_run()
