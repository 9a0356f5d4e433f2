"""The state machine: diagnose -> update -> execute, a parallel branch per trace."""

from gome_graph.graph.builtins import load
from gome_graph.graph.start import resume, start
from gome_graph.graph.tasks import load_task_with_plugins

__all__ = ["load", "load_task_with_plugins", "resume", "start"]
