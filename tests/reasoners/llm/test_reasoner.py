"""The reasoner's manners: what it asks, what it falls back on, how it goes on from scripts of either hand."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gome_graph.hooks import Library, StepContext, TaskBrief, Trial, Update
from gome_graph.models import Ask, CapReached, InvalidAnswer, ModelUnavailable, Role
from gome_graph.reasoners.llm.config import LlmConfig
from gome_graph.reasoners.llm.keys import KEY, renewed
from gome_graph.reasoners.llm.patience import PAUSES, Patience
from gome_graph.reasoners.llm.reasoner import LlmReasoner
from gome_graph.reasoners.rules.reasoner import RulesReasoner
from gome_graph.reasoners.rules.state import recipe_of
from gome_graph.records import BudgetStage, Execution, Momentum, Outcome, Stage, VerdictKind, step_id
from gome_graph.run import KeptPool
from gome_graph.solution import apply_patch
from gome_graph.task import load_task, prepare
from tests.behaviours import small_tasks
from tests.reasoners.llm import scripted, world
from tests.reasoners.llm.line import SCRIPT, width
from tests.reasoners.llm.scripted import ScriptedModels

ANSWERS = {
    Role.DIAGNOSE: scripted.diagnosis(), Role.PROPOSE: scripted.hypotheses("Fewer leaves", "More rounds"), Role.JUDGE: scripted.choice(2),
    Role.CODE: scripted.edits(("WIDTH = 1.0", "WIDTH = 0.5")),
}  # fmt: skip


def reply(ask: Ask[Any]) -> dict[str, Any]:
    return scripted.draft(SCRIPT) if ask.template.startswith("draft") else ANSWERS[ask.role]


GONE = ModelUnavailable("gone")


def failing(role: Role, error: Exception = GONE) -> Callable[[Ask[Any]], dict[str, Any]]:
    def answer(ask: Ask[Any]) -> dict[str, Any]:
        if ask.role is role:
            raise error
        return reply(ask)

    return answer


class Told(list[tuple[str, dict[str, Any]]]):
    """What was written to the journal."""

    def __call__(self, trace: int, step: int, what: str, **details: Any) -> None:
        self.append((what, details))


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> TaskBrief:
    """A real task, that the rules can write scripts for."""
    root = tmp_path_factory.mktemp("task")
    return prepare(load_task(small_tasks.write(root, "binary")), root / "prepared", seed=0).brief()


@pytest.fixture
def told() -> Told:
    return Told()


def step(reasoner: LlmReasoner, context: StepContext, momentum: Momentum = world.MOMENTUM) -> Update | None:
    diagnosis = reasoner.diagnose(context)
    return reasoner.update(context, diagnosis, reasoner.propose(context, diagnosis), momentum)


def by_rules(brief: TaskBrief, **changes: Any) -> StepContext:
    """Before step 1, with a root of the rules accepted."""
    start = StepContext(task=brief, trace=0, step=0, seed=0, stage=BudgetStage.IMPROVE, seconds_left=600, cpus=1, time_limit=100)
    root = RulesReasoner().draft(start)
    root_step = world.history()[0].model_copy(update={"source": "", "step": "t0-0"})
    return replace(start, step=1, incumbent=root.solution, latest=root.solution, history=[root_step], **changes)


def library(root: Path, *solutions: Any) -> Library:
    """What has a score so far, with an empty pool of predictions."""
    rows = np.arange(540)
    return Library(list(solutions), KeptPool(root / "members"), rows % 2, rows % 5)


def test_a_step_asks_for_diagnosis_proposals_choice_and_code(told: Told) -> None:
    models = ScriptedModels(reply)
    context = world.context()
    update = step(LlmReasoner(models=models, tell=told), context)
    assert update is not None
    assert [ask.role for ask in models.asked] == [Role.DIAGNOSE, Role.PROPOSE, Role.JUDGE, Role.CODE]
    assert update.hypothesis.title == "More rounds"
    assert update.hypothesis.source == "llm"
    assert apply_patch(SCRIPT, update.patch) == update.solution.script == width(0.5)
    assert update.solution.parent == step_id(1, 0)
    assert update.solution.recipe is None
    assert [what for what, _ in told] == ["chosen", "coded"]


def test_no_choice_is_asked_where_memory_is_silent() -> None:
    models = ScriptedModels(reply)
    update = step(LlmReasoner(models=models), world.context(), Momentum())
    assert update is not None
    assert update.hypothesis.title == "Fewer leaves"
    assert not models.by(Role.JUDGE)


@pytest.mark.parametrize(("action", "title", "by"), [("modify", "Fewer leaves, more rounds", "llm"), ("create", "Bag over seeds", "llm")])
def test_momentum_may_modify_or_create_a_hypothesis(action: str, title: str, by: str) -> None:
    answer = scripted.choice(1 if action == "modify" else 0, action, title=title, rationale="both gained before")
    update = step(LlmReasoner(models=ScriptedModels(lambda ask: answer if ask.role is Role.JUDGE else reply(ask))), world.context())
    assert update is not None
    assert (update.hypothesis.title, update.hypothesis.source) == (title, by)


def test_a_created_hypothesis_that_was_tried_gives_way_to_the_first() -> None:
    answer = scripted.choice(0, "create", title="Add interactions of x", rationale="again")
    update = step(LlmReasoner(models=ScriptedModels(lambda ask: answer if ask.role is Role.JUDGE else reply(ask))), world.context())
    assert update is not None
    assert update.hypothesis.title == "Fewer leaves"


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("error", [ModelUnavailable("gone"), InvalidAnswer("{", "no JSON"), CapReached("--max-tokens 10 is used up")])
def test_whatever_fails_the_rules_do_the_step_and_it_is_told(role: Role, error: Exception, brief: TaskBrief, told: Told) -> None:
    models = ScriptedModels(failing(role, error))
    update = step(LlmReasoner(models=models, tell=told), by_rules(brief))
    assert update is not None
    assert recipe_of(update.solution) is not None
    assert update.hypothesis.source == ""
    (fallback,) = [details for what, details in told if what == "fallback"]
    assert fallback["error"] == type(error).__name__
    assert str(error) in fallback["text"]
    assert len(models.by(role)) == 1, "a step that failed asks no more"


def test_a_draft_falls_back_too(brief: TaskBrief, told: Told) -> None:
    start = replace(by_rules(brief), step=0, incumbent=None, latest=None, history=[])
    update = LlmReasoner(models=ScriptedModels(failing(Role.CODE)), tell=told).draft(start)
    assert recipe_of(update.solution) is not None
    assert told[0][1]["at"] == "draft"


def test_after_an_accepted_script_of_a_model_the_rules_go_on_from_their_own_last_one(brief: TaskBrief, tmp_path: Path) -> None:
    context = by_rules(brief)
    own = context.incumbent
    assert own is not None
    theirs = world.solution(SCRIPT, 1, trace=0)
    context = replace(context, step=2, incumbent=theirs, latest=theirs, library=library(tmp_path, own))
    update = step(LlmReasoner(models=ScriptedModels(failing(Role.DIAGNOSE))), context)
    assert update is not None
    assert update.patch.whole == update.solution.script, "a root: it does not change the model's script"
    assert update.solution.parent is None
    assert recipe_of(update.solution) != recipe_of(own)
    assert not update.hypothesis.title.startswith("Draft")


def test_without_a_recipe_of_their_own_the_rules_begin_a_root(brief: TaskBrief) -> None:
    theirs = world.solution(SCRIPT, 1, trace=0)
    context = replace(by_rules(brief), step=2, incumbent=theirs, latest=theirs)
    update = step(LlmReasoner(models=ScriptedModels(failing(Role.DIAGNOSE))), context)
    assert update is not None
    assert update.patch.whole is not None
    assert update.hypothesis.title.startswith("Draft")
    plain = RulesReasoner()
    diagnosis = plain.diagnose(context)
    alone = plain.update(context, diagnosis, plain.propose(context, diagnosis), Momentum())
    assert alone is not None
    assert alone.patch.whole is not None


def test_a_change_of_a_rules_script_renews_its_fingerprints(brief: TaskBrief) -> None:
    context = by_rules(brief)
    script = context.incumbent.script  # type: ignore[union-attr]
    answer = scripted.edits(("num_leaves=8", "num_leaves=4"))
    reasoner = LlmReasoner(models=ScriptedModels(lambda ask: answer if ask.role is Role.CODE else reply(ask)))
    update = step(reasoner, context)
    assert update is not None
    old, new = KEY.findall(script), KEY.findall(update.solution.script)
    assert len(old) == len(new) == 1
    assert old != new
    assert renewed(script) == renewed(script) != script
    assert apply_patch(script, update.patch) == update.solution.script


# -- scripts that fail ---------------------------------------------------------------------------------------------------


class Trying:
    """Trials that end as told, without running anything."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = list(reasons)
        self.scripts: list[str] = []

    def run(self, trace: int, step: int, script: str, stage: Stage) -> Trial:
        self.scripts.append(script)
        reason = self.reasons.pop(0) if self.reasons else ""
        outcome = Outcome.CRASHED if reason else Outcome.OK
        execution = Execution(outcome=outcome, stage=stage, seed=0, error_class=reason.split(":")[0] or None, log_tail=reason)
        return Trial(execution, VerdictKind.CRASHED if reason else VerdictKind.ACCEPTED, reason)


