"""Writes the comparison as Markdown, and its plot.

    python benchmarks/automl/table.py [--out RESULTS] [--systems gome autogluon ...] [--seconds 60] [--suite peers8]

Reads ``cells.jsonl`` of a results folder; a section for each (seconds, cores), with the seeds and tasks that all systems have. Writes
``table.md`` and ``plot-<seconds>s-<cores>c.png`` there.
"""

import argparse
from collections import Counter, defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

import comparison
import run
from comparison import TaskRow
from systems import OURS, SYSTEMS
from tasks import SUITES

DECIMALS = 4


def number(value: float) -> str:
    """About four significant digits."""
    if value != value:
        return "failed"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.{DECIMALS}g}"


def score_table(table: list[TaskRow], systems: list[str], ours: str, peers: tuple[str, ...]) -> list[str]:
    """Scores and ranks by task; the best in bold."""
    lines = [f"| task | metric | seeds | {' | '.join(systems)} | SD | {ours} against the best peer |"]
    lines.append("|---|---|---|" + "---|" * (len(systems) + 2))
    for row in table:
        least = min(row.loss(s) for s in systems)
        cells = []
        for system in systems:
            shown = number(row.score[system])
            shown = f"**{shown}**" if row.loss(system) == least else shown
            cells.append(f"{shown} ({row.rank[system]:.2g})")
        way = "higher" if row.higher_is_better else "lower"
        verdict = "-"
        if ours in systems and peers:
            gap = row.behind(ours, peers)
            verdict = f"{'within one SD' if abs(gap) <= 1 else 'better' if gap < 0 else 'WORSE'} ({-gap:+.1f} SD)"
        lines.append(f"| {row.task} | {row.metric}, {way} | {len(row.seeds)} | {' | '.join(cells)} | {number(row.sd)} | {verdict} |")
    return lines


