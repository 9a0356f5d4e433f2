"""A run as a thing on disk: its directory, journal, budget and settings."""

from gome_graph.run.budget import Budget
from gome_graph.run.directory import RunDirectory, StepDirectory
from gome_graph.run.journal import Journal, Observer
from gome_graph.run.kept import KeptPool
from gome_graph.run.settings import RunResult, RunSettings, default_audit, default_final_seeds, default_traces

__all__ = [
    "Budget", "Journal", "KeptPool", "Observer", "RunDirectory", "RunResult", "RunSettings", "StepDirectory", "default_audit",
    "default_final_seeds", "default_traces",
]  # fmt: skip
