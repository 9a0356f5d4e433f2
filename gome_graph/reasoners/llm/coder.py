"""From a hypothesis to a script that runs: ask, patch, check, try on few rows, show what is wrong, ask again, within a bound."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from gome_graph.errors import GomeError, PatchError
from gome_graph.hooks import StepContext, Trials
from gome_graph.models import Ask, Models, Role
from gome_graph.reasoners.llm import sections
from gome_graph.reasoners.llm.answers import AnswerModel, DraftAnswer, PatchAnswer
from gome_graph.reasoners.llm.asking import make_ask
from gome_graph.reasoners.llm.config import LlmConfig
from gome_graph.reasoners.llm.contract import contract, packages
from gome_graph.reasoners.llm.faults import Fault, FaultKind, of_problems, of_trial
from gome_graph.reasoners.llm.keys import KEY, renewed
from gome_graph.reasoners.llm.logs import own_frames
from gome_graph.reasoners.llm.own import apart_family
from gome_graph.records import Diagnosis, Edit, Hypothesis, Patch, Seconds, Stage
from gome_graph.solution import apply_patch, check_script

A = TypeVar("A", bound=AnswerModel)

CODING_SHARE = 0.5
"""Share of a script's planned time after which no further round is begun: writing must not cost more than running."""
SAMPLE_WORTH_SECONDS = 30.0
"""Predicted run time from which a trial on a tenth of the rows pays: below it the full run tells as much for little more."""
SAMPLE_ROWS = 0.1
START_SECONDS = 3.0
"""What starting Python and its libraries takes of any run."""
SLOW_FACTOR = 1.5
"""A script predicted to take this many times its limit is sent back: predictions from a tenth of the rows are rough."""


class NotWritten(GomeError):
    """No try gave a script that runs within the rounds or the time there were."""

    def __init__(self, faults: "list[Fault]") -> None:
        last = faults[-1]
        super().__init__(
            f"no script that runs after {len(faults)} {'try' if len(faults) == 1 else 'tries'}; last: {last.kind.value}: {last.text}"
        )
        self.faults = faults


@dataclass
class Written:
    """A script that ran on few rows, and how it came about."""

    script: str
    answer: AnswerModel
    """The last answer: its words describe the script."""
    faults: list[Fault] = field(default_factory=list)
    """Of the tries before it, oldest first."""
    seconds: Seconds = 0.0
    """Predicted run time on all rows; 0 where nothing was measured."""


