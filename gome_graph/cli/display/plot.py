"""Scores of runs as a drawing of characters: a panel for each task and metric, an error bar for each run."""

import math
from typing import Any

from rich.text import Text

from gome_graph.records import Score
from gome_graph.report.chart import nice_ticks, tick_texts
from gome_graph.report.format import harmless, score_text

NARROWEST = 20
"""Columns that a drawing needs at least."""
LABEL = 28
"""Columns for the name of a run; longer names keep their end, where they differ."""


def score_panels(rows: list[dict[str, Any]], width: int) -> list[Text]:
    """A panel for each task and metric of ``gome runs --json`` rows, runs best first; nothing for runs without a score."""
    groups: dict[tuple[str, str], list[tuple[str, Score]]] = {}
    for row in rows:
        if row.get("score"):
            groups.setdefault((row["task"], row["metric"]), []).append((row["run"], Score.model_validate(row["score"])))
    return [_panel(task, metric, groups[task, metric], width) for task, metric in sorted(groups)]


def _panel(task: str, metric: str, runs: list[tuple[str, Score]], width: int) -> Text:
    runs = sorted(runs, key=lambda run: -run[1].value if run[1].higher_is_better else run[1].value)
    texts = [score_text(score) for _, score in runs]
    label = min(LABEL, max(len(name) for name, _ in runs))
    columns = max(width - label - max(map(len, texts)) - 4, NARROWEST)
    low, high = _ends([score for _, score in runs])

    def at(value: float) -> int:
        return round((columns - 1) * (min(max(value, low), high) - low) / (high - low))

    way = "higher is better" if runs[0][1].higher_is_better else "lower is better"
    panel = Text(f"{harmless(task)}   ", style="bold").append(f"{metric}, {way}; bars are one standard error\n", style="dim not bold")
    for number, ((name, score), text) in enumerate(zip(runs, texts, strict=True)):
        short = harmless(name if len(name) <= label else "…" + name[1 - label :])
        panel.append(f"{short:<{label}}  ").append(_bar(score, at, columns), style="bold green" if number == 0 else "cyan")
        panel.append(f"  {text}\n")
    return panel.append(" " * (label + 2)).append(_axis(low, high, at, columns), style="dim")


def _error(score: Score) -> float:
    return score.standard_error if math.isfinite(score.standard_error) and score.standard_error > 0 else 0.0


def _ends(scores: list[Score]) -> tuple[float, float]:
    low = min(s.value - _error(s) for s in scores)
    high = max(s.value + _error(s) for s in scores)
    room = 0.05 * (high - low) or 0.01 * abs(high) or 1.0
    return low - room, high + room


def _bar(score: Score, at: Any, columns: int) -> str:
    first, point, last = at(score.value - _error(score)), at(score.value), at(score.value + _error(score))
    cells = [" "] * columns
    cells[first : last + 1] = ["─"] * (last - first + 1)
    if last > first:
        cells[first], cells[last] = "├", "┤"
    cells[point] = "●"
    return "".join(cells)


def _axis(low: float, high: float, at: Any, columns: int) -> str:
    """Round numbers below the bars, as many as fit beside each other."""
    values = nice_ticks(low, high, max(columns // 14, 2))
    line = ""
    for value, text in zip(values, tick_texts(values), strict=True):
        start = max(at(value) - len(text) // 2, 0)
        if start >= len(line) + (2 if line else 0) and start + len(text) <= columns:
            line = line.ljust(start) + text
    return line
