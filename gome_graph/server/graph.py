"""What ``langgraph.json`` exports: the run graph without a checkpointer or store, for the server brings its own.

Absolute imports alone: a server loads this file by its path.
"""

from gome_graph.graph.build import build_run
from gome_graph.server.threads import off_the_loop

graph = build_run(wrap=off_the_loop)
