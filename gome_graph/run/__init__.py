"""A run as a thing on disk: its directory, journal, budget and settings."""

from gome_graph.run.budget import Budget
from gome_graph.run.directory import RunDirectory, StepDirectory
from gome_graph.run.journal import Journal, Observer
from gome_graph.run.kept import KeptPool
from gome_graph.run.settings import RunChoices, RunResult, RunSettings, default_audit, default_final_seeds, default_traces
from gome_graph.run.steering import Action, Decision, Hint, Wish, WishKind, append_line, read_wishes

__all__ = [
    "Action", "Budget", "Decision", "Hint", "Journal", "KeptPool", "Observer", "RunChoices", "RunDirectory", "RunResult", "RunSettings",
    "StepDirectory", "Wish", "WishKind", "append_line", "default_audit", "default_final_seeds", "default_traces", "read_wishes",
]  # fmt: skip
