"""The state machine: diagnose -> update -> execute, a parallel branch per trace."""

from gome_graph.graph.builtins import load
from gome_graph.graph.start import resume, start

__all__ = ["load", "resume", "start"]
