"""Behaviour 4: traces begin differently, know of each other, and never wait for each other."""

import inspect
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from gome_graph.graph import build, builtins, services, start
from gome_graph.hooks import Offer, SiblingFacts, StepContext, TaskBrief, Update, hookimpl
from gome_graph.hooks.manager import Plugins
from gome_graph.reasoners.rules.reasoner import RulesReasoner
from gome_graph.records import BudgetStage, Event, EventKind
from gome_graph.run import RunSettings
from gome_graph.task import load_task, prepare
from tests.behaviours import small_tasks
from tests.behaviours.checks import Check, at_least, at_most, told
from tests.graph.conftest import CRASH, PlannedReasoner, width

TRACES = 3
LIMITS = (600.0, 20.0, 5.0, 2.5)
"""Seconds that a script may be planned for: a short one leaves few drafts to choose from. 2.5 is what a run of 15 s plans for."""


# -- model families -----------------------------------------------------------------------------------------------------


def briefs(root: Path) -> dict[str, TaskBrief]:
    """What a reasoner is told of each synthetic task, prepared for real."""
    return {
        shape: prepare(load_task(small_tasks.write(root / "tasks", shape)), root / "prepared" / shape, seed=0).brief()
        for shape in small_tasks.SHAPES
    }


def families(brief: TaskBrief, limit: float, *, in_turn: bool) -> list[str]:
    """Families of the first hypotheses of `TRACES` traces: all at once (none sees another), or `in_turn`, each seeing those in flight."""
    reasoner = RulesReasoner()
    flying: list[SiblingFacts] = []
    found = []
    for trace in range(TRACES):
        update = reasoner.draft(
            StepContext(
                task=brief, trace=trace, step=0, seed=trace, stage=BudgetStage.DRAFT, seconds_left=10 * limit, cpus=1, time_limit=limit,
                siblings=list(flying) if in_turn else [],
            )
        )  # fmt: skip
        found.append(update.hypothesis.family)
        flying.append(SiblingFacts(trace=trace, hypothesis=update.hypothesis, incumbent=None, score=None, steps=0))
    return found


def family_checks(root: Path) -> list[Check]:
    """Fewest families over all shapes, limits and orders."""
    spans = {
        f"{shape}, {limit:.0f} s, {'in turn' if in_turn else 'at once'}": families(brief, limit, in_turn=in_turn)
        for shape, brief in briefs(root).items() for limit in LIMITS for in_turn in (False, True)
    }  # fmt: skip
    counts = {name: len(set(found)) for name, found in spans.items()}
    few = [name for name, count in counts.items() if count < 2]
    note = f"{len(spans)} cases: {len(small_tasks.SHAPES)} tasks, limits {LIMITS}; {len(few)} below: {few[:4]}"
    return [at_least(4, "families of the first hypotheses of 3 traces, fewest", min(counts.values()), 2, note, spans=spans)]


# -- a planned run, watched ---------------------------------------------------------------------------------------------


@dataclass
class Root:
    """A root's context as the reasoner got it."""

    trace: int
    step: int
    at: float
    siblings: dict[int, bool]
    """Sibling -> whether it shows a hypothesis in flight."""


class WatchedReasoner(PlannedReasoner):
    """Follows a plan, notes what each root was told; drafts may take a while, as those of a language model do."""

    def __init__(self, plan: Callable[[int, int], str | None], draft_seconds: Callable[[int], float] = lambda trace: 0.0) -> None:
        super().__init__(plan)
        self.roots: list[Root] = []
        self._draft_seconds = draft_seconds

    def draft(self, context: StepContext) -> Update:
        seen = {sibling.trace: sibling.hypothesis is not None for sibling in context.siblings}
        self.roots.append(Root(context.trace, context.step, time.monotonic(), seen))
        time.sleep(self._draft_seconds(context.trace))
        return super().draft(context)


@dataclass
class Watch:
    """Times of one run, in monotonic seconds."""

    nodes: list[tuple[int, str, float, float]] = field(default_factory=list)
    """(trace, node, begin, end)"""
    started: list[tuple[int, float]] = field(default_factory=list)
    """(trace, time) of each hypothesis posted."""
    flights: list[tuple[int, float, float]] = field(default_factory=list)
    """(trace, begin, end) of each script."""

    def idle(self, trace: int) -> float:
        """Share of a trace's time that it spent in none of its nodes."""
        mine = [(begin, end) for number, _, begin, end in self.nodes if number == trace]
        span = max(end for _, end in mine) - min(begin for begin, _ in mine)
        return 1.0 - sum(end - begin for begin, end in mine) / span

    def ended(self, trace: int) -> float:
        """When its last node ended."""
        return max(end for number, _, _, end in self.nodes if number == trace)


