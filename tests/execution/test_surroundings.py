"""What a script can read, what it is told, what it may use."""

import sys
from pathlib import Path

import pytest

from gome_graph.execution import builtin, readable
from gome_graph.execution.limits import kernel_limits, machine_memory, memory_limit, script_environment
from gome_graph.execution.local import LocalExecutor
from gome_graph.execution.settings import LocalSettings
from gome_graph.hooks import Executor
from gome_graph.records import Limits, ScriptJob


def job(**changes: object) -> ScriptJob:
    return ScriptJob.model_validate({"workspace": Path("w"), "input_dir": Path("i"), "limits": Limits(wall_seconds=5)} | changes)


def test_only_parts_of_an_installation_are_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "runs").mkdir()
    for name in ("prefix", "exec_prefix"):
        monkeypatch.setattr(sys, name, str(tmp_path))
    paths = readable.interpreter_paths.__wrapped__()
    assert tmp_path / "lib" in paths
    assert tmp_path not in paths
    assert tmp_path / "runs" not in paths


def test_outermost_drops_repetition_and_what_is_inside() -> None:
    paths = [Path("/a/b"), Path("/a"), Path("/a"), Path("/c")]
    assert readable.outermost(paths) == [Path("/a"), Path("/c")]


def test_the_memory_limit_is_the_jobs_then_the_users_then_the_machines() -> None:
    limits = Limits(wall_seconds=1)
    assert memory_limit(Limits(wall_seconds=1, memory_bytes=5), LocalSettings(memory_bytes=7)) == 5
    assert memory_limit(limits, LocalSettings(memory_bytes=7)) == 7
    assert 0 < memory_limit(limits, LocalSettings()) < machine_memory()


def test_a_limit_of_zero_sets_no_kernel_limit() -> None:
    chosen = kernel_limits(Limits(wall_seconds=1, file_bytes=0, processes=0), 1 << 30, 0)
    assert set(chosen) == {"RLIMIT_CORE", "RLIMIT_DATA"}


def test_hardware_workarounds_are_passed_on_and_secrets_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    environment = script_environment(job(seed=2**32 + 5), "/tmp")
    assert environment["OPENBLAS_CORETYPE"] == "Haswell"
    assert "OPENAI_API_KEY" not in environment
    assert environment["PYTHONHASHSEED"] == "5"
    assert environment["GOME_SEED"] == str(2**32 + 5)


def test_the_local_executor_is_offered_by_its_name() -> None:
    offer = next(iter(builtin.gome_executor()))
    assert (offer.name, offer.config, offer.requires()) == ("local", LocalSettings, [])
    assert isinstance(offer.factory(LocalSettings()), Executor)
    assert isinstance(LocalExecutor(), Executor)
