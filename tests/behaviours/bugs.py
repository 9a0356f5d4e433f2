"""Twenty seeded bugs, and an answerer that mends a script only where the error it is shown says what is wrong."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gome_graph.graph.create import create_run
from gome_graph.graph.services import RunServices, open_services
from gome_graph.graph.trials import RunTrials
from gome_graph.hooks import StepContext
from gome_graph.models import Ask
from gome_graph.reasoners.llm.coder import Coder, NotWritten
from gome_graph.reasoners.llm.config import LlmConfig
from gome_graph.records import BudgetStage, Component, Diagnosis, Hypothesis
from gome_graph.run import RunSettings
from gome_graph.task import load_task, prepare
from tests.behaviours import small_tasks
from tests.behaviours.checks import Check, at_least, told
from tests.reasoners.llm.line import SCRIPT
from tests.reasoners.llm.scripted import ScriptedModels, edits

GOOD = ("WIDTH = 1.0", "WIDTH = 0.5")
"""The edit that carries out the hypothesis."""
PREDICT = "    return x + (x * 1e6 % 7 - 3) * WIDTH"
BETTER = "    return x + (x * 1e6 % 7 - 3) * WIDTH / 2"


@dataclass(frozen=True)
class Bug:
    """A first answer with a bug, what must be shown of it, and the edit that mends it."""

    name: str
    wrong: tuple[str, str]
    clue: str
    """Pattern that the next request must hold; without it the answerer is at a loss."""
    mend: tuple[str, str]


def _line(code: str) -> str:
    return f"{PREDICT}\n".replace("    return", f"    {code}\n    return").rstrip("\n")


def _bug(name: str, code: str, clue: str) -> Bug:
    """A bad line before the prediction; mended by taking it out."""
    return Bug(name, (PREDICT, _line(code)), clue, (_line(code), BETTER))


BUGS = [
    _bug("misspelt name", "x = x + wdith", r"name: .*NameError: name 'wdith'"),
    _bug("module not imported", "x = math.floor(x)", r"name: .*NameError: name 'math'"),
    _bug("no such attribute", "x = x.to_numpy()", r"name: .*AttributeError: 'float' object has no attribute 'to_numpy'"),
    _bug("no such column", "x = float(row['X1'])", r"name: .*KeyError: 'X1'"),
    _bug("no such package", "import polars_ultra", r"name: .*ModuleNotFoundError: No module named 'polars_ultra'"),
    _bug("types that do not add", "x = x + row['x']", r"value: .*TypeError: unsupported operand"),
    _bug("a word for a number", "x = float('much')", r"value: .*ValueError: could not convert string to float: 'much'"),
    _bug("index beyond the end", "x = [x][1]", r"value: .*IndexError: list index out of range"),
    _bug("division by zero", "x = x / int(x * 0)", r"value: .*ZeroDivisionError"),
    _bug("an assertion", "assert x > 1e9, 'too small'", r"crash: .*AssertionError: too small"),
    _bug("an early end", "raise SystemExit(3)", r"crash: .*exit code 3"),
    _bug("a bracket too few", "x = (x", r"syntax: .*SyntaxError: '\(' was never closed"),
    _bug("wrong indentation", "    x = 1", r"syntax: .*IndentationError: unexpected indent"),
    _bug("the network", "import socket", r"forbidden: .*import of socket: scripts have no network"),
    _bug("a file outside", "open('/etc/passwd')", r"forbidden: .*'/etc/passwd'"),
    Bug("an anchor that is not there", ("WIDTH = 2.0", "WIDTH = 0.5"), r"anchor: .*nearest line of the script is 'WIDTH = 1\.0'", GOOD),
    Bug("an anchor in several places", ("rows", "records"), r"anchor: .*occurs \d+ times \(lines", GOOD),
    Bug("nothing changed", ("WIDTH = 1.0", "WIDTH = 1.0 "), r"unchanged: ", GOOD),
    Bug("a file not written", ('    write("submission.csv", test)', "    pass"), r"format: .*output/submission\.csv is missing",
        ("    pass", '    write("submission.csv", test[:])')),
    Bug("a wrong column", ('["id", "y"]', '["id", "guess"]'), r"format: .*lacks the column y", ('["id", "guess"]', '["id", "y"] * 1')),
]  # fmt: skip


def reply(bug: Bug) -> Any:
    """The answerer: the bug first, then the mend if the clue is there, else a useless edit."""
    state = {"first": True}

    def answer(ask: Ask[Any]) -> dict[str, Any]:
        if state["first"]:
            state["first"] = False
            return edits(bug.wrong)
        if re.search(bug.clue, _error(ask.user), re.DOTALL):
            return edits(bug.mend)
        return edits(("nothing that is there", "anything"))

    return answer


def _error(prompt: str) -> str:
    """What the prompt says is wrong, log included."""
    return prompt.split("## What is wrong with the last try")[-1].split("## The accepted script")[0].split("## The script as")[0]


def opened(root: Path) -> RunServices:
    """An open run on the small regression task, without a graph: the sandbox and the prepared data are real."""
    task = load_task(small_tasks.line(root / "task"))
    settings = RunSettings(budget_seconds=3600, traces=1, memory="none", plugins=[])
    run = create_run(task, settings, root / "run")
    services = open_services(run)
    services.prepared = prepare(task, run.prepared, seed=0, folds=5, audit=0.1)
    return services


def context(services: RunServices, step: int) -> StepContext:
    """Before a step, with nothing known but the task."""
    return StepContext(
        task=services.brief, trace=0, step=step, seed=0, stage=BudgetStage.IMPROVE, seconds_left=100.0, cpus=1, time_limit=3600.0
    )


HYPOTHESIS = Hypothesis(title="Halve the width", rationale="it only adds error", component=Component.MODEL, source="llm")
DIAGNOSIS = Diagnosis(cause="noise", direction="less of it", component=Component.MODEL)


def mended(services: RunServices, number: int, bug: Bug, rounds: int = 5) -> tuple[int | None, list[str]]:
    """Rounds until the script ran (None if it never did), and the classes of the faults on the way."""
    coder = Coder(ScriptedModels(reply(bug)), RunTrials(services), LlmConfig(code_rounds=rounds))
    try:
        written = coder.change(context(services, number + 1), DIAGNOSIS, HYPOTHESIS, SCRIPT, "The accepted script")
    except NotWritten as error:
        return None, [fault.kind.value for fault in error.faults]
    return len(written.faults) + 1, [fault.kind.value for fault in written.faults]


def checks(root: Path) -> list[Check]:
    """Behaviour 5, second half: seeded bugs mended in at most five rounds."""
    services = opened(root)
    try:
        found = {bug.name: mended(services, number, bug) for number, bug in enumerate(BUGS)}
    finally:
        services.close()
    lost = [name for name, (rounds, _) in found.items() if rounds is None]
    rounds = [rounds for rounds, _ in found.values() if rounds is not None]
    kinds = sorted({kind for _, faults in found.values() for kind in faults})
    return [
        at_least(
            5, "seeded bugs mended in <= 5 rounds", 1.0 - len(lost) / len(found), 0.8, f"{len(found)} bugs, not mended: {lost}", found=found
        ),
        told(5, "rounds until a script ran, mean", sum(rounds) / max(len(rounds), 1), f"classes met: {', '.join(kinds)}"),
    ]
