"""The language-model reasoner: the model's own diagnosis is the gradient; where the model fails, the rules do the step."""

import threading
from collections.abc import Iterable
from typing import Any

from gome_graph.errors import GomeError, ModelError
from gome_graph.hooks import Reasoner, StepContext, Tell, Trials, Update
from gome_graph.models import Models
from gome_graph.reasoners.llm import sections
from gome_graph.reasoners.llm.answers import DraftAnswer, family_name, short_title
from gome_graph.reasoners.llm.coder import Coder, NotWritten, Written
from gome_graph.reasoners.llm.config import LlmConfig
from gome_graph.reasoners.llm.faults import Fault, FaultKind
from gome_graph.reasoners.llm.own import as_step, own_context
from gome_graph.reasoners.llm.patience import Patience
from gome_graph.reasoners.llm.prompts import versions
from gome_graph.reasoners.llm.proposals import MARK, SOURCE, weighed
from gome_graph.reasoners.llm.thinker import Thinker
from gome_graph.reasoners.rules.reasoner import RulesConfig, RulesReasoner
from gome_graph.reasoners.rules.state import recipe_of
from gome_graph.reasoners.rules.technique import Technique
from gome_graph.records import (
    Component,
    Diagnosis,
    Hypothesis,
    Momentum,
    Patch,
    Solution,
    StepSummary,
    TraceId,
    VerdictKind,
    step_id,
)
from gome_graph.solution import make_patch

FAILED = frozenset({VerdictKind.CRASHED, VerdictKind.TIMED_OUT, VerdictKind.OUT_OF_MEMORY, VerdictKind.LIMIT, VerdictKind.BAD_FORMAT})
"""Verdicts of a script that may be mended."""
MOST_REPAIRS = 2
"""Steps in a row that go on from a script which failed at full stage; then the trace goes back to its accepted one."""
MOST_FROM_CATALOG = 3
"""Hypotheses that the rules add to the model's."""
CATALOG_MARKS = (0.8, 0.7, 0.6)
"""Marks of the rules' hypotheses by rank: as those of a model that is content with them. What they weigh follows from their record."""


