"""A reasoner with a fixed plan, so that the graph is tested apart from anybody's cleverness. Everything else is real."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome_graph.graph import builtins, services
from gome_graph.hooks import Offer, StepContext, Update, hookimpl
from gome_graph.hooks.manager import Plugins
from gome_graph.records import Component, Diagnosis, Hypothesis, Momentum, Patch, Solution, StepId, TraceId
from gome_graph.solution import make_patch

SCRIPT = """\
import pandas as pd
from pathlib import Path

train, test, folds = (pd.read_csv(Path("input") / f"{name}.csv") for name in ("train", "test", "folds"))
fold = train.merge(folds, on="id")["fold"]
WIDTH = 0.0
noise = (train["x"] * 1e6 % 7 - 3) * WIDTH
oof = train[["id"]].assign(y=train["x"] + noise)
out = Path("output")
out.mkdir(exist_ok=True)
oof.to_csv(out / "oof.csv", index=False)
test[["id"]].assign(y=test["x"] + (test["x"] * 1e6 % 7 - 3) * WIDTH).to_csv(out / "submission.csv", index=False)
"""
CRASH = "raise ValueError('planned')\n"
SLOW = "import time\ntime.sleep(60)\n"


def width(value: float) -> str:
    """A script whose error grows with `value`."""
    return SCRIPT.replace("WIDTH = 0.0", f"WIDTH = {value}")


class PlannedReasoner:
    """Follows a list of scripts per trace: the first is the draft."""

    name = "planned"

    def __init__(self, plan: Callable[[int, int], str | None]) -> None:
        self.plan = plan
        self.seen: list[StepContext] = []

    def draft(self, context: StepContext) -> Update:
        script = self.plan(context.trace, context.step) or CRASH
        return self._update(context, script, Patch(whole=script))

    def diagnose(self, context: StepContext) -> Diagnosis:
        self.seen.append(context)
        return Diagnosis(cause="planned", direction="planned", component=Component.MODEL)

    def propose(self, context: StepContext, diagnosis: Diagnosis) -> list[Hypothesis]:
        return [self._hypothesis(context)]

    def update(self, context: StepContext, diagnosis: Diagnosis, hypotheses: list[Hypothesis], momentum: Momentum) -> Update | None:
        script = self.plan(context.trace, context.step)
        if script is None:
            return None
        old = context.incumbent.script if context.incumbent else ""
        return self._update(context, script, make_patch(old, script))

    def _hypothesis(self, context: StepContext) -> Hypothesis:
        return Hypothesis(title=f"plan {context.trace}.{context.step}", rationale="planned", component=Component.MODEL)

    def _update(self, context: StepContext, script: str, patch: Patch) -> Update:
        solution = Solution(step=StepId("-"), trace=TraceId(context.trace), script=script, family="planned")
        return Update(self._hypothesis(context), patch, solution)


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int, int], str | None]], PlannedReasoner]:
    """Install a plan as the reasoner called ``planned``."""

    def install(scripts: Callable[[int, int], str | None]) -> PlannedReasoner:
        reasoner = PlannedReasoner(scripts)

        class Plugin:
            @hookimpl
            def gome_reasoner(self) -> Iterable[Offer]:
                return [Offer("planned", lambda techniques: reasoner)]

        def load(only: object = None, *, enabled: bool = True) -> Plugins:
            plugins = builtins.load(only, enabled=enabled)  # type: ignore[arg-type]
            plugins.add(Plugin(), "planned")
            return plugins

        monkeypatch.setattr(services, "load", load)
        return reasoner

    return install


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A regression task: y is x plus noise."""
    random = np.random.default_rng(0)
    x = random.normal(size=800)
    frame = pd.DataFrame({"id": np.arange(800), "x": x, "y": x + random.normal(size=800)})
    path = tmp_path / "line"
    path.mkdir()
    frame[:600].to_csv(path / "train.csv", index=False)
    frame[600:][["id", "x"]].to_csv(path / "test.csv", index=False)
    frame[600:][["id"]].assign(y=0.0).to_csv(path / "sample_submission.csv", index=False)
    (path / "task.toml").write_text('name = "line"\nid = "id"\ntarget = ["y"]\nmetric = "rmse"\n')
    return path
