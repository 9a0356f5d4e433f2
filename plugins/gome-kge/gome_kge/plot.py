"""One HTML file with the training's curves and a map of the entities (principal components of the first member)."""

from pathlib import Path

import numpy as np

from gome_graph.errors import TaskError
from gome_graph.support.files import write_text
from gome_kge.predictor import Predictor
from gome_kge.training import checkpoint

MOST_POINTS = 3000
"""Entities on the map, the ones with the most triples; more only make the page slow."""


def plot(folder: Path, out: Path) -> Path:
    """Write the page for a trained folder.

    Raises
    ------
    TaskError
        If plotly is missing.
    """
    try:
        from plotly.graph_objects import Scatter
        from plotly.subplots import make_subplots
    except ImportError as error:
        raise TaskError("Plotting needs plotly: pip install 'gome-kge[plot]'.") from error
    predictor = Predictor.load(folder)
    _, header = checkpoint.read(folder / "checkpoint.safetensors")
    figure = make_subplots(rows=1, cols=3, subplot_titles=("loss an epoch", "validation MRR", "entities, two principal components"))
    epochs, looks = header["epochs"], header["looks"]
    figure.add_trace(Scatter(x=[row["epoch"] for row in epochs], y=[row["loss"] for row in epochs], name="loss"), row=1, col=1)
    seen = Scatter(x=[row["epoch"] for row in looks], y=[row["mrr"] for row in looks], name="MRR", mode="lines+markers")
    figure.add_trace(seen, row=1, col=2)
    table = predictor.members[0].tables["entity"].numpy()
    degree = np.bincount(predictor.graph.train[:, [0, 2]].ravel(), minlength=len(table))
    shown = np.argsort(-degree, kind="stable")[:MOST_POINTS]
    rows = table[shown] - table[shown].mean(axis=0)
    _, vectors = np.linalg.eigh(rows.T @ rows)
    place = rows @ vectors[:, -2:]
    names = [predictor.graph.label(predictor.graph.entities[i]) for i in shown.tolist()]
    marker = {"size": 5, "color": np.log1p(degree[shown])}
    dots = Scatter(x=place[:, 1], y=place[:, 0], mode="markers", text=names, marker=marker, name="entities")
    figure.add_trace(dots, row=1, col=3)
    figure.update_layout(showlegend=False, template="plotly_white")
    write_text(out, figure.to_html(include_plotlyjs=True, full_html=True))
    return out
