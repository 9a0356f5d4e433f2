"""Measured slopes: several directions are carried out on a sample of the rows, and the one that scores best goes on."""

from typing import Any

from gome_graph.graph.nodes.execute import run_script
from gome_graph.graph.services import RunServices
from gome_graph.hooks import StepContext
from gome_graph.records import Diagnosis, Hypothesis, Momentum, Score, Stage, StepId
from gome_graph.run import StepDirectory
from gome_graph.validation import validate

PROBES = "probes"
"""File of a step with what was measured for it."""


def steepest_first(
    run: RunServices, folder: StepDirectory, context: StepContext, diagnosis: Diagnosis, hypotheses: list[Hypothesis], momentum: Momentum,
    probes: int,
) -> list[Hypothesis]:  # fmt: skip
    """The hypothesis whose script scores best at sample stage, alone; all of them where nothing could be measured.

    All scripts see the same rows and folds and start from the same solution, so the order of their scores is the order of their slopes.
    A step that has been measured is not measured again.
    """
    rows = folder.load(PROBES)
    if rows is None:
        rows = [_measure(run, folder, number, context, diagnosis, each, momentum) for number, each in enumerate(apart(hypotheses, probes))]
        folder.save(PROBES, rows)
    scored = [(Score.model_validate(row["score"]), row["title"]) for row in rows if row["score"]]
    best: tuple[Score, str] | None = None
    for each in scored:
        best = each if best is None or each[0].better_than(best[0]) else best
    return [h for h in hypotheses if best is not None and h.title == best[1]] or hypotheses


def apart(hypotheses: list[Hypothesis], count: int) -> list[Hypothesis]:
    """The first `count`, another technique each as long as there are others."""
    firsts: dict[str, Hypothesis] = {}
    for each in hypotheses:
        firsts.setdefault(each.technique or each.title, each)
    chosen = list(firsts.values())
    return [*chosen, *(each for each in hypotheses if each not in chosen)][:count]


def _measure(
    run: RunServices, folder: StepDirectory, number: int, context: StepContext, diagnosis: Diagnosis, hypothesis: Hypothesis,
    momentum: Momentum,
) -> dict[str, Any]:  # fmt: skip
    """One hypothesis, written and run on the sample: its title, score (None if it has none) and seconds."""
    update = run.reasoner.update(context, diagnosis, [hypothesis], momentum)
    wall = run.budget.step_limit()
    if update is None or wall <= 0 or run.stopped():
        return {"title": hypothesis.title, "score": None, "seconds": 0.0, "outcome": "not written" if update is None else "no time"}
    place = StepDirectory(folder.root / "probe-runs" / str(number))
    place.write_solution(update.solution.model_copy(update={"step": StepId(folder.root.name)}))
    parallel = run.settings.traces
    execution = run_script(run, place, Stage.SAMPLE, seed=run.settings.seed, cpus=run.cpus_per_trace, wall=wall, parallel=parallel)
    score = validate(run.prepared, place.output, execution, stage=Stage.SAMPLE).score
    return {
        "title": hypothesis.title, "score": score and score.model_dump(mode="json"), "seconds": execution.wall_seconds,
        "outcome": execution.outcome.value,
    }  # fmt: skip