@contextmanager
def watched(reasoner: PlannedReasoner) -> Iterator[Watch]:
    """Install the reasoner as ``planned`` and time every node of every trace; everything else is real."""
    watch, lock = Watch(), threading.Lock()

    class Plugin:
        @hookimpl
        def gome_reasoner(self) -> Iterable[Offer]:
            return [Offer("planned", lambda techniques: reasoner)]

    def load(only: Any = None, *, enabled: bool = True) -> Plugins:
        plugins = builtins.load(only, enabled=enabled)
        plugins.add(Plugin(), "planned")
        return plugins

    contained = build.contained

    def timed(node: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        inner = contained(node)

        def run(state: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
            begin = time.monotonic()
            try:
                return inner(state, *args, **kwargs)
            finally:
                with lock:
                    watch.nodes.append((state["trace"], node.__name__, begin, time.monotonic()))

        run.__signature__ = inspect.signature(inner)  # type: ignore[attr-defined]
        run.__annotations__ = getattr(inner, "__annotations__", {})
        return run

    with mock.patch.object(services, "load", load), mock.patch.object(build, "contained", timed):
        yield watch


def play(root: Path, plan: Callable[[int, int], str | None], draft_seconds: Callable[[int], float]) -> tuple[WatchedReasoner, Watch]:
    """A real run of a plan with three traces."""
    reasoner = WatchedReasoner(plan, draft_seconds)
    flying: dict[int, float] = {}
    settings = RunSettings(budget_seconds=120, traces=TRACES, reasoner="planned", memory="none", plugins=[], top_k=1)
    over: set[int] = set()
    with watched(reasoner) as watch:

        def hear(event: Event) -> None:
            now, trace = time.monotonic(), event.trace
            if trace is None:
                return
            if event.kind is EventKind.STEP_STARTED:
                watch.started.append((trace, now))
                flying[trace] = now
            if event.kind is EventKind.EXECUTED:
                watch.flights.append((trace, flying[trace], now))
            if event.kind is EventKind.TRACE_ENDED:
                over.add(trace)
                if over >= set(range(1, TRACES)):
                    (root / "run" / "steps" / "t0-0" / "work" / "release").touch()

        start(load_task(small_tasks.line(root / "task")), settings, out=root / "run", observers=[hear])
    return reasoner, watch


READ_SECONDS = 0.1
"""A context is put together at most so long before the reasoner is called."""


def blind(reasoner: WatchedReasoner, watch: Watch) -> tuple[list[str], int, int]:
    """(what roots were not told of siblings that had posted, such siblings, those of them in flight)."""
    missed, posted, flying = [], 0, 0
    for seen in reasoner.roots:
        for other in range(TRACES):
            before = seen.at - READ_SECONDS
            if other == seen.trace or not any(trace == other and at < before for trace, at in watch.started):
                continue
            posted += 1
            in_flight = any(trace == other and begin < before and seen.at < end for trace, begin, end in watch.flights)
            flying += in_flight
            if other not in seen.siblings or (in_flight and not seen.siblings[other]):
                missed.append(f"t{seen.trace}-{seen.step} of trace {other}")
    return missed, posted, flying


SLOW = """\
import os
import time
from pathlib import Path

end = time.monotonic() + {seconds} * (os.environ["GOME_STAGE"] == "full")
while not Path("release").exists() and time.monotonic() < end:
    time.sleep(0.05)
"""
"""A script that goes on until it is released; its reruns at other stages are quick."""


def run_checks(root: Path, *, steps: int = 6, patience: float = 35.0) -> list[Check]:
    """A slow trace, one that needs three roots, one that improves step by step.

    The slow trace's only script is released once the others have ended, so if they waited for it, it would take `patience` seconds.
    """
    slow = SLOW.format(seconds=patience) + width(1.0)

    def plan(trace: int, step: int) -> str | None:
        if step >= steps or (trace == 0 and step > 0):
            return None
        if trace == 0:
            return slow
        return CRASH if trace == 1 and step < 2 else width(1.0 - step / 10)

    reasoner, watch = play(root, plan, lambda trace: 0.0)
    missed, posted, flying = blind(reasoner, watch)
    idle = {trace: watch.idle(trace) for trace in (1, 2)}
    late = max(watch.ended(trace) for trace in idle) - watch.ended(0)
    roots = len(reasoner.roots)
    full = sum(len(seen.siblings) == TRACES - 1 for seen in reasoner.roots)
    shares = ", ".join(f"{share:.3f}" for share in idle.values())
    return [
        at_most(
            4, "siblings that had posted and are not in a root's context", len(missed), 0,
            f"of {posted}, {flying} of them in flight, over {roots} roots {missed}",
        ),
        told(4, "roots whose context lists all siblings", full / roots, f"{full} of {roots}; the first ones are drafted at the same time"),
        at_most(
            4, "share of their time that traces beside a slow one were idle", max(idle.values()), 0.05,
            f"{steps} steps each, {shares}; passing from node to node counts too",
        ),
        at_most(4, "seconds that fast traces ended after the only script of the slow one", late, 0.0, f"it would wait {patience:.0f} s"),
    ]  # fmt: skip


def slow_draft_checks(root: Path) -> list[Check]:
    """Drafts that take as long as a language model's: what the first roots can know."""
    reasoner, _ = play(root, lambda trace, step: width(1.0) if step == 0 else None, lambda trace: 1.0 + trace)
    seen = {root.trace: len(root.siblings) for root in reasoner.roots}
    full = sum(count == TRACES - 1 for count in seen.values())
    return [told(4, "first roots told of all siblings where drafts take seconds", full / TRACES, f"siblings seen by trace: {seen}")]


def checks(root: Path) -> list[Check]:
    """All of behaviour 4."""
    return [*family_checks(root / "families"), *run_checks(root / "run"), *slow_draft_checks(root / "drafts")]
