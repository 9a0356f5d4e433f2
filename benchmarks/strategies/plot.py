"""The crossover as a picture: what each strategy gains over the gradient, by how often the reasoner is right."""

from pathlib import Path

import numpy as np
from table import Line, compared

from gome_graph.bench.summary import interval

COLOURS = {"hybrid": "#8c564b", "tree": "#1f77b4", "mcts": "#2ca02c", "random": "#7f7f7f"}


def plot(lines: list[Line], path: Path) -> None:
    """Two panels, equal steps and equal seconds: mean difference to the gradient with 95 % intervals over tasks."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True)
    found = compared(lines)
    for axis, what, title in ((axes[0], "against", "equal steps"), (axes[1], "against_seconds", "equal script seconds")):
        for place, name in enumerate(COLOURS):
            own = [one for one in found if one.name == name]
            values = [getattr(one, what) for one in own]
            q = np.array([one.q for one in own]) + 0.006 * (place - 1.5)
            middle = np.array([np.mean(list(value.values())) for value in values])
            ends = np.array([interval(value) or (m, m) for value, m in zip(values, middle, strict=True)])
            axis.errorbar(q, middle, np.abs(ends.T - middle), color=COLOURS[name], marker="o", markersize=4, linewidth=1.5,
                          elinewidth=0.8, capsize=2, label=name)  # fmt: skip
        axis.axhline(0, color="black", linewidth=1)
        axis.set_title(title)
        axis.set_xlabel("q: how often the diagnosis points the right way")
    axes[0].set_ylabel("gain over the gradient, in noise units")
    axes[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