class LlmReasoner:
    """Implements `gome_graph.hooks.Reasoner` with language models.

    Thread-safe. What it keeps between steps (which models rest, what could not be written) is a help, not state: a resumed run
    does without.

    Parameters
    ----------
    config
        See `LlmConfig`.
    techniques
        The rules' catalog, for the steps that the rules do.
    models
        Who answers.
    trials
        Where scripts are tried before they become a step; None: nowhere.
    tell
        Writes to the journal.
    votes
        True: the rules propose too, and draft (``rules+llm``).
    """

    def __init__(
        self, config: LlmConfig | None = None, *, techniques: Iterable[Technique] | None = None, models: Models,
        trials: Trials | None = None, tell: Tell | None = None, votes: bool = False,
    ) -> None:  # fmt: skip
        self.config = config or LlmConfig()
        self.name = "rules+llm" if votes else "llm"
        self.prompts = versions()
        """Templates and their hashes, for the run record."""
        self._votes = votes
        self._rules: Reasoner = RulesReasoner(RulesConfig(diagnosis=self.config.diagnosis, least_gain=0.0), techniques=techniques)
        self._thinker = Thinker(models, self.config)
        self._coder = Coder(models, trials, self.config)
        self._patience = Patience()
        self._tell_journal = tell
        self._unwritten: dict[int, dict[str, str]] = {}
        self._updates: dict[int, tuple[int, dict[str, Update]]] = {}
        """By trace: the step in hand, and what was written for its hypotheses one by one."""
        self._lock = threading.Lock()

    # -- the four questions ------------------------------------------------------------------------------------------

    def draft(self, context: StepContext) -> Update:
        """A root: the model's, or the rules' where the model rests, fails or only votes."""
        if self._votes or not self._patience.asks(context.trace, context.step):
            return self._rules.draft(context)
        failed, fault = _failed_root(context)
        try:
            written = self._coder.draft(context, failed, fault)
        except (ModelError, NotWritten) as error:
            self._fall(context, "draft", error)
            return self._rules.draft(context)
        self._done(context, written)
        return _root(context, written)

    def diagnose(self, context: StepContext) -> Diagnosis:
        """The model's gradient; evidence that does not resolve is dropped and counted."""
        if not self.config.diagnosis:
            return Diagnosis(cause="not diagnosed", direction="not diagnosed", component=Component.WORKFLOW)
        if self._patience.asks(context.trace, context.step):
            try:
                diagnosis, lost = self._thinker.diagnose(context, _base(context), self._not_written(context))
            except ModelError as error:
                self._fall(context, "diagnose", error)
            else:
                if lost:
                    self._tell(context, "dropped", references=lost)
                return diagnosis
        return self._rules.diagnose(own_context(context))

    def propose(self, context: StepContext, diagnosis: Diagnosis) -> list[Hypothesis]:
        """The model's hypotheses, with the rules' beside them where these vote; the rules' alone where the model rests or fails."""
        if self._patience.asks(context.trace, context.step):
            try:
                kept, dropped = self._thinker.propose(context, diagnosis, _base(context), self._not_written(context))
            except ModelError as error:
                self._fall(context, "propose", error)
            else:
                if dropped:
                    self._tell(context, "dropped", hypotheses=dropped)
                return [*kept, *self._catalog(context, diagnosis)]
        return self._rules.propose(own_context(context), diagnosis)

    def update(self, context: StepContext, diagnosis: Diagnosis, hypotheses: list[Hypothesis], momentum: Momentum) -> Update | None:
        """One hypothesis, chosen in the light of momentum and written as a patch that ran on few rows.

        Asked again in the same step for a hypothesis alone that it has written (a strategy that probes does so), it gives the same script.
        """
        known = self._kept_update(context, hypotheses)
        if known is not None:
            return known
        if context.incumbent is None or not any(h.source == SOURCE for h in hypotheses):
            return self._by_rules(context, diagnosis, hypotheses, momentum)
        if not self._patience.asks(context.trace, context.step):
            return self._by_rules(context, diagnosis, None, momentum)
        ranked = weighed(hypotheses, context, momentum)
        try:
            hypothesis = self._choose(context, diagnosis, ranked, momentum)
            if not hypothesis.source and recipe_of(context.incumbent) is not None:
                update = self._by_rules(context, diagnosis, [hypothesis], momentum)
                if update is not None:
                    return update
            script, title = _base(context)
            written = self._coder.change(context, diagnosis, hypothesis, script, title)
        except NotWritten as error:
            with self._lock:
                self._unwritten.setdefault(context.trace, {})[hypothesis.title] = str(error)[:200]
            self._fall(context, "code", error, hypothesis=hypothesis.title, faults=[fault.kind.value for fault in error.faults])
            return self._by_rules(context, diagnosis, None, momentum)
        except ModelError as error:
            self._fall(context, "update", error)
            return self._by_rules(context, diagnosis, None, momentum)
        self._done(context, written)
        made = _step(context, context.incumbent, hypothesis, written)
        self._keep_update(context, hypotheses, made)
        return made

    # -- parts of them -----------------------------------------------------------------------------------------------

    def _choose(self, context: StepContext, diagnosis: Diagnosis, ranked: list[Hypothesis], momentum: Momentum) -> Hypothesis:
        """The best by weight where there is nothing to weigh it against; else the model selects, modifies or creates."""
        told = bool(sections.successes_section(momentum) or momentum.failures)
        if not self.config.judge or len(ranked) == 1 or (not told and len({h.source for h in ranked}) == 1):
            return ranked[0]
        hypothesis, action, reason = self._thinker.choose(context, diagnosis, ranked, momentum, self._not_written(context))
        self._tell(context, "chosen", action=action, title=hypothesis.title, reason=reason, proposals=len(ranked))
        return hypothesis

    def _catalog(self, context: StepContext, diagnosis: Diagnosis) -> list[Hypothesis]:
        """What the rules propose beside the model, if they vote."""
        own = own_context(context)
        if not self._votes or own.incumbent is None:
            return []
        proposed = self._rules.propose(own, diagnosis)[:MOST_FROM_CATALOG]
        return [h.model_copy(update={"params": {**h.params, MARK: mark}}) for h, mark in zip(proposed, CATALOG_MARKS, strict=False)]

    def _by_rules(
        self, context: StepContext, diagnosis: Diagnosis, hypotheses: list[Hypothesis] | None, momentum: Momentum
    ) -> Update | None:
        """The step as the rules do it: on a recipe of their own, or as a root. None for `hypotheses` lets them propose."""
        own = own_context(context)
        wanted = self._rules.propose(own, diagnosis) if hypotheses is None else hypotheses
        return as_step(self._rules.update(own, diagnosis, wanted, momentum), context)

    def _keep_update(self, context: StepContext, hypotheses: list[Hypothesis], update: Update) -> None:
        if len(hypotheses) == 1:
            with self._lock:
                step, updates = self._updates.get(context.trace, (context.step, {}))
                kept = updates if step == context.step else {}
                self._updates[context.trace] = context.step, {**kept, hypotheses[0].title: update}

    def _kept_update(self, context: StepContext, hypotheses: list[Hypothesis]) -> Update | None:
        with self._lock:
            step, updates = self._updates.get(context.trace, (-1, {}))
        return updates.get(hypotheses[0].title) if len(hypotheses) == 1 and step == context.step else None

    # -- accounts ----------------------------------------------------------------------------------------------------

    def _fall(self, context: StepContext, at: str, error: GomeError, **details: Any) -> None:
        """The model failed this step: say so, and let it rest if that goes on."""
        pause = self._patience.failed(context.trace, context.step)
        self._tell(context, "fallback", at=at, error=type(error).__name__, text=str(error), to="rules", rests=pause, **details)

    def _done(self, context: StepContext, written: Written) -> None:
        self._patience.succeeded(context.trace)
        faults = [fault.kind.value for fault in written.faults]
        self._tell(context, "coded", rounds=len(faults) + 1, faults=faults, summary=getattr(written.answer, "summary", ""))

    def _not_written(self, context: StepContext) -> dict[str, str]:
        with self._lock:
            return dict(self._unwritten.get(context.trace, {}))

    def _tell(self, context: StepContext, what: str, **details: Any) -> None:
        if self._tell_journal is not None:
            self._tell_journal(context.trace, context.step, what, **details)


