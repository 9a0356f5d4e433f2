"""Tables of the crossover and ablation studies, as Markdown."""

from dataclasses import dataclass

import numpy as np

from gome_graph.bench.summary import interval, sem

Line = dict
Pair = tuple[str, int]
"""Task and seed."""


def gain(line: Line, at_seconds: float | None = None) -> float:
    """Best validation score over the run's first one, in standard errors of the first; 0 without a score."""
    curve = line["curve"]
    reached = [point for point in curve if at_seconds is None or point["at_script_seconds"] <= at_seconds]
    if not reached or not curve[0]["error"]:
        return 0.0
    sign = 1.0 if line["row"]["higher_is_better"] else -1.0
    return sign * (reached[-1]["score"] - curve[0]["score"]) / curve[0]["error"]


def test_gain(line: Line, other: Line) -> float | None:
    """Score on the answers against another run's on the same task and seed, in standard errors of validation."""
    a, b = line["row"], other["row"]
    if a["test"] is None or b["test"] is None or not b["validation_error"]:
        return None
    return (1.0 if a["higher_is_better"] else -1.0) * (a["test"] - b["test"]) / b["validation_error"]


@dataclass(frozen=True)
class Compared:
    """One strategy at one level of q; values by (task, seed)."""

    q: float
    name: str
    lines: list[Line]
    steps: dict[Pair, float]
    """Gain at equal steps."""
    seconds: dict[Pair, float]
    """Gain at the script seconds of the quickest strategy."""
    against: dict[Pair, float]
    """Gain at equal steps minus the gradient's."""
    against_seconds: dict[Pair, float]
    answers: dict[Pair, float]
    """Score on the answers minus the gradient's."""


def compared(lines: list[Line]) -> list[Compared]:
    """Every level and strategy, on the tasks and seeds that all strategies have."""
    levels = sorted({float(line["row"]["reasoner"].split("@")[1]) for line in lines})
    names = list(dict.fromkeys(line["row"]["strategy"] for line in lines))
    found = []
    for q in levels:
        here = {(line["row"]["strategy"], line["row"]["task"], line["row"]["seed"]): line for line in lines
                if float(line["row"]["reasoner"].split("@")[1]) == q}  # fmt: skip
        pairs = sorted({key[1:] for key in here})
        whole = [pair for pair in pairs if all((name, *pair) in here for name in names)]
        quickest = {pair: min(here[name, *pair]["row"]["script_seconds"] for name in names) for pair in whole}
        base = {pair: here["gradient", *pair] for pair in whole}
        for name in names:
            own = {pair: here[name, *pair] for pair in whole}
            steps = {pair: gain(line) for pair, line in own.items()}
            seconds = {pair: gain(line, quickest[pair]) for pair, line in own.items()}
            found.append(
                Compared(
                    q, name, list(own.values()), steps, seconds,
                    against={pair: steps[pair] - gain(base[pair]) for pair in whole},
                    against_seconds={pair: seconds[pair] - gain(base[pair], quickest[pair]) for pair in whole},
                    answers={pair: value for pair in whole if (value := test_gain(own[pair], base[pair])) is not None},
                )
            )  # fmt: skip
    return found


def crossover_table(lines: list[Line]) -> str:
    """Per level of q and strategy: gains at equal steps and equal seconds, and differences to the gradient on validation and answers."""
    out = ["| q | strategy | runs | gain, equal steps | against gradient [95 % over tasks] | gain, equal seconds | against gradient "
           "[95 % over tasks] | answers, against gradient [95 %] | improving steps | script s |", "|" + "---|" * 10]  # fmt: skip
    for one in compared(lines):
        improving, after = (sum(line["row"][k] for line in one.lines) for k in ("improving", "after"))
        script = sum(line["row"]["script_seconds"] for line in one.lines)
        out.append(
            f"| {one.q:g} | {one.name} | {len(one.lines)} | {mean(one.steps)} | {paired(one.against, one.name)} | {mean(one.seconds)} | "
            f"{paired(one.against_seconds, one.name)} | {paired(one.answers, one.name)} | {improving} of {after} "
            f"({100 * improving / max(after, 1):.0f} %) | {script:.0f} |"
        )
    return "\n".join(out)


def ablation_table(lines: list[Line]) -> str:
    """Each ablation against the whole, paired by task and seed."""
    names = list(dict.fromkeys(line["row"]["ablation"] for line in lines))
    here = {(line["row"]["ablation"], line["row"]["task"], line["row"]["seed"]): line for line in lines}
    whole = [pair for pair in sorted({key[1:] for key in here}) if all((name, *pair) in here for name in names)]
    out = ["| gradient | runs | gain, equal steps | against full [95 % over tasks] | answers, against full [95 %] | improving steps "
           "| Brier |",
           "|" + "---|" * 7]  # fmt: skip
    for name in names:
        own, base = ({pair: here[arm, *pair] for pair in whole} for arm in (name, "full"))
        steps = {pair: gain(line) for pair, line in own.items()}
        against = {pair: steps[pair] - gain(base[pair]) for pair in whole}
        answers = {pair: value for pair in whole if (value := test_gain(own[pair], base[pair])) is not None}
        improving, after = (sum(line["row"][k] for line in own.values()) for k in ("improving", "after"))
        brier = [line["row"]["brier"] for line in own.values() if line["row"]["brier"] is not None]
        out.append(
            f"| {name} | {len(own)} | {mean(steps)} | {paired(against, name)} | {paired(answers, name)} | "
            f"{improving} of {after} ({100 * improving / max(after, 1):.0f} %) | {np.mean(brier):.3f} |"
        )
    return "\n".join(out)


def mean(values: dict) -> str:
    """``+1.20 ± 0.31`` over runs."""
    numbers = list(values.values())
    if not numbers:
        return "-"
    error = sem(numbers)
    return f"{np.mean(numbers):+.2f}" + ("" if error is None else f" ± {error:.2f}")


def paired(values: dict, name: str) -> str:
    """Mean difference with its interval; nothing for what is compared with itself."""
    if name in ("gradient", "full") or not values:
        return "-"
    ends = interval(values)
    return f"{np.mean(list(values.values())):+.2f}" + ("" if ends is None else f" [{ends[0]:+.2f}, {ends[1]:+.2f}]")