def test_a_hypothesis_that_cannot_be_written_is_not_proposed_again(brief: TaskBrief, told: Told) -> None:
    answers = [scripted.edits(("num_leaves=8", "num_leaves=4")), scripted.edits(("num_leaves=4", "num_leaves=5"))]
    models = ScriptedModels(lambda ask: answers.pop(0) if ask.role is Role.CODE else reply(ask))
    reasoner = LlmReasoner(LlmConfig(code_rounds=2), models=models, trials=Trying("TypeError: no", "TypeError: no"), tell=told)
    context = by_rules(brief)
    update = step(reasoner, context, Momentum())
    assert update is not None
    assert recipe_of(update.solution) is not None
    (fallback,) = [details for what, details in told if what == "fallback"]
    assert (fallback["at"], fallback["hypothesis"], fallback["faults"]) == ("code", "Fewer leaves", ["value", "value"])
    later = replace(context, step=2)
    kept = reasoner.propose(later, reasoner.diagnose(later))
    assert [h.title for h in kept] == ["More rounds"]
    assert "Fewer leaves: could not be written" in models.by(Role.PROPOSE)[-1].user


def test_a_script_that_failed_on_all_rows_is_what_the_next_step_mends() -> None:
    first, second, _ = world.history()
    crashed = [first, second.model_copy(update={"outcome": "crashed", "reason": "ended with KeyError"})]
    broken = SCRIPT.replace("WIDTH = 1.0", "WIDTH = 0.5").replace('float(row["x"])', 'float(row["X"])')
    pack = world.pack(execution=Execution(outcome=Outcome.CRASHED, stage=Stage.FULL, seed=0, log_tail="KeyError: 'X'"))
    context = world.context(step=2, history=crashed, latest=world.solution(broken, 1), pack=pack)
    mend = scripted.edits(('row["X"]', 'row["x"]'))
    models = ScriptedModels(lambda ask: mend if ask.role is Role.CODE else reply(ask))
    update = step(LlmReasoner(models=models), context)
    assert "The last script, which failed" in models.by(Role.CODE)[0].user
    assert "KeyError: 'X'" in models.by(Role.DIAGNOSE)[0].user
    assert update is not None
    assert update.solution.script == width(0.5)
    assert apply_patch(SCRIPT, update.patch) == width(0.5), "the patch is on the accepted script"
    twice = [*crashed, crashed[1], crashed[1]]
    step(LlmReasoner(models=models), replace(context, history=twice))
    assert "The accepted script" in models.by(Role.CODE)[-1].user, "after two failed repairs it goes back"


