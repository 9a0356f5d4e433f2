"""It waits while the machine is busy, and keeps the contract of executors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gome_gentle_executor import plugin
from gome_gentle_executor.plugin import GentleExecutor, GentleSettings
from gome_graph import Outcome, PluginError
from gome_graph.execution import LocalExecutor
from gome_graph.hooks.manager import Plugins
from gome_graph.testing.bench import make_bench
from gome_graph.testing.executors import ExecutorContract

NEVER = GentleSettings(load_per_core=1e9)


@pytest.mark.slow
class TestContract(ExecutorContract):
    """The whole suite, hostile scripts included."""

    @pytest.fixture(scope="class")
    def executor(self) -> Iterator[GentleExecutor]:
        executor = GentleExecutor(LocalExecutor(), NEVER)
        yield executor
        executor.close()


def test_a_script_waits_for_room(tmp_path: Path) -> None:
    loads = iter([1e9, 1e9, 0.0])
    executor = GentleExecutor(LocalExecutor(), GentleSettings(load_per_core=1.0), load=lambda: next(loads))
    bench = make_bench(tmp_path)
    assert executor.run(bench.job("print('room')")).outcome is Outcome.OK
    assert next(loads, None) is None
    executor.close()


def test_patience_ends(tmp_path: Path) -> None:
    executor = GentleExecutor(LocalExecutor(), GentleSettings(load_per_core=1.0, patience=0.3), load=lambda: 1e9)
    assert executor.run(make_bench(tmp_path).job("print('anyway')")).outcome is Outcome.OK
    executor.close()


def test_a_run_that_is_stopped_meanwhile_is_not_begun(tmp_path: Path) -> None:
    executor = GentleExecutor(LocalExecutor(), GentleSettings(load_per_core=1.0), load=lambda: 1e9)
    bench = make_bench(tmp_path)
    assert executor.run(bench.job("open('output/x', 'w')"), stopped=lambda: True).outcome is Outcome.STOPPED
    assert not (bench.workspace / "output" / "x").exists()
    executor.close()


def test_it_is_offered_with_settings_that_are_checked() -> None:
    plugins = Plugins()
    plugins.add(plugin, "gentle-executor")
    made = plugins.make("executor", "gentle", {"patience": 5})
    assert made.protections() == LocalExecutor().protections()
    with pytest.raises(PluginError, match="load_per_core"):
        plugins.make("executor", "gentle", {"load_per_core": 0})
