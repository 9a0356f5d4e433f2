"""Behaviour 3: what failed is not proposed again. The real rules reasoner and the real memory, on simulated outcomes."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gome_graph.hooks import SiblingFacts, StepContext, TaskBrief, Update
from gome_graph.reasoners.rules.catalog import BUILT_IN
from gome_graph.reasoners.rules.reasoner import RulesConfig, RulesReasoner
from gome_graph.records import (
    BudgetStage,
    Execution,
    Experience,
    Hypothesis,
    Momentum,
    Outcome,
    RecallQuery,
    Solution,
    StepSummary,
    TargetKind,
    VerdictKind,
    step_id,
)
from gome_memory.memory import MemoryConfig, SuccessMemory
from tests.behaviours.checks import Check, at_most, told
from tests.reasoners import planted

BRIEFS = {
    "binary table": planted.brief(), "regression": planted.brief(target=TargetKind.REGRESSION, metric="rmse", skew=2.0),
    "text": planted.brief(planted.TEXT, TargetKind.MULTICLASS, "log_loss", prediction="probabilities"),
    "table and text": planted.brief([*planted.TABLE, *planted.TEXT], metric="roc_auc"),
    "grades": planted.brief(target=TargetKind.ORDINAL, metric="qwk"), "small": planted.brief(planted.NUMBERS, rows=200),
}  # fmt: skip
SYMPTOMS = sorted({symptom for technique in BUILT_IN for symptom in technique.answers})
HOPELESS, ACCEPTED, CRASHED = 0.6, 0.35, 0.1
"""Share of techniques that never help here; chance of the others; chance of any step to crash."""


@dataclass
class Trace:
    """One simulated trace."""

    number: int
    incumbent: Solution | None = None
    latest: Solution | None = None
    history: list[StepSummary] = field(default_factory=list)
    update: Update | None = None
    """In flight."""
    over: bool = False


@dataclass
class Tally:
    """What was counted."""

    steps: int = 0
    """Chosen after a first rejection in the run."""
    proposed: int = 0
    counts: Counter[str] = field(default_factory=Counter)


class World:
    """One run: traces in step, outcomes drawn from a fixed law, one memory.

    Parameters
    ----------
    memory
        None plays without one.
    """

    def __init__(self, brief: TaskBrief, seed: int, memory: SuccessMemory | None, *, traces: int = 3) -> None:
        self.brief, self.seed, self.memory = brief, seed, memory
        self.reasoner = RulesReasoner(RulesConfig(least_gain=0.0))  # the longer the history, the more there is to repeat
        self.random = np.random.default_rng(seed)
        self.hopeless = {t.name for t in BUILT_IN if self.random.random() < HOPELESS}
        self.traces = [Trace(number) for number in range(traces)]
        self.rejected: dict[str, set[str]] = {"solution": set(), "idea on an equivalent recipe": set(), "idea": set()}
        self.rejected_here: list[set[str]] = [set() for _ in range(traces)]

    def play(self, steps: int, tally: Tally) -> None:
        """All traces, `steps` steps each or until nothing is left."""
        for step in range(steps):
            for trace in self.traces:
                trace.update = None if trace.over else self._think(trace, step, tally, steps)
                trace.over = trace.update is None
            for trace in self.traces:
                if trace.update is not None:
                    self._judge(trace, trace.update, step)

    def _think(self, trace: Trace, step: int, tally: Tally, steps: int) -> Update | None:
        context = self._context(trace, step, steps)
        if step == 0:
            return self.reasoner.draft(context)
        diagnosis = self.reasoner.diagnose(context)
        hypotheses = self.reasoner.propose(context, diagnosis)
        momentum = Momentum()
        if self.memory is not None:
            momentum = self.memory.recall(
                RecallQuery(hypotheses=hypotheses, trace_steps=step, seed=self.seed + step, task=self.brief.name, run="run")
            )
        update = self.reasoner.update(context, diagnosis, hypotheses, momentum)
        if any(self.rejected.values()):
            self._count(trace, hypotheses, update, tally)
        return update

    def _count(self, trace: Trace, hypotheses: list[Hypothesis], update: Update | None, tally: Tally) -> None:
        parent = _models(trace.incumbent)
        tally.proposed += len(hypotheses)
        tally.counts["proposed"] += sum(_idea(h, parent) in self.rejected["idea on an equivalent recipe"] for h in hypotheses)
        if update is None or update.hypothesis.technique is None:
            return
        tally.steps += 1
        for kind, key in _keys(update, parent).items():
            tally.counts[kind] += key in self.rejected[kind]
        tally.counts["same trace"] += _idea(update.hypothesis, "") in self.rejected_here[trace.number]

    def _context(self, trace: Trace, step: int, steps: int) -> StepContext:
        siblings = [
            SiblingFacts(
                trace=other.number, hypothesis=other.update.hypothesis if other.update else None, incumbent=other.incumbent, score=0.8,
                steps=step,
            )
            for other in self.traces if other is not trace
        ]  # fmt: skip
        draw = np.random.default_rng([self.seed, trace.number, len([s for s in trace.history if s.outcome == "accepted"])])
        findings = [
            planted.finding(str(name), float(draw.uniform(0.2, 0.9))) for name in draw.choice(SYMPTOMS, size=4, replace=False)
        ]  # fmt: skip
        used = step / steps
        stage = BudgetStage.DRAFT if used < 0.1 else BudgetStage.ENSEMBLE if used > 0.5 else BudgetStage.IMPROVE
        return planted.context(
            self.brief, trace=trace.number, step=step, seed=self.seed * 1000 + step, stage=stage, incumbent=trace.incumbent,
            latest=trace.latest, history=list(trace.history), siblings=siblings, findings=findings,
            pack=planted.pack(self.brief, execution=Execution(outcome=Outcome.OK, stage="full", seed=0, wall_seconds=10.0)),
        )  # fmt: skip

    def _judge(self, trace: Trace, update: Update, step: int) -> None:
        idea = update.hypothesis
        crashed = self.random.random() < CRASHED
        works = idea.technique is None or (idea.technique not in self.hopeless and self.random.random() < ACCEPTED)
        kind = VerdictKind.CRASHED if crashed and step else VerdictKind.ACCEPTED if works else VerdictKind.NOT_BETTER
        gain = float(abs(self.random.normal(2.0))) if kind is VerdictKind.ACCEPTED else float(-abs(self.random.normal(1.0)))
        name = step_id(trace.number, step)
        if kind is not VerdictKind.ACCEPTED:
            for kind_of_key, key in _keys(update, _models(trace.incumbent)).items():
                self.rejected[kind_of_key].add(key)
            self.rejected_here[trace.number].add(_idea(idea, ""))
        trace.latest = update.solution.model_copy(update={"step": name})
        trace.incumbent = trace.latest if kind is VerdictKind.ACCEPTED else trace.incumbent
        trace.history.append(
            StepSummary(step=name, hypothesis=idea.title, technique=idea.technique, component=idea.component, outcome=kind.value,
                        gain_in_noise=gain, seconds=10.0)
        )  # fmt: skip
        if self.memory is not None:
            self.memory.remember(
                Experience(key=f"run/{trace.number}/{step}", run="run", trace=trace.number, step=name, task=self.brief.name,
                           hypothesis=idea, gain_in_noise=gain, verdict=kind)
            )  # fmt: skip


def _keys(update: Update, parent: str) -> dict[str, str]:
    recipe = dict((update.solution.recipe or {}).get("recipe", {}))
    recipe["members"] = sorted(recipe.get("members", []), key=lambda member: json.dumps(member, sort_keys=True))
    return {
        "solution": json.dumps(recipe, sort_keys=True), "idea on an equivalent recipe": _idea(update.hypothesis, parent),
        "idea": _idea(update.hypothesis, ""),
    }  # fmt: skip


def _idea(hypothesis: Hypothesis, parent: str) -> str:
    return json.dumps([hypothesis.technique, hypothesis.title, hypothesis.params, parent], sort_keys=True)


def _models(solution: Solution | None) -> str:
    """Recipes are equivalent here if they blend the same models."""
    recipe = ((solution.recipe if solution else None) or {}).get("recipe", {})
    return " ".join(sorted(member["model"] for member in recipe.get("members", []))) + f" {recipe.get('blend', 'single')}"


def tally(root: Path, *, seeds: int, steps: int, remembered: bool = True) -> Tally:
    """All briefs and seeds, played."""
    found = Tally()
    for place, brief in enumerate(BRIEFS.values()):
        for seed in range(seeds):
            memory = None
            if remembered:
                memory = SuccessMemory(root / f"{place}-{seed}", MemoryConfig(index="exact", embedding="hash"))
            World(brief, 100 * place + seed, memory).play(steps, found)
            if memory is not None:
                memory.close()
    return found


def checks(root: Path, *, seeds: int = 2, steps: int = 20) -> list[Check]:
    """Repeats among the steps chosen after a first rejection, over all traces of a run."""
    with_memory = tally(root, seeds=seeds, steps=steps)
    without = tally(root, seeds=1, steps=steps, remembered=False)
    note = f"of {with_memory.steps} steps after a rejection, {len(BRIEFS)} tasks x {seeds} seeds x 3 traces x {steps} steps"

    def share(kind: str, of: Tally = with_memory) -> float:
        return of.counts[kind] / max(of.proposed if kind == "proposed" else of.steps, 1)

    twins = "solutions that some trace had rejected, under any title (two traces that merge each other make the same one)"
    return [
        at_most(3, "ideas that their own trace had rejected", share("same trace"), 0.05, note),
        at_most(
            3, "ideas that some trace had rejected on an equivalent recipe", share("idea on an equivalent recipe"), 0.05,
            f"without memory {share('idea on an equivalent recipe', without):.3f}",
        ),
        at_most(
            3, "ideas that some trace had rejected on any recipe", share("idea"), 0.05, f"without memory {share('idea', without):.3f}",
        ),
        told(3, twins, share("solution"), f"without memory {share('solution', without):.3f}"),
        told(
            3, "candidates that some trace had rejected on an equivalent recipe, before memory is asked", share("proposed"),
            f"of {with_memory.proposed} candidates",
        ),
    ]  # fmt: skip