def summary_table(table: list[TaskRow], cells: list[dict[str, Any]], systems: list[str]) -> list[str]:
    """Means by system over the tasks shown."""
    counted = {(row.task, seed) for row in table for seed in row.seeds}
    mine: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for cell in cells:
        if (cell["task"], cell["seed"]) in counted and "wall_seconds" in cell:
            mine[cell["system"]].append(cell)
    normal = [row.normalised() for row in table]
    lines = ["| system | mean rank | normalised score | failed | wall s | longest / limit | CPU s | mean of peak memory, MB | largest |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for system in systems:
        of = mine[system]
        walls, cpus, memory = ([c[key] for c in of] or [float("nan")] for key in ("wall_seconds", "cpu_seconds", "peak_memory_mb"))
        longest = max((c["wall_seconds"] / c["seconds"] for c in of), default=float("nan"))
        lines.append(
            f"| {system} | {fmean(row.rank[system] for row in table):.2f} | {fmean(n[system] for n in normal):.3f} "
            f"| {sum(row.failed[system] for row in table)} | {fmean(walls):.0f} | {longest:.2f} | {fmean(cpus):.0f} "
            f"| {fmean(memory):.0f} | {max(memory):.0f} |"
        )
    return lines


def paired_table(table: list[TaskRow], ours: str, peers: tuple[str, ...]) -> list[str]:
    """Difference of the mean rank with its interval, wins and losses."""
    lines = [f"| {ours} against | mean rank difference [95 % over tasks] | better | within one SD | worse |", "|---|---|---|---|---|"]
    for peer in peers:
        found = comparison.paired([row.rank[ours] - row.rank[peer] for row in table])
        better, within, worse = comparison.wins(table, ours, peer)
        lines.append(f"| {peer} | {found.mean:+.2f} [{found.low:+.2f}, {found.high:+.2f}] | {better} | {within} | {worse} |")
    near = sum(row.behind(ours, peers) <= 1 for row in table)
    lines += ["", f"{ours} is not more than one noise SD behind the best peer on {near} of {len(table)} tasks."]
    return lines


def memory_table(table: list[TaskRow], cells: list[dict[str, Any]], systems: list[str]) -> list[str]:
    """Peak memory by task: the largest over the seeds."""
    peaks: dict[tuple[str, str], float] = defaultdict(float)
    for cell in cells:
        peaks[cell["task"], cell["system"]] = max(peaks[cell["task"], cell["system"]], cell.get("peak_memory_mb", 0))
    lines = [f"| peak memory, MB | {' | '.join(systems)} |", "|---|" + "---|" * len(systems)]
    return lines + [f"| {row.task} | {' | '.join(f'{peaks[row.task, s]:.0f}' for s in systems)} |" for row in table]


def steps_lines(cells: list[dict[str, Any]], out: Path) -> list[str]:
    """Share of gome's steps after the drafts that were accepted, from the journals that still stand."""
    from journal_steps import Steps, steps_of  # beside this folder; run puts that on the path

    totals: dict[str, Steps] = defaultdict(Steps)
    for cell in cells:
        totals[cell["system"]] += steps_of(out / "work" / run.cell_name(cell) / "run")
    return [
        f"{system}: improving steps after the drafts {steps}; {steps.drafts} drafts." for system, steps in totals.items() if steps.drafts
    ]


def plot(table: list[TaskRow], systems: list[str], path: Path, title: str) -> None:
    """Ranks by task as dots, mean rank as a line; normalised scores beside."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 0.6 * len(systems) + 2), sharey=True)
    for place, system in enumerate(reversed(systems)):
        for axis, values in ((left, [row.rank[system] for row in table]), (right, [row.normalised()[system] for row in table])):
            jitter = [place + 0.3 * ((k * 0.618) % 1 - 0.5) for k in range(len(values))]
            axis.scatter(values, jitter, s=18, alpha=0.5, color=f"C{place}")
            axis.scatter([fmean(values)], [place], marker="|", s=700, linewidths=3, color=f"C{place}")
    left.set_yticks(range(len(systems)), list(reversed(systems)))
    left.set_xlabel("rank by task, 1 is best (bar: mean)")
    right.set_xlabel("normalised score: 0 worst, 1 best of the task (bar: mean)")
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def section(cells: list[dict[str, Any]], systems: list[str], ours: str, path: Path, title: str) -> list[str]:
    """One budget: all tables and the plot."""
    peers = tuple(s for s in systems if not s.startswith(OURS))
    table = comparison.rows(cells, systems)
    if not table:
        return [f"## {title}", "", "No task and seed that all systems have.", ""]
    lines = [f"## {title}: {len(table)} tasks", "", "Score (rank); SD: bootstrap noise of the held-out score.", ""]
    lines += score_table(table, systems, ours, peers)
    lines += ["", *summary_table(table, cells, systems), ""]
    if ours in systems and peers:
        lines += [*paired_table(table, ours, peers), ""]
    lines += [*memory_table(table, cells, systems), "", *steps_lines(cells, path.parent), ""]
    plot(table, systems, path, title)
    versions = Counter((c["system"], c.get("version")) for c in cells if c.get("version"))
    shown = [f"{system}: {version} ({count} cells)" for (system, version), count in sorted(versions.items())]
    lines += [f"Versions: {', '.join(shown)}.", ""]
    errors = [f"- {c['task']}, {c['system']}, seed {c['seed']}: {c['error']}" for c in cells if c.get("error")]
    return lines + (["Failures:", *errors, ""] if errors else [])


def main() -> None:
    """Write table.md and the plots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=run.OUT)
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), help="default: all that have cells")
    parser.add_argument("--ours", default=OURS, choices=[s for s in SYSTEMS if s.startswith(OURS)])
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--suite", choices=list(SUITES), help="the tasks of this suite alone")
    arguments = parser.parse_args()
    out = arguments.out.expanduser()
    cells = list(run.read_cells(out).values())
    if arguments.suite:
        cells = [c for c in cells if c["task"] in SUITES[arguments.suite]]
    lines = []
    for seconds, cores in sorted({(c["seconds"], c["cores"]) for c in cells}):
        if arguments.seconds not in (None, seconds):
            continue
        mine = [c for c in cells if (c["seconds"], c["cores"]) == (seconds, cores)]
        present = {c["system"] for c in mine}
        systems = [s for s in arguments.systems or SYSTEMS if s in present]
        mine = [c for c in mine if c["system"] in systems]
        title = f"{seconds} s on {cores} core{'s' if cores > 1 else ''}"
        lines += section(mine, systems, arguments.ours, out / f"plot-{seconds}s-{cores}c.png", title)
    text = "\n".join(lines)
    (out / "table.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
