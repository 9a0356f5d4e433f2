"""Symptoms of how a script ran: time and crash classes; and how findings are gathered."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome_graph.diagnosis import check_evidence, findings
from gome_graph.diagnosis.builtin import BUILTIN, SYMPTOMS
from gome_graph.hooks import hookimpl
from gome_graph.hooks.manager import Plugins
from gome_graph.records import Component, Diagnosis, Evidence, Finding, Outcome
from tests.diagnosis.worlds import World, builtin_plugins, execution, fold_lines, pack_of, symptoms


def world() -> World:
    rng = np.random.default_rng(0)
    return World(pd.DataFrame({"age": rng.normal(size=300), "town": rng.normal(size=300)}), rng.normal(size=300), "rmse")


CRASHES = [
    ("crash_missing_module", {"error_class": "ModuleNotFoundError", "error_message": "ModuleNotFoundError: No module named 'torch'"}),
    ("crash_memory", {"outcome": Outcome.OUT_OF_MEMORY}),
    ("crash_memory", {"error_class": "numpy._core._exceptions._ArrayMemoryError", "error_message": "Unable to allocate 30 GiB"}),
    ("crash_missing_column", {"error_class": "KeyError", "error_message": "KeyError: 'agee'"}),
    ("crash_missing_column", {"error_class": "KeyError", "error_message": "\"['x', 'y'] not in index\""}),
    ("crash_type", {"error_class": "ValueError", "error_message": "ValueError: could not convert string to float: 'abc'"}),
    ("crash_type", {"error_class": "TypeError", "error_message": "TypeError: unsupported operand type(s) for +: 'int' and 'str'"}),
    ("crash_nan", {"error_class": "ValueError", "error_message": "ValueError: Input X contains NaN."}),
    ("crash_timeout", {"outcome": Outcome.TIMED_OUT, "wall_seconds": 60.0}),
    ("crash_other", {"error_class": "ZeroDivisionError", "error_message": "ZeroDivisionError: division by zero"}),
    ("crash_other", {"outcome": Outcome.LIMIT, "detail": "wrote a file of more than 2 GB"}),
]


@pytest.mark.parametrize(("symptom", "facts"), CRASHES)
def test_a_crash_is_one_finding_of_its_class(tmp_path: Path, symptom: str, facts: dict[str, Any]) -> None:
    run = execution(**{"outcome": Outcome.CRASHED, "exit_code": 1, **facts})

    found = symptoms(pack_of(tmp_path, world(), None, run=run), None)

    assert [name for name in found if name.startswith("crash_")] == [symptom]
    assert found[symptom].severity == 1.0


@pytest.mark.parametrize("verdict", ["bad_format", "misaligned"])
def test_bad_files_are_a_format_crash(tmp_path: Path, verdict: str) -> None:
    pack = pack_of(tmp_path, world(), None, verdict_kind=verdict, verdict_reason="oof.csv has 3 rows too few")

    assert "3 rows too few" in symptoms(pack, None)["crash_format"].summary


@pytest.mark.parametrize("run", [execution(), execution(outcome=Outcome.STOPPED)])
def test_a_good_or_stopped_run_is_no_crash(tmp_path: Path, run: Any) -> None:
    assert not [s for s in symptoms(pack_of(tmp_path, world(), None, run=run, verdict_kind="not_better"), None) if s.startswith("crash")]


def test_the_column_that_an_error_names_is_named(tmp_path: Path) -> None:
    run = execution(outcome=Outcome.CRASHED, error_class="ValueError", error_message="could not convert string to float in column 'town'")

    assert symptoms(pack_of(tmp_path, world(), None, run=run), None)["crash_type"].columns == ["town"]


@pytest.mark.parametrize(("wall", "expected"), [(90.0, True), (20.0, False)])
def test_a_run_near_its_limit_is_slow(tmp_path: Path, wall: float, expected: bool) -> None:
    data = world().measured(np.zeros(300))

    pack = pack_of(tmp_path, world(), data, run=execution(wall_seconds=wall, cpu_seconds=wall), time_limit=100.0)

    assert ("slow" in symptoms(pack, data)) is expected


def timed(folder: Path, *telemetry: dict[str, Any], wall: float = 60.0, cpu: float = 110.0) -> dict[str, Finding]:
    data = world().measured(np.zeros(300))
    pack = pack_of(folder, world(), data, telemetry=list(telemetry), run=execution(wall_seconds=wall, cpu_seconds=cpu), cpus=2)
    return symptoms(pack, data)


def test_time_lost_on_features_idle_members_and_idle_cores_is_wasted(tmp_path: Path) -> None:
    features = timed(tmp_path / "a", {"kind": "phase", "name": "features", "seconds": 45.0})
    member = timed(
        tmp_path / "b", *fold_lines("svm", 0.5, 0.5, seconds=8.0), *fold_lines("ridge", 0.5, 0.5, seconds=1.0),
        {"kind": "weights", "weights": {"svm": 0.0, "ridge": 1.0}},
    )  # fmt: skip
    cores = timed(tmp_path / "c", cpu=58.0)

    assert "features" in features["wasted_time"].summary
    assert "svm" in member["wasted_time"].summary
    assert "1.0 of 2 cores" in cores["wasted_time"].summary


def test_a_short_or_busy_run_wastes_nothing(tmp_path: Path) -> None:
    fit = {"kind": "phase", "name": "fit", "seconds": 55.0}

    assert "wasted_time" not in timed(tmp_path / "a", fit)
    assert "wasted_time" not in timed(tmp_path / "b", {"kind": "phase", "name": "load", "seconds": 4.0}, wall=5.0, cpu=5.0)


class Broken:
    @hookimpl
    def gome_diagnose(self, pack: Any, data: Any) -> Iterable[Finding]:
        yield Finding(symptom="never_seen", component=Component.DATA, severity=0.5, summary="")
        raise RuntimeError("planted")


class Odd:
    @hookimpl
    def gome_diagnose(self, pack: Any) -> Iterable[Any]:
        return ["not a finding"]


class Talker:
    @hookimpl
    def gome_diagnose(self, pack: Any) -> Iterable[Finding]:
        good, bad = Evidence(ref="execution.wall_seconds"), Evidence(ref="slices.99.z")
        yield Finding(symptom="b", component=Component.DATA, severity=0.5, summary="", evidence=[good, bad], source="liar")
        yield Finding(symptom="a", component=Component.DATA, severity=0.5, summary="")
        yield Finding(symptom="c", component=Component.DATA, severity=0.9, summary="")


def test_a_broken_plugin_is_named_and_the_others_are_heard(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugins = Plugins()
    for name, plugin in (("broken", Broken()), ("odd", Odd()), ("talker", Talker())):
        plugins.add(plugin, name)
    pack = pack_of(tmp_path, world(), None)

    with caplog.at_level(logging.WARNING):
        found = findings(pack, None, plugins)

    assert [(f.symptom, f.source) for f in found] == [("c", "talker"), ("a", "talker"), ("b", "talker")]
    assert [e.ref for e in found[2].evidence] == ["execution.wall_seconds"]
    assert "'broken'" in caplog.text
    assert "planted" in caplog.text
    assert "'odd'" in caplog.text
    assert "1 evidence references of 'b'" in caplog.text


def test_a_diagnosis_loses_and_counts_evidence_that_does_not_resolve(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, world(), None)
    given = Diagnosis(
        cause="", direction="", component=Component.DATA,
        evidence=[Evidence(ref="profile.rows"), Evidence(ref="score.value"), Evidence(ref="no.such"),
                  Evidence(ref="profile.columns.1.name")],
    )  # fmt: skip

    checked = check_evidence(given, pack)

    assert [e.ref for e in checked.evidence] == ["profile.rows", "profile.columns.1.name"]
    assert checked.unresolved_evidence == 2


def test_builtins_fit_the_hook_and_change_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    w = world()
    data = w.measured(np.zeros(300), "model = Ridge()")
    pack = pack_of(tmp_path, w, data, telemetry=fold_lines("ridge", 1.0, 1.0))
    before, text = w.frame.copy(), pack.model_dump_json()

    with caplog.at_level(logging.WARNING):
        found = findings(pack, data, builtin_plugins())
        again = findings(pack, data, builtin_plugins())

    assert caplog.text == ""
    assert found == again
    assert {f.symptom for f in found} <= set(SYMPTOMS)
    assert len({plugin.name for plugin in BUILTIN}) == len(BUILTIN)
    pd.testing.assert_frame_equal(w.frame, before)
    assert pack.model_dump_json() == text
