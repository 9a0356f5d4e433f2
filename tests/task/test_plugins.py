"""The task package as others use it: hooks, plugin metrics, light imports."""

import subprocess
import sys

import numpy as np
import pluggy
import pytest

import gome_graph.task.loaders
from gome_graph.errors import TaskError
from gome_graph.hooks import specs
from gome_graph.task import Metric, find_metric, load_task, metric_names
from gome_graph.task.metrics import registry


@pytest.fixture
def registered(monkeypatch):
    """A registry that forgets what the test adds."""
    monkeypatch.setattr(registry, "_metrics", dict(registry._metrics))
    monkeypatch.setattr(registry, "_names", dict(registry._names))
    return registry.register_metric


class WorstError(Metric):
    """Largest absolute error."""

    name, higher_is_better, prediction = "worst_error", False, "number"

    def score(self, truth, prediction, weights=None):
        return float(np.abs(truth - prediction).max())


def test_built_in_loaders_are_a_plugin(plain_folder, bench_folder, tmp_path):
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    manager.register(gome_graph.task.loaders)
    manager.check_pending()

    assert [claim.name for claim in manager.hook.gome_task_loader(path=plain_folder)] == ["folder"]
    assert [claim.name for claim in manager.hook.gome_task_loader(path=bench_folder)] == ["mle-bench"]
    assert manager.hook.gome_task_loader(path=tmp_path / "absent") == []
    claims = lambda path: manager.hook.gome_task_loader(path=path)  # noqa: E731
    assert load_task(bench_folder, claims=claims) == load_task(bench_folder)


def test_a_plugin_metric_is_found_by_name(registered):
    registered(WorstError())
    assert find_metric("Worst error").score(np.array([1.0, 2.0]), np.array([1.0, 5.0])) == 3.0
    assert "worst_error" in metric_names()
    registered(WorstError())  # registering it again is harmless


def test_a_plugin_metric_cannot_take_a_name_that_means_another(registered):
    class Accuracy(WorstError):
        name = "accuracy"

    with pytest.raises(TaskError, match="Two metrics are called 'accuracy'"):
        registered(Accuracy())


def test_loading_and_preparing_import_nothing_heavy(plain_folder, tmp_path):
    script = (
        "import sys; from gome_graph.task import load_task, prepare; from pathlib import Path\n"
        f"prepare(load_task({str(plain_folder)!r}), Path({str(tmp_path / 'prepared')!r}), seed=0)\n"
        "print([name for name in ('sklearn', 'scipy', 'lightgbm', 'chromadb', 'torch') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_package_itself_costs_no_numpy():
    script = "import sys, gome_graph.task; print([name for name in ('numpy', 'pandas') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
