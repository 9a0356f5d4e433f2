"""``gome guard simulate``: what is each part of the guard worth on your data?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError

if TYPE_CHECKING:
    from gome_guard.sim.run import Simulation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    data: Annotated[
        Path,
        typer.Option("--data", metavar="PATH", help="Texts with labels: JSON, CSV, TSV, JSONL, Parquet, or a folder of seq.in and label."),
    ],
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Worlds, numbered from --first-seed.")] = 3,
    first_seed: Annotated[int, typer.Option(min=0, help="Number of the first world.")] = 0,
    arms: Annotated[str, typer.Option(help="Arms, comma-separated; guard-X is the guard without X.")] = "",
    refreshes: Annotated[int, typer.Option(min=3, max=50, help="Policy updates of a world.")] = 8,
    window: Annotated[int, typer.Option(min=100, help="Requests between two updates, at most.")] = 3000,
    text: Annotated[str | None, typer.Option(help="Column with the text, if its name does not say so.")] = None,
    label: Annotated[str | None, typer.Option(help="Column with the label, if its name does not say so.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the result as JSON too.")] = None,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Plant regressions in worlds made of labelled texts and compare guards. Example: gome guard simulate --data intents.csv --seeds 3"""
    from gome_guard.sim.arms import DEFAULT_ARMS, find_arm

    names = [name.strip() for name in arms.split(",") if name.strip()] or list(DEFAULT_ARMS)
    for name in names:
        find_arm(name)
    if len(set(names)) < len(names):
        raise TaskError("--arms names an arm twice.")
    from gome_graph.support.files import write_json
    from gome_guard.sim.run import simulate as run
    from gome_guard.sim.world import WorldSettings

    found = run(
        data, seeds=range(first_seed, first_seed + seeds), arms=names, text=text, label=label,
        settings=WorldSettings(refreshes=refreshes, window=window), tell=lambda line: say(line, stderr=True),
    )  # fmt: skip
    if out is not None:
        write_json(out, found.model_dump(mode="json"))
    result(found.model_dump(mode="json"))
    tell(_table(found))
    for line in _notes(found):
        tell(line)


def _share(value: float | None, signed: bool = False) -> str:
    return "-" if value is None else f"{value:+.4f}" if signed else f"{value:.3f}"


def _table(found: "Simulation") -> Any:
    from rich.table import Table

    from gome_guard.sim.summary import adoption

    none = next((arm for arm in found.arms if arm.arm == "none"), None)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("arm", "value", "against none", "95 %", "recurring flips", "first flips", "churn", "adopted at +2"):
        table.add_column(name)
    for arm in found.arms:
        d = arm.against_none
        table.add_row(
            arm.arm, f"{arm.value:.4f}", _share(d.value if d else None, True), f"{d.low:+.4f} to {d.high:+.4f}" if d else "-",
            _share(arm.recurring_flips), _share(arm.first_flips), _share(arm.churn), _share(adoption(arm, none) if none else None),
        )  # fmt: skip
    return table


def _notes(found: "Simulation") -> list[str]:
    lines = [f"{found.texts} texts, {found.labels} labels, seeds {found.seeds[0]} to {found.seeds[-1]}, result {found.hash}"]
    if found.dropped_labels:
        lines.append(f"left out, too few texts: {', '.join(found.dropped_labels[:10])}{' ...' if len(found.dropped_labels) > 10 else ''}")
    curated = next((arm for arm in found.arms if arm.arm.startswith("guard") and arm.curation), None)
    curated = curated or next((arm for arm in found.arms if arm.curation), None)
    if curated is not None:
        steps = [f"{stage} {i.n} ({i.value:.3f}, {i.low:.3f} to {i.high:.3f})" for stage, i in curated.curation.items() if i.n]
        steps += [f"{stage} none" for stage, i in curated.curation.items() if not i.n]
        lines.append(f"precision of curation ({curated.arm}): {'; '.join(steps)}")
    return lines
