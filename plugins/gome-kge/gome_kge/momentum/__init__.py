"""Momentum over a graph of experience: for the agent's memory, off unless chosen (``--memory graph:shared``)."""
