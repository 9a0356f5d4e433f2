"""A run as a thing on disk: its directory, journal, budget and settings."""

from gome_graph.run.budget import Budget
from gome_graph.run.directory import RunDirectory, StepDirectory
from gome_graph.run.journal import Journal, Observer
from gome_graph.run.settings import RunResult, RunSettings

__all__ = ["Budget", "Journal", "Observer", "RunDirectory", "RunResult", "RunSettings", "StepDirectory"]
