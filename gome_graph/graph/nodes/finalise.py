"""finalise: re-run the best solutions with other seeds, choose by what is likely to hold, fit on all rows, hand out."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gome_graph.errors import SandboxError
from gome_graph.graph.nodes.execute import run_script
from gome_graph.graph.publish import publish
from gome_graph.graph.services import RunServices, services
from gome_graph.graph.state import RunState
from gome_graph.graph.wishes import pinned, take_wishes
from gome_graph.records import EventKind, Outcome, Score, Seconds, Solution, Stage, StepId, VerdictKind
from gome_graph.run import RunResult, StepDirectory
from gome_graph.run.budget import START_UP_SECONDS
from gome_graph.validation import Choice, FinalCandidate, Measurement, audit_score, choose_final, top_k, validate

FINAL_FIT_CHANCE = 0.4
"""Share of the time kept for the final fit with which it is still begun: times in a crowd are rough, and most are too long."""

PINNED_REASON = "pinned by the user"


def finalise_node(state: RunState) -> dict[str, Any]:
    """Select, refit, publish, and write down how the run ended."""
    run = services(state["run_dir"])
    take_wishes(run)
    scores = _eligible(run)
    wanted = pinned(run)
    choice = _select(run, scores) if scores and wanted is None else None
    chosen = wanted or (choice.step if choice else None)
    if chosen is not None:
        _hand_out(run, chosen)
    if note := getattr(run.memory, "note", ""):
        run.journal.add(EventKind.WARNING, text=f"memory: {note}")
    result = _result(run, chosen, choice.reason if choice else PINNED_REASON if wanted else "", _ended(run, state))
    # In this order: a run with a result cannot be resumed, so its journal must have its end by then.
    run.journal.add(EventKind.RUN_FINISHED, step=StepId(chosen) if chosen else None, **result.model_dump(mode="json", exclude={"step"}))
    asked = {} if run.models is None else {"models": run.models.summary()}
    run.run.update_record(result=result.model_dump(mode="json"), **asked)
    run.close()
    return {"result": result.model_dump(mode="json")}


def _eligible(run: RunServices) -> dict[StepId, Score]:
    """Validation scores of the steps that may be handed out, one of each set of twins.

    Accepted ones, and valid ones whose gain was positive but not sure enough to move a trace: more seeds and the audit part may vouch
    for them.
    Twins (the same predictions, found by two traces) count once.
    """
    scores: dict[StepId, Score] = {}
    seen: set[bytes] = set()
    for name in run.run.steps():
        folder = run.run.step(name)
        verdict, kept = folder.verdict(), folder.workspace / "oof.npy"
        if verdict is None or verdict.score is None:
            continue
        promising = verdict.kind is VerdictKind.NOT_BETTER and (verdict.gain or 0.0) > 0
        twin = hashlib.sha256(kept.read_bytes()).digest() if kept.is_file() else name.encode()
        if (verdict.accepted or promising) and twin not in seen:
            scores[StepId(name)] = verdict.score
            seen.add(twin)
    return scores


def _seconds(run: RunServices, name: str) -> Seconds:
    execution = run.run.step(name).execution()
    return execution.whole_seconds if execution else 0.0


def _select(run: RunServices, scores: dict[StepId, Score]) -> Choice:
    """Re-run the best with more seeds while time lasts; choose on validation and audit together."""
    solutions = {name: solution for name in scores if (solution := run.run.step(name).solution())}
    best = top_k(list(scores.items()), run.settings.top_k, families={name: s.family for name, s in solutions.items()})
    seeds = [run.settings.seed + extra for extra in range(1, run.settings.final_seeds)]
    run.journal.add(EventKind.FINALISING, selected=best, seeds=[run.settings.seed, *seeds], seconds_left=round(run.budget.left(), 1))
    measured = {name: [Measurement(run.settings.seed, scores[name], _seen(run, run.run.audit(name, run.settings.seed)))] for name in best}
    if len(best) > 1:
        jobs = [(name, seed) for seed in seeds for name in best]  # seed by seed: a short budget still compares like with like
        fit = run.budget.final_fit(max(_seconds(run, name) for name in best))
        with ThreadPoolExecutor(max_workers=run.settings.traces) as pool:
            for (name, _), again in zip(jobs, pool.map(lambda job: _again(run, job[0], job[1], fit), jobs), strict=True):
                if again is not None:
                    measured[name].append(again)
    return choose_final([_candidate(run, solutions, name, measured[name]) for name in best])


def _candidate(run: RunServices, solutions: dict[StepId, Solution], name: StepId, measured: list[Measurement]) -> FinalCandidate:
    path, verdict = _path(solutions, name), run.run.step(name).verdict()
    shown = path if verdict is not None and verdict.accepted else path[1:]  # a step that was not accepted has not beaten its parent
    return FinalCandidate(
        step=name, trace=solutions[name].trace, measurements=measured, seconds=_seconds(run, name), accepted=len(path),
        beaten=frozenset(shown),
    )  # fmt: skip


def _path(solutions: dict[StepId, Solution], name: StepId) -> list[StepId]:
    """Steps from which a solution was reached, its parent first."""
    found, parent = [], solutions[name].parent
    while parent is not None and parent in solutions:
        found.append(parent)
        parent = solutions[parent].parent
    return found


def _again(run: RunServices, name: StepId, seed: int, fit: Seconds) -> Measurement | None:
    """One re-run with another seed, if it fits into the budget beside the `fit` seconds of the final fit."""
    folder = StepDirectory(run.run.root / "final" / f"{name}-seed{seed}")
    solution, execution = run.run.step(name).solution(), folder.execution()
    fresh = execution is None or execution.outcome is Outcome.STOPPED
    if execution is None or fresh:
        if solution is None or run.stopped() or run.budget.left() < _seconds(run, name) + fit + START_UP_SECONDS:
            return None
        folder.write_solution(solution)
        wall = max(run.budget.left() - fit, 0.5)
        try:
            execution = run_script(run, folder, Stage.FULL, seed=seed, cpus=run.cpus_per_trace, wall=wall, parallel=run.settings.traces)
        except SandboxError as error:
            run.journal.add(EventKind.WARNING, text=f"{name} was not run again with seed {seed}: {error}")
            return None
        folder.save("execution", execution)
    validation = validate(run.prepared, folder.output, execution, stage=Stage.FULL)
    score = validation.score if validation.verdict.accepted else None
    if fresh:
        run.journal.add(
            EventKind.FINAL_RUN, step=name, seed=seed, outcome=execution.outcome.value,
            score=score and score.model_dump(mode="json"), seconds=execution.wall_seconds,
        )  # fmt: skip
    return Measurement(seed, score, _seen(run, audit_score(run.prepared, folder.output))) if score else None


def _seen(run: RunServices, audit: Score | None) -> Score | None:
    """The audit score as far as selection may see it (``--no-audit-selection``)."""
    return audit if run.settings.audit_selection else None


def _hand_out(run: RunServices, name: str) -> None:
    """Fit the winner on all rows, audit part included; where that fails or does not fit, its earlier predictions are handed out."""
    step = run.run.step(name)
    solution = step.solution()
    folder = StepDirectory(run.run.root / "final" / "fit")
    seconds = _seconds(run, name)
    if not run.budget.refits:
        publish(run, step)  # there is no audit part: the validated fit saw all rows
        return
    # Time that is left has no other use; if it was too little, the validated fit is there.
    if solution is not None and run.budget.left() > FINAL_FIT_CHANCE * run.budget.final_fit(seconds) and not run.stopped():
        folder.write_solution(solution)
        wall = max(run.budget.left() - START_UP_SECONDS / 2, 0.5)
        try:
            execution = run_script(run, folder, Stage.FINAL, seed=run.settings.seed, cpus=run.cores, wall=wall, parallel=1)
        except SandboxError as error:
            run.journal.add(EventKind.WARNING, text=f"no final fit of {name} ({error}); the submission comes from the validated fit")
            publish(run, step)
            return
        folder.save("execution", execution)
        validation = validate(run.prepared, folder.output, execution, stage=Stage.FINAL)
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


def _ended(run: RunServices, state: RunState) -> str:
    """Why the traces ended: the reason that most of them gave."""
    reasons = [str(trace["reason"]) for trace in state.get("ended", [])[-run.settings.traces :]]
    return max(reasons, key=reasons.count, default="")


def _result(run: RunServices, chosen: str | None, reason: str, ended: str) -> RunResult:
    verdicts = {name: verdict for name in run.run.steps() if (verdict := run.run.step(name).verdict()) is not None}
    accepted = [name for name, verdict in verdicts.items() if verdict.accepted]
    chosen_verdict = verdicts[chosen] if chosen else None
    stopped = run.stopped()
    paths = {"solution": run.run.solution_path, "submission": run.run.submission_path, "report": run.run.report_path}
    return RunResult(
        status="stopped" if stopped else "done" if chosen else "failed", reason=reason, ended=ended, run_dir=run.run.root, step=chosen,
        score=chosen_verdict.score if chosen_verdict else None, first_score=first_score(run),
        audit=run.run.audit(chosen, run.settings.seed) if chosen else None, steps=len(verdicts), accepted=len(accepted),
        spent_seconds=round(run.budget.elapsed(), 2), files={k: str(p) for k, p in paths.items() if p.exists() or k == "report"},
    )  # fmt: skip


def first_score(run: RunServices) -> Score | None:
    """The baseline: the best of the traces' first drafts (step 0), so that improvement is not claimed against the weakest of them."""
    drafts = [v.score for name in run.run.steps() if name.endswith("-0") and (v := run.run.step(name).verdict()) and v.accepted and v.score]
    best: Score | None = None
    for score in drafts:
        best = score if best is None or score.better_than(best) else best
    return best