def _base(context: StepContext) -> tuple[str, str]:
    """The script that is changed, and what it is called: the accepted one, or a model's last one that failed and may be mended."""
    latest = sections.last_step(context)
    if latest is not None and _mendable(context.history):
        return latest.script, "The last script, which failed"
    if context.incumbent is not None:
        failed = context.pack is not None and context.pack.step == context.incumbent.step and not context.pack.execution.ok
        return context.incumbent.script, "The script to be mended" if failed else "The accepted script"
    return (context.latest.script, "The last script") if context.latest is not None else ("", "")


def _mendable(history: list[StepSummary]) -> bool:
    """True if the last step was a model's and failed to run, and not too many before it."""
    failures = 0
    for step in reversed(history):
        if step.outcome not in FAILED or step.source != SOURCE:
            break
        failures += 1
    return 0 < failures <= MOST_REPAIRS


def _failed_root(context: StepContext) -> tuple[str, Fault | None]:
    """The script and the fault of a model's root that failed, for the next one to mend."""
    latest = sections.last_step(context)
    if latest is None or context.verdict is None or not _mendable(context.history):
        return "", None
    log = context.pack.execution.log_tail if context.pack is not None else ""
    return latest.script, Fault(FaultKind.CRASH, context.verdict.reason, log)


def _root(context: StepContext, written: Written) -> Update:
    answer = written.answer
    if not isinstance(answer, DraftAnswer):
        raise TypeError("a root comes from a draft")
    hypothesis = Hypothesis(
        title=short_title(answer.title), rationale=answer.rationale, component=Component.MODEL, source=SOURCE,
        family=family_name(answer.family), cost_seconds=round(written.seconds or max(answer.cost_seconds, 0.0), 1),
    )  # fmt: skip
    solution = _solution(context, written.script, hypothesis.family)
    return Update(hypothesis, Patch(whole=written.script), solution)


def _step(context: StepContext, incumbent: Solution, hypothesis: Hypothesis, written: Written) -> Update:
    """The step as a patch on the accepted script, whichever script the model's edits were made on."""
    hypothesis = hypothesis.model_copy(
        update={"source": SOURCE, "technique": None, "cost_seconds": round(written.seconds or hypothesis.cost_seconds, 1)}
    )
    patch = make_patch(incumbent.script, written.script)
    solution = _solution(context, written.script, hypothesis.family or incumbent.family)
    return Update(hypothesis, patch, solution.model_copy(update={"parent": incumbent.step if patch.whole is None else None}))


def _solution(context: StepContext, script: str, family: str) -> Solution:
    return Solution(step=step_id(context.trace, context.step), trace=TraceId(context.trace), script=script, family=family)