def test_a_sample_that_foretells_a_run_beyond_the_limit_is_sent_back() -> None:
    class Slow(Trying):
        def run(self, trace: int, step: int, script: str, stage: Stage) -> Trial:
            trial = super().run(trace, step, script, stage)
            return replace(trial, execution=trial.execution.model_copy(update={"wall_seconds": 40.0 if "0.5" in script else 4.0}))

    answers = [scripted.edits(("WIDTH = 1.0", "WIDTH = 0.5")), scripted.edits(("WIDTH = 0.5", "WIDTH = 0.4"))]
    models = ScriptedModels(lambda ask: answers.pop(0) if ask.role is Role.CODE else reply(ask))
    trials = Slow()
    update = step(LlmReasoner(models=models, trials=trials), world.context(incumbent_seconds=50.0), Momentum())
    assert update is not None
    assert "slow: 40 s on a tenth of the rows, so about 373 s on all of them; the limit is 61 s" in models.by(Role.CODE)[1].user
    assert update.hypothesis.cost_seconds == 13.0


# -- patience, votes, ablation -------------------------------------------------------------------------------------------


def test_a_model_that_keeps_failing_rests_longer_each_time_and_one_success_forgives() -> None:
    patience, asked = Patience(), []
    for number in range(30):
        if patience.asks(0, number):
            asked.append(number)
            patience.failed(0, number)
    assert [b - a - 1 for a, b in pairwise(asked)] == [*PAUSES, 7]
    assert patience.asks(1, 0), "traces do not depend on each other"
    patience.succeeded(0)
    assert patience.failed(0, 40) == 0


def test_the_rules_vote_with_proposals_of_their_own(brief: TaskBrief) -> None:
    reasoner = LlmReasoner(models=ScriptedModels(reply), votes=True)
    context = by_rules(brief)
    hypotheses = reasoner.propose(context, reasoner.diagnose(context))
    assert [h.source for h in hypotheses] == ["llm", "llm", "", "", ""]
    assert all(h.technique for h in hypotheses[2:])
    assert recipe_of(reasoner.draft(replace(context, step=0, incumbent=None)).solution) is not None


