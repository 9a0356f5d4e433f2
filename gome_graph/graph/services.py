"""What the nodes work with: the parts of one open run, built from its settings.

Parts cannot be checkpointed, so the graph's state carries the run directory and nodes ask `services` for the rest.
"""

import contextlib
import logging
import math
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from langgraph.config import get_stream_writer

from gome_graph.errors import PluginError, RunError, SandboxError
from gome_graph.graph.builtins import load
from gome_graph.graph.no_memory import NoMemory
from gome_graph.graph.parts import reasoner_settings, split_dial
from gome_graph.graph.tracing import make_spans
from gome_graph.hooks import Executor, Memory, Reasoner, Strategy, TaskBrief
from gome_graph.hooks.manager import Plugins
from gome_graph.records import Bytes, Event, EventKind, Limits, Seconds, step_id
from gome_graph.run import Budget, Journal, KeptPool, Observer, RunDirectory, RunSettings
from gome_graph.task import Measured, PreparedTask
from gome_graph.task.metrics import register_metric

if TYPE_CHECKING:
    from gome_graph.models.session import ModelSession

log = logging.getLogger(__name__)

CLOCK_SECONDS = 1.0
"""How often the time spent is written down: what a kill may make the budget forget."""

CPU_SLACK_SECONDS = 5.0
MEGABYTE = 1 << 20

_open: dict[str, "RunServices"] = {}
_opening = threading.RLock()


