"""What a reasoner is shown: assembled from the run directory, the budget and the blackboard."""

from dataclasses import replace

from gome_graph.graph.blackboard import Blackboard
from gome_graph.graph.services import RunServices
from gome_graph.graph.state import TraceState
from gome_graph.hooks import Library, StepContext
from gome_graph.records import BudgetStage, DiagnosticPack, Finding, Hypothesis, StepId, StepSummary, VerdictKind, step_id
from gome_graph.run import StepDirectory
from gome_graph.run.budget import DRAFT_SHARE, ENSEMBLE_SHARE
from gome_graph.support.seeds import derive_seed

UNHURRIED_SECONDS = 3600.0
"""What a step-counted run says of the time left, so that its decisions do not depend on the clock."""

FAILED = frozenset({VerdictKind.CRASHED, VerdictKind.TIMED_OUT, VerdictKind.OUT_OF_MEMORY, VerdictKind.LIMIT, VerdictKind.BAD_FORMAT})
"""Verdicts after which the failure itself is the thing to diagnose."""

SCORED = frozenset({VerdictKind.ACCEPTED, VerdictKind.NOT_BETTER})
"""Verdicts of honest solutions: the members of these may go into ensembles."""


def summary(step: StepDirectory, name: str) -> StepSummary | None:
    """One line of history, or None if the step has no verdict yet."""
    verdict, chosen, execution = step.verdict(), step.record("hypothesis", Hypothesis), step.execution()
    if verdict is None or chosen is None:
        return None
    return StepSummary(
        step=StepId(name), hypothesis=chosen.title, technique=chosen.technique, component=chosen.component, source=chosen.source,
        outcome=verdict.kind.value, reason=verdict.reason, score=verdict.score.value if verdict.score else None,
        gain_in_noise=verdict.gain_in_noise, seconds=execution.wall_seconds if execution else 0.0,
    )  # fmt: skip


def history(services: RunServices, trace: int, steps: int) -> list[StepSummary]:
    """The first `steps` steps of a trace, oldest first."""
    lines = (summary(services.run.step(step_id(trace, n)), step_id(trace, n)) for n in range(steps))
    return [line for line in lines if line is not None]


def budget_stage(services: RunServices, step: int) -> BudgetStage:
    """By the clock; in a step-counted run by the share of steps taken."""
    if services.settings.max_steps is None:
        return services.budget.stage()
    used = step / services.settings.max_steps
    return BudgetStage.DRAFT if used < DRAFT_SHARE else BudgetStage.ENSEMBLE if used > ENSEMBLE_SHARE else BudgetStage.IMPROVE


def step_context(services: RunServices, board: Blackboard, state: TraceState, step: int) -> StepContext:
    """What is known before step number `step` of the trace; packs and findings are added by `diagnose`."""
    trace = state["trace"]
    incumbent = _step(services, state.get("incumbent"))
    latest = _step(services, state.get("latest"))
    execution = incumbent.execution() if incumbent else None
    counted = services.settings.max_steps is not None
    return StepContext(
        task=services.brief,
        trace=trace,
        step=step,
        seed=derive_seed(services.settings.seed, "trace", trace, "step", step),
        stage=budget_stage(services, step),
        seconds_left=UNHURRIED_SECONDS if counted else services.budget.for_steps(),
        cpus=services.cpus_per_trace,
        incumbent=incumbent.solution() if incumbent else None,
        latest=latest.solution() if latest else None,
        verdict=latest.verdict() if latest else None,
        history=history(services, trace, step),
        siblings=board.siblings(trace),
        hints=[h["text"] for h in services.run.hints() if h.get("trace") in (None, trace)],
        insisted=services.run.more_path.exists(),
        incumbent_seconds=(1.0 if counted else execution.whole_seconds) if execution else 0.0,
        time_limit=min(UNHURRIED_SECONDS if counted else services.budget.step_goal(), services.script_limit),
        final_limit=0.0 if counted else services.budget.final_limit,
        library=_library(services),
    )


def _library(services: RunServices) -> Library | None:
    """All solutions that have a score, with the predictions of their members; None before the first one."""
    if not services.kept.keys():
        return None
    solutions = []
    for name in services.run.steps():
        folder = services.run.step(name)
        verdict, solution = folder.verdict(), folder.solution()
        if verdict is not None and verdict.kind in SCORED and solution is not None:
            solutions.append(solution)
    return Library(solutions, services.kept, services.prepared.truth, services.prepared.folds)


def _step(services: RunServices, name: str | None) -> StepDirectory | None:
    return services.run.step(name) if name else None


def where_it_stands(services: RunServices, trace: int) -> TraceState:
    """The state of a trace as the run directory tells it: the beginning, or the last step that was judged (a run that was stopped goes on
    from there)."""
    state = TraceState(run_dir=str(services.run.root), trace=trace, step=0)
    for name in services.run.steps():
        verdict = services.run.step(name).verdict()
        if verdict is None or not name.startswith(f"t{trace}-"):
            continue
        state["step"] = int(name.split("-")[1])
        state["latest"] = name
        if verdict.accepted:
            state["incumbent"] = name
    return state


def with_facts(context: StepContext, step: StepDirectory) -> StepContext:
    """The context with the pack and findings that `diagnose` saved for a step."""
    pack, findings = step.load("pack"), step.load("findings") or []
    return replace(
        context,
        pack=DiagnosticPack.model_validate(pack) if pack else None,
        findings=[Finding.model_validate(f) for f in findings],
    )