def test_a_chosen_proposal_of_the_rules_is_written_by_them_or_by_the_model_on_its_own_script(brief: TaskBrief, tmp_path: Path) -> None:
    models = ScriptedModels(lambda ask: scripted.choice(1) if ask.role is Role.JUDGE else reply(ask))
    reasoner = LlmReasoner(models=models, votes=True)
    context = by_rules(brief)
    rejected = [world.history()[2].model_copy(update={"step": f"t0-{n}"}) for n in range(1, 5)]
    weak = replace(context, history=[*context.history, *rejected])
    update = step(reasoner, weak)
    assert update is not None
    assert recipe_of(update.solution) is not None, "after four rejected steps of the model the catalog's come first"
    assert not models.by(Role.CODE)
    theirs = world.solution(SCRIPT, 1, trace=0)
    mixed = replace(weak, incumbent=theirs, latest=theirs, library=library(tmp_path, context.incumbent))
    update = step(reasoner, mixed)
    assert update is not None
    assert update.solution.script == width(0.5)
    assert update.hypothesis.title in models.by(Role.CODE)[0].user


def test_without_diagnosis_no_measurement_reaches_a_prompt() -> None:
    models = ScriptedModels(reply)
    step(LlmReasoner(LlmConfig(diagnosis=False), models=models), world.context())
    assert not models.by(Role.DIAGNOSE)
    assert not any("findings.overfit" in ask.user or "folds.0" in ask.user or "not diagnosed" in ask.user for ask in models.asked)


def test_asking_for_the_reasoner_imports_nothing_of_it(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from gome_graph.graph.builtins import load; p = load([]); [o.name for o in p.offers('reasoner')];"
        "p.make('reasoner', 'rules', {'diagnosis': True}, techniques=None);"
        "print([m for m in sys.modules if m.startswith('gome_graph.reasoners.llm.') and m.split('.')[-1] not in ('builtin', 'config')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_hypothesis_that_a_strategy_has_probed_is_not_written_twice() -> None:
    models = ScriptedModels(reply)
    reasoner = LlmReasoner(models=models)
    context = world.context()
    diagnosis = reasoner.diagnose(context)
    first, second = reasoner.propose(context, diagnosis)
    probed = [reasoner.update(context, diagnosis, [each], world.MOMENTUM) for each in (first, second)]
    assert reasoner.update(context, diagnosis, [first], world.MOMENTUM) is probed[0]
    assert len(models.by(Role.CODE)) == 2
    assert not models.by(Role.JUDGE), "there is nothing to choose from one"


def test_what_was_run_last_on_another_branch_is_not_what_is_changed() -> None:
    other = world.solution("raise SystemExit\n", 9)
    crashed = world.history()[2].model_copy(update={"outcome": "crashed"})
    context = world.context(latest=other, history=[*world.history()[:2], crashed])
    models = ScriptedModels(reply)
    update = step(LlmReasoner(models=models), context)
    assert update is not None
    assert update.solution.script == width(0.5)
    assert not any("SystemExit" in ask.user or "Last step" in ask.user for ask in models.asked)


def test_first_roots_of_three_traces_are_sent_to_different_families(brief: TaskBrief) -> None:
    def obedient(ask: Ask[Any]) -> dict[str, Any]:
        asked = ask.user.split("begin with a model of the family: ")
        return scripted.draft(SCRIPT, family=asked[1].split(".")[0] if len(asked) > 1 else "boosting")

    start = replace(by_rules(brief), step=0, incumbent=None, latest=None, history=[])
    reasoner = LlmReasoner(models=ScriptedModels(obedient))
    families = [reasoner.draft(replace(start, trace=trace)).hypothesis.family for trace in range(3)]
    assert len(set(families)) == 3


def test_a_root_that_sees_its_siblings_chooses_by_them(brief: TaskBrief) -> None:
    models = ScriptedModels(reply)
    LlmReasoner(models=models).draft(replace(by_rules(brief), trace=1, step=0, history=[], siblings=world.context().siblings))
    assert "Fit a linear model on ranks (linear)" in models.asked[0].user
    assert "of the family:" not in models.asked[0].user


def test_a_trial_that_the_end_of_the_run_cuts_off_is_not_the_scripts_fault() -> None:
    class Ending(Trying):
        def run(self, trace: int, step: int, script: str, stage: Stage) -> Trial:
            return replace(super().run(trace, step, script, stage), kind=VerdictKind.STOPPED, reason="the budget was used up")

    models = ScriptedModels(reply)
    update = step(LlmReasoner(models=models, trials=Ending()), world.context(), Momentum())
    assert update is not None
    assert len(models.by(Role.CODE)) == 1


def test_a_script_is_asked_for_that_can_be_fitted_again_at_the_end() -> None:
    models = ScriptedModels(reply)
    step(LlmReasoner(models=models), world.context(final_limit=20.0))
    assert all("should end within 20 s" in ask.user for ask in models.asked)