class RunServices:
    """The open parts of one run.

    Parameters
    ----------
    run
        Its directory, with ``run.json`` written.
    observers
        Called with each journalled event.
    stopped
        Asked about once a second whether the user wants the run to end.
    head_start
        Seconds that the user's clock has run already (start of the process, imports).
    held
        Let go of when the parts are closed: the run's lock, where nobody else holds it.
    """

    def __init__(
        self,
        run: RunDirectory,
        observers: Sequence[Observer] = (),
        stopped: Callable[[], bool] = lambda: False,
        head_start: Seconds = 0.0,
        held: contextlib.ExitStack | None = None,
    ) -> None:
        self.run = run
        self._held = held or contextlib.ExitStack()
        self._abandoned = False
        self.settings = RunSettings.model_validate(run.record()["settings"])
        self._stopped = stopped
        self.plugins = load(self.settings.plugins)
        register_metrics(self.plugins)
        past = list(run.events())
        spent = max([run.clock(), *(event.elapsed for event in past)])
        crowd = self.settings.traces * self.cpus_per_trace / self.cores
        self.budget = Budget(self.settings.budget_seconds, spent + head_start, crowd=crowd, reruns=self.settings.final_seeds - 1)
        self._note_incumbents()
        self._clock_written = 0.0
        self._hints_told = sum(event.kind is EventKind.HINT for event in past)
        self._hints_lock = threading.Lock()
        self.spans = make_spans()
        self.journal = Journal(run, self.budget.elapsed, [*observers, self._tell_plugins, *([self.spans] if self.spans else [])])
        self.executor: Executor = self.plugins.make("executor", self.settings.executor, self.settings.executor_config)
        self.memory: Memory = self._make_memory()
        self.models: ModelSession | None = None
        self.reasoner: Reasoner = self._make_reasoner()
        self.strategy: Strategy = self.plugins.make("strategy", self.settings.strategy)
        self._prepared: PreparedTask | None = None
        self._brief: TaskBrief | None = None
        self.kept = KeptPool(run.root / "members")  # not "kept": that is what a script run by hand in the run directory would look into
        self.kept_permuted = KeptPool(run.root / "members-permuted")
        self._measured: dict[str, Measured] = {}
        self.origins: dict[str, Any] = {}
        """Where judged steps came from, as far as a strategy has asked; see `gome_graph.graph.move`."""

    def _note_incumbents(self) -> None:
        """Tell the budget what a run that goes on has accepted: its reserve for finalise follows from that."""
        for name in self.run.steps():
            verdict, execution = self.run.step(name).verdict(), self.run.step(name).execution()
            if verdict is not None and verdict.accepted and execution is not None:
                self.budget.note_incumbent(int(name[1:].split("-")[0]), execution.whole_seconds)

    def tell_hints(self) -> None:
        """Journal the hints (``gome instruct``) that came since the last call: what traces may know from here on."""
        with self._hints_lock:
            for hint in self.run.hints()[self._hints_told :]:
                self.journal.add(EventKind.HINT, trace=hint.get("trace"), text=hint["text"])
                self._hints_told += 1

    def _make_memory(self) -> Memory:
        wanted, alone = self.settings.memory, False
        if wanted == "none":
            return NoMemory()
        if wanted == "auto":
            if all(offer.name != "chroma" for offer in self.plugins.offers("memory")):
                self.journal.add(EventKind.WARNING, text="no memory plugin is installed: traces do not learn from each other's steps")
                return NoMemory()
            # One trace with a memory of its own searches a few dozen experiences: an index in another process would only cost.
            alone = self.settings.traces == 1 and self.settings.memory_path is None and self.settings.memory_server is None
            wanted = "exact" if alone else "chroma"
        config: dict[str, Any] | None = {"embedding": "hash"} if wanted == "exact" and alone else None
        if self.settings.memory_server is not None:
            config = {"server": self.settings.memory_server}
        memory: Memory = self.plugins.make("memory", wanted, config, path=self.settings.memory_path or self.run.memory)
        return memory

    def _make_reasoner(self) -> Reasoner:
        name, dial = split_dial(self.settings.reasoner)
        wants = self.plugins.offer("reasoner", name).wants
        services: dict[str, Any] = {"techniques": techniques(self.plugins)}
        if "trials" in wants:
            from gome_graph.graph.trials import RunTrials

            services["trials"] = RunTrials(self)
        if "tell" in wants:
            services["tell"] = self._tell_reasoning
        if "models" in wants:
            services["models"] = self._make_models()
        reasoner: Reasoner = self.plugins.make("reasoner", name, reasoner_settings(self.settings, dial), **services)
        return reasoner

    def _make_models(self) -> "ModelSession":
        """The language models of the run, opened for a reasoner that wants them.

        Raises
        ------
        PluginError
            If the user has chosen none.
        """
        if not self.settings.models:
            raise PluginError(f"reasoner {self.settings.reasoner!r} asks a language model; name one with --model, for example openai:gpt-5")
        from gome_graph.graph.models import open_run_models

        self.models = open_run_models(self)
        return self.models

    def _tell_reasoning(self, trace: int, step: int, what: str, **details: Any) -> None:
        self.journal.add(EventKind.REASONED, trace=trace, step=step_id(trace, step), what=what, **details)

    def _tell_plugins(self, event: Event) -> None:
        for impl in self.plugins.manager.hook.gome_on_event.get_hookimpls():
            try:
                impl.function(*({"event": event, "run_dir": self.run.root}[name] for name in impl.argnames))
            except Exception as error:
                log.warning("plugin %r failed in gome_on_event: %s", impl.plugin_name, error)

    @property
    def prepared(self) -> PreparedTask:
        """The prepared task; opened once."""
        opened = self._prepared
        if opened is None:
            opened = self.prepared = PreparedTask.open(self.run.prepared)
        return opened

    @prepared.setter
    def prepared(self, value: PreparedTask) -> None:
        self._prepared = value
        self.budget.refits = value.profile.audit_rows > 0

    @property
    def brief(self) -> TaskBrief:
        """What reasoners may know of the task."""
        if self._brief is None:
            self._brief = self.prepared.brief()
        return self._brief

    def measured(self, step: str, measure: Callable[[], Measured]) -> Measured:
        """The arrays behind a step's pack; the last few are kept, for an incumbent is looked at again and again."""
        found = self._measured.pop(step, None) or measure()
        self._measured[step] = found  # the latest at the end
        while len(self._measured) > self.settings.traces + 1:
            self._measured.pop(next(iter(self._measured)), None)
        return found

    @property
    def cores(self) -> int:
        """Cores of the run: what was asked for, else what this process may use."""
        return self.settings.cpus or len(os.sched_getaffinity(0))

    @property
    def cpus_per_trace(self) -> int:
        """``GOME_CPUS`` of a script while all traces run."""
        return max(1, self.cores // self.settings.traces)

    def stopped(self) -> bool:
        """True once the user asked for an end (Ctrl-C, ``gome stop``). Polled while scripts run, it keeps the run's clock as well."""
        elapsed = self.budget.elapsed()
        if elapsed - self._clock_written >= CLOCK_SECONDS:
            self._clock_written = elapsed
            self.run.keep_clock(elapsed)
        return self._abandoned or self._stopped() or self.run.stop_path.exists()

    def abandon(self) -> None:
        """Whoever served the run has cancelled it: scripts are to end at once."""
        self._abandoned = True

    def memory_limit(self, parallel: int) -> Bytes:
        """Memory of one script when `parallel` of them may run at the same time."""
        memory = self.settings.memory_limit_bytes or int(0.8 * psutil.virtual_memory().total / parallel)
        return min(memory, int(self.prepared.task.limits.get("memory_mb", memory / MEGABYTE) * MEGABYTE))

    @property
    def script_limit(self) -> Seconds:
        """Wall seconds that the task allows one script, whatever the budget; infinite where it says nothing."""
        return self.prepared.task.limits.get("wall_seconds", math.inf)

    def limits(self, wall: Seconds, parallel: int) -> Limits:
        """Limits of one script when `parallel` of them may run at the same time."""
        memory = self.memory_limit(parallel)
        wall = max(min(wall, self.script_limit), 0.1)
        # No honest script can pass the CPU limit before the wall clock ends it: it holds where the watchdog should fail.
        return Limits(wall_seconds=wall, memory_bytes=memory, cpu_seconds=wall * len(os.sched_getaffinity(0)) + CPU_SLACK_SECONDS)

    def close(self) -> None:
        """Stop scripts, keep the clock, let go of memory, files, models and lock. A second call does nothing."""
        with _opening:
            if _open.get(str(self.run.root)) is not self:
                return
            del _open[str(self.run.root)]
        self.run.keep_clock(self.budget.elapsed())
        for part in (self.executor, self.memory, self.journal, self.models, self.spans, self._held):
            try:
                if part is not None:
                    part.close()
            except Exception:
                log.exception("closing %r failed", part)


def open_services(
    run: RunDirectory,
    observers: Sequence[Observer] = (),
    stopped: Callable[[], bool] = lambda: False,
    head_start: Seconds = 0.0,
    held: contextlib.ExitStack | None = None,
) -> RunServices:
    """Open a run's parts and let nodes find them."""
    services = RunServices(run, observers, stopped, head_start, held)
    _open[str(run.root)] = services
    return services


def services(run_dir: str) -> RunServices:
    """The open parts of a run; a served run is opened here, when it begins and when a server goes on with it in a new process.

    Raises
    ------
    RunError
        If there is no run, or another process works on it.
    """
    with _opening:
        found = _open.get(run_dir)
        if found is None:
            path = Path(run_dir)
            if not path.is_dir():
                raise RunError(f"{run_dir} is not there any more")
            found = _adopt(RunDirectory.open(path))
        return found


def abandon(run_dir: str) -> None:
    """Tell an open run's scripts to end; nothing happens if it is not open."""
    found = _open.get(run_dir)
    if found is not None:
        found.abandon()


def close(run_dir: str) -> None:
    """Close an open run's parts; nothing happens if it is not open."""
    found = _open.get(run_dir)
    if found is not None:
        found.close()


def is_open(run_dir: str) -> bool:
    """True while this process works on the run."""
    return run_dir in _open


def _adopt(run: RunDirectory) -> RunServices:
    """What `gome_graph.graph.start` does for the command line: lock, parts, protections, the first words in the journal."""
    held = contextlib.ExitStack()
    try:
        held.enter_context(run.lock())
        run.stop_path.unlink(missing_ok=True)
        begun = next(run.events(), None) is not None
        parts = open_services(run, [_to_stream], held=held)
    except BaseException:
        held.close()
        raise
    try:
        announce(parts, resumed=begun)
    except BaseException:
        parts.close()
        raise
    return parts


def _to_stream(event: Event) -> None:
    """Events go to whoever streams the served run (``stream_mode="custom"``)."""
    with contextlib.suppress(RuntimeError):  # outside of a node nobody streams
        get_stream_writer()(event.model_dump(mode="json"))


def announce(parts: RunServices, *, resumed: bool) -> None:
    """Write down which walls are up, and journal the beginning.

    Raises
    ------
    SandboxError
        If the run is to be closed to the world and no wall keeps scripts from the network.
    """
    record = parts.run.record()
    walls = parts.executor.protections()
    if parts.settings.closed_world and not walls.network_blocked:
        raise SandboxError("--closed-world needs scripts without network, which no wall here gives; see: gome doctor")
    protections = walls.model_dump(mode="json")
    spec = record["task_spec"]
    prompts = getattr(parts.reasoner, "prompts", None)  # of reasoners that have any
    parts.run.update_record(protections=protections, **({"prompts": prompts} if prompts else {}))
    if resumed:
        parts.journal.add(EventKind.RESUMED, spent_seconds=round(parts.budget.elapsed(), 2))
    parts.journal.add(
        EventKind.RUN_STARTED, task=record["task"], metric=record["metric"], higher_is_better=record["higher_is_better"],
        seed=record["seed"], traces=parts.settings.traces,
        budget_seconds=parts.settings.budget_seconds, reasoner=parts.reasoner.name, strategy=parts.strategy.name,
        executor=parts.executor.name, memory=parts.memory.name, protections=protections, versions=record["versions"],
        inferred=spec.get("inferred", []), metric_source=spec.get("metric_source", ""),
        **({"derived_from": record["derived_from"]} if "derived_from" in record else {}),
    )  # fmt: skip


def register_metrics(plugins: Plugins) -> None:
    """Make the metrics of plugins known by name."""
    for offered in plugins.manager.hook.gome_metric():
        for metric in offered or []:
            register_metric(metric)


def techniques(plugins: Plugins) -> list[Any]:
    """The technique catalogs of all plugins.

    Raises
    ------
    PluginError
        If two plugins offer a technique of the same name.
    """
    found: dict[str, tuple[str, Any]] = {}
    for impl in plugins.manager.hook.gome_techniques.get_hookimpls():
        for technique in impl.function() or []:  # type: ignore[attr-defined]
            if technique.name in found:
                raise PluginError(
                    f"plugins {found[technique.name][0]!r} and {impl.plugin_name!r} both offer a technique {technique.name!r}"
                )
            found[technique.name] = (impl.plugin_name, technique)
    return [technique for _, technique in found.values()]