class Coder:
    """Writes scripts with a model.

    Parameters
    ----------
    models
        Who answers.
    trials
        Where scripts are tried; None leaves trying to the run itself.
    config
        Bounds.
    """

    def __init__(self, models: Models, trials: Trials | None, config: LlmConfig) -> None:
        self._models = models
        self._trials = trials
        self._config = config

    def change(self, context: StepContext, diagnosis: Diagnosis, hypothesis: Hypothesis, base: str, base_title: str) -> Written:
        """The script `base` with the hypothesis carried out.

        Raises
        ------
        NotWritten
            If no try gave a script that runs.
        ModelError
            If the model does not answer.
        """
        fixed = {
            "diagnosis": sections.diagnosis_section(diagnosis) if self._config.diagnosis else "",
            "hypothesis": f"{hypothesis.title}\n\n{hypothesis.rationale}", "contract": contract(context.task, base),
        }  # fmt: skip

        def ask(script: str, told: Mapping[str, str]) -> Ask[PatchAnswer]:
            title = base_title if script == base else "The script as your edits left it"
            values = {**self._facts(context), **fixed, **told, "script": script, "script_title": title}
            return make_ask(Role.CODE, "code", PatchAnswer, context, values, self._config.prompt_tokens)

        def apply(script: str, answer: PatchAnswer) -> tuple[str, Fault | None]:
            edits = [Edit(search=edit.search, replace=edit.replace) for edit in answer.edits]
            try:
                changed = renewed(apply_patch(script, Patch(edits=edits)))
            except PatchError as error:
                return script, Fault(FaultKind.ANCHOR, str(error))
            if _bare(changed) == _bare(base):
                return base, Fault(FaultKind.UNCHANGED, "the changed script is the same as before")
            return changed, of_problems(check_script(changed, base))

        return self._write(context, base, ask, apply, expected=max(hypothesis.cost_seconds, context.incumbent_seconds))

    def draft(self, context: StepContext, failed: str = "", fault: Fault | None = None) -> Written:
        """A new root; `failed` is the script of a root before it that did not run, `fault` what was wrong with it. Raises like `change`."""
        fixed = {
            "contract": contract(context.task), "history": sections.history_section(context.history), "family": apart_family(context),
        }  # fmt: skip

        def ask(script: str, told: Mapping[str, str]) -> Ask[DraftAnswer]:
            values = {**self._facts(context), **fixed, **told, "script": script}
            return make_ask(Role.CODE, "draft", DraftAnswer, context, values, self._config.prompt_tokens)

        def apply(script: str, answer: DraftAnswer) -> tuple[str, Fault | None]:
            return answer.script, of_problems(check_script(answer.script))

        return self._write(context, failed, ask, apply, expected=0.0, fault=fault)

    def _facts(self, context: StepContext) -> dict[str, str]:
        task = context.task
        return {
            "task": sections.task_section(task), "columns": sections.columns_section(task), "description": task.description,
            "budget": sections.budget_section(context), "hints": sections.hints_section(context.hints), "packages": packages(),
            "siblings": sections.siblings_section(context.siblings),
        }  # fmt: skip

    def _write(
        self, context: StepContext, script: str, ask: Callable[[str, Mapping[str, str]], Ask[A]],
        apply: Callable[[str, A], tuple[str, Fault | None]], *, expected: Seconds, fault: Fault | None = None,
    ) -> Written:  # fmt: skip
        """The loop: each round asks with what was wrong before, and goes on from the script that it left."""
        begun = time.monotonic()
        faults: list[Fault] = []
        told: list[str] = []
        while len(faults) < self._config.code_rounds:
            if faults and context.time_limit and time.monotonic() - begun > CODING_SHARE * context.time_limit:
                break
            answer = self._models.ask(
                ask(
                    script,
                    {"tries": "\n".join(told), "error": fault.advice if fault else "", "log": own_frames(fault.log) if fault else ""},
                )
            ).value
            script, fault = apply(script, answer)
            seconds = 0.0
            if fault is None:
                fault, seconds = self._try(context, script, expected)
            if fault is None or fault.kind is FaultKind.STOPPED:
                return Written(script, answer, faults, seconds)
            faults.append(fault)
            summary = getattr(answer, "summary", "") or getattr(answer, "title", "")
            told.append(f"- try {len(faults)}: {' '.join(summary.split())} -> {fault.kind.value}: {fault.text[:300]}")
        raise NotWritten(faults)

    def _try(self, context: StepContext, script: str, expected: Seconds) -> tuple[Fault | None, Seconds]:
        """Smoke, then a sample where a full run is dear: what is wrong, and the run time to expect."""
        if self._trials is None:
            return None, 0.0
        fault = of_trial(self._trials.run(context.trace, context.step, script, Stage.SMOKE))
        if fault is not None or expected < SAMPLE_WORTH_SECONDS:
            return fault, 0.0
        trial = self._trials.run(context.trace, context.step, script, Stage.SAMPLE)
        fault = of_trial(trial)
        took = trial.execution.wall_seconds
        seconds = START_SECONDS + max(took - START_SECONDS, 0.0) / SAMPLE_ROWS
        limit = sections.script_limit(context)
        if fault is None and limit and seconds > SLOW_FACTOR * limit:
            text = f"{took:.0f} s on a tenth of the rows, so about {seconds:.0f} s on all of them; the limit is {limit:.0f} s"
            return Fault(FaultKind.SLOW, text), seconds
        return fault, seconds


def _bare(script: str) -> str:
    """The script without what changes by itself: fingerprints, and space at line ends."""
    return "\n".join(line.rstrip() for line in KEY.sub("", script).splitlines() if line.strip())
