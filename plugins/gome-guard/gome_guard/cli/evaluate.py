"""``gome guard evaluate``: what would a policy earn, from the log of another one?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gome_graph.cli.options import Debug, Json, Quiet
from gome_graph.cli.output import result, say, tell
from gome_graph.errors import TaskError
from gome_guard.cli.options import BLOCKED, LogOption

if TYPE_CHECKING:
    from gome_guard.ope.evaluate import Evaluation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    log: LogOption,
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="Candidate: rows with id and probabilities, or id and action.")],
    incumbent: Annotated[Path | None, typer.Option("--incumbent", metavar="FILE", help="Policy to compare with, in the same form.")] = None,
    estimators: Annotated[str, typer.Option(help="Estimators, comma-separated; default: all that the log can bear.")] = "",
    main: Annotated[str, typer.Option(help="Estimator that decides.")] = "dr",
    method: Annotated[str, typer.Option(help="Interval: normal, bootstrap, empirical_bernstein, confidence_sequence.")] = "normal",
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Confidence level.")] = 0.95,
    bounds: Annotated[str, typer.Option(help="LOW,HIGH that a row's term can take, for the methods that need it.")] = "",
    min_gain: Annotated[
        float | None, typer.Option(help="Exit with 1 unless the lower bound of the gain over --incumbent reaches this.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="For cross-fitting and the bootstrap.")] = 0,
    json_: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Estimate a policy from logs. Example: gome guard evaluate --log week1.jsonl --policy new.jsonl --incumbent old.jsonl --min-gain 0"""
    from gome_guard.checks import check_feedback
    from gome_guard.log import align, build
    from gome_guard.ope.estimators import NAMES
    from gome_guard.ope.evaluate import evaluate as run
    from gome_guard.ope.intervals import METHODS
    from gome_guard.policies import read_policy
    from gome_guard.records import Feedback
    from gome_guard.tables import parse, read_rows

    names = [name.strip() for name in estimators.split(",") if name.strip()]
    for name in [*names, main]:
        if name not in NAMES:
            raise TaskError(f"there is no estimator {name!r}; there are: {', '.join(NAMES)}.")
    if method not in METHODS:
        raise TaskError(f"--method {method!r} is none that there is; write one of: {', '.join(METHODS)}.")
    if min_gain is not None and incumbent is None:
        raise TaskError("--min-gain needs an incumbent to gain on; name one with --incumbent.")
    rows = parse(read_rows(log), Feedback, str(log))
    warnings = check_feedback(rows, str(log))
    arrays = build(rows)
    old = None if incumbent is None else align(arrays, read_policy(incumbent), str(incumbent))
    found = run(
        arrays, align(arrays, read_policy(policy), str(policy)), old, estimators=names or None, main=main, method=method, level=level,
        bounds=_bounds(bounds), seed=seed,
    )  # fmt: skip
    blocked = min_gain is not None and (found.lower_bound is None or found.lower_bound < min_gain)
    notes = [*warnings, *found.notes]
    result({**found.model_dump(mode="json"), "notes": notes, "min_gain": min_gain, "passed": None if min_gain is None else not blocked})
    tell(_table(found))
    for note in notes:
        say(f"warning: {note}", stderr=True)
    if found.lower_bound is not None:
        tell(f"gain over the incumbent ({main}): at least {found.lower_bound:+.4g} with {level:.0%} confidence")
    worse = [item.segment for item in found.segments if item.status == "worse"]
    if worse:
        tell(f"worse in: {', '.join(worse)}")
    if blocked:
        raise typer.Exit(BLOCKED)


def _bounds(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise TaskError(f"--bounds {text!r} is not LOW,HIGH; write for example 0,20.") from error
    if not low < high:
        raise TaskError(f"--bounds {text!r}: the first must be below the second.")
    return low, high


def _table(found: "Evaluation") -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("estimator", "value", "interval", "minus incumbent", "interval"):
        table.add_column(name)
    for name, value in found.values.items():
        cells = [name, f"{value.value:.4f}", f"{value.low:.4f} to {value.high:.4f}"]
        if name in found.differences:
            moved = found.differences[name]
            cells += [f"{moved.value:+.4f}", f"{moved.low:+.4f} to {moved.high:+.4f}"]
        table.add_row(*cells)
    return table
