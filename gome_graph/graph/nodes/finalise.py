"""finalise: re-run the best solutions with other seeds, choose by what is likely to hold, fit on all rows, hand out."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gome_graph.graph.nodes.execute import run_script
from gome_graph.graph.publish import publish
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import RunState
from gome_graph.records import EventKind, Score, Seconds, Stage, StepId
from gome_graph.run import RunResult, StepDirectory
from gome_graph.run.budget import START_UP_SECONDS
from gome_graph.validation import FinalCandidate, ValidationPolicy, audit_score, choose_final, validate

FINAL_FIT_SLACK = 1.4
"""The final fit has 1 / (1 - audit) more rows, and times vary: it gets this many times what the solution took before."""


def finalise_node(state: RunState) -> dict[str, Any]:
    """Select, refit, publish, and write down how the run ended."""
    run = services(state["run_dir"])
    candidates = _candidates(run)
    chosen = _select(run, candidates) if candidates else None
    if chosen is not None:
        _hand_out(run, chosen)
    result = _result(run, chosen)
    run.run.update_record(result=result.model_dump(mode="json"))
    run.journal.add(EventKind.RUN_FINISHED, step=StepId(chosen) if chosen else None, **result.model_dump(mode="json", exclude={"step"}))
    return {"result": result.model_dump(mode="json")}


def _candidates(run: RunServices) -> dict[str, Score]:
    """The accepted steps with the best scores, best first: name -> validation score."""
    scores: dict[str, Score] = {}
    for name in run.run.steps():
        verdict = run.run.step(name).verdict()
        if verdict is not None and verdict.accepted and verdict.score is not None:
            scores[name] = verdict.score
    best = sorted(scores, key=lambda n: (-scores[n].value if scores[n].higher_is_better else scores[n].value, n))
    return {name: scores[name] for name in best[: run.settings.top_k]}


def _seconds(run: RunServices, name: str) -> Seconds:
    execution = run.run.step(name).execution()
    return execution.wall_seconds if execution else 0.0


def _select(run: RunServices, scores: dict[str, Score]) -> str:
    """Re-run each with more seeds while time lasts, best first; choose on validation and audit together."""
    seeds = [run.settings.seed + extra for extra in range(1, run.settings.final_seeds)]
    run.journal.add(
        EventKind.FINALISING, selected=list(scores), seeds=[run.settings.seed, *seeds], seconds_left=round(run.budget.left(), 1)
    )
    jobs = [(name, seed) for seed in seeds for name in scores]  # seed by seed, so that a short budget still compares like with like
    lanes = run.settings.traces
    extra: dict[str, list[tuple[Score, Score | None]]] = {name: [] for name in scores}
    if len(scores) > 1:
        with ThreadPoolExecutor(max_workers=lanes) as pool:
            for (name, _), outcome in zip(jobs, pool.map(lambda job: _again(run, *job, lanes), jobs), strict=True):
                if outcome is not None:
                    extra[name].append(outcome)
    candidates = [
        FinalCandidate(
            step=name,
            validation=[score, *(v for v, _ in extra[name])],
            audit=[a for a in (run.run.audit(name, run.settings.seed), *(a for _, a in extra[name])) if a is not None],
            seconds=_seconds(run, name),
        )
        for name, score in scores.items()
    ]
    return choose_final(candidates).step


def _again(run: RunServices, name: str, seed: int, lanes: int) -> tuple[Score, Score | None] | None:
    """One re-run with another seed, if it and the final fit still fit into the budget."""
    needed = _seconds(run, name) * 1.2 + START_UP_SECONDS
    fit = FINAL_FIT_SLACK * max(_seconds(run, n) for n in [name])
    folder = StepDirectory(run.run.root / "final" / f"{name}-seed{seed}")
    solution = run.run.step(name).solution()
    if solution is None or run.stopped() or run.budget.left() < needed + fit:
        return None
    execution = folder.execution()
    if execution is None:
        folder.write_solution(solution)
        wall = run.budget.left() - fit
        execution = run_script(run, folder, Stage.FULL, seed=seed, cpus=run.cpus_per_trace, wall=wall, parallel=lanes)
        folder.save("execution", execution)
    validation = validate(run.prepared, folder.output, execution, stage=Stage.FULL, incumbent=None, policy=ValidationPolicy(), rerun=None)
    audit = audit_score(run.prepared, folder.output) if validation.score else None
    run.journal.add(
        EventKind.FINAL_RUN, step=StepId(name), seed=seed, outcome=execution.outcome.value,
        score=validation.score and validation.score.model_dump(mode="json"), seconds=execution.wall_seconds,
    )  # fmt: skip
    return (validation.score, audit) if validation.score else None


def _hand_out(run: RunServices, name: str) -> None:
    """Fit the winner on all rows, audit part included; where that fails or does not fit, its earlier predictions are handed out."""
    step = run.run.step(name)
    solution = step.solution()
    folder = StepDirectory(run.run.root / "final" / "fit")
    seconds = _seconds(run, name)
    if solution is not None and run.budget.left() > seconds and not run.stopped():
        folder.write_solution(solution)
        wall = max(run.budget.left() - START_UP_SECONDS / 2, 0.5)
        execution = run_script(run, folder, Stage.FINAL, seed=run.settings.seed, cpus=run.cores, wall=wall, parallel=1)
        folder.save("execution", execution)
        validation = validate(
            run.prepared, folder.output, execution, stage=Stage.FINAL, incumbent=None, policy=ValidationPolicy(), rerun=None
        )
        if validation.verdict.accepted:
            publish(run, folder)
            return
        run.journal.add(EventKind.WARNING, text=f"the final fit of {name} did not give valid files ({validation.verdict.reason}); "
                        "the submission comes from the validated fit without the audit rows")  # fmt: skip
    else:
        run.journal.add(
            EventKind.WARNING,
            text=f"no time for the final fit of {name}; the submission comes from the validated fit without the audit rows",
        )
    publish(run, step)


def _result(run: RunServices, chosen: str | None) -> RunResult:
    verdicts = {name: verdict for name in run.run.steps() if (verdict := run.run.step(name).verdict()) is not None}
    accepted = [name for name, verdict in verdicts.items() if verdict.accepted]
    chosen_verdict = verdicts[chosen] if chosen else None
    stopped = run.stopped()
    paths = {"solution": run.run.solution_path, "submission": run.run.submission_path, "report": run.run.report_path}
    return RunResult(
        status="stopped" if stopped else "done" if chosen else "failed", run_dir=run.run.root, step=chosen,
        score=chosen_verdict.score if chosen_verdict else None, first_score=_first_score(run),
        audit=run.run.audit(chosen, run.settings.seed) if chosen else None, steps=len(verdicts), accepted=len(accepted),
        spent_seconds=round(run.budget.elapsed(), 2), files={k: str(p) for k, p in paths.items() if p.exists() or k == "report"},
    )  # fmt: skip


def _first_score(run: RunServices) -> Score | None:
    """The baseline: the best of the traces' first drafts (step 0), so that improvement is not claimed against the weakest of them."""
    drafts = [v.score for name in run.run.steps() if name.endswith("-0") and (v := run.run.step(name).verdict()) and v.score]
    best: Score | None = None
    for score in drafts:
        best = score if best is None or score.better_than(best) else best
    return best
