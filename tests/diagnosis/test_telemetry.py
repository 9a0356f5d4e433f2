"""Telemetry is a claim of the script: read with care."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from gome_graph.diagnosis.telemetry import MAX_BYTES, MAX_FOLDS, read_telemetry
from tests.diagnosis.worlds import World, pack_of, write_telemetry


def test_every_kind_of_line_is_read(tmp_path: Path) -> None:
    write_telemetry(
        tmp_path,
        {"kind": "fold", "model": "lightgbm", "fold": 0, "train_score": 0.91, "valid_score": 0.8, "seconds": 1.2, "iterations": 240,
         "max_iterations": 1000},
        {"kind": "columns", "used": ["a", "b"], "importance": {"a": 3, "b": 1}},
        {"kind": "phase", "name": "fit", "seconds": 3.0},
        {"kind": "phase", "name": "fit", "seconds": 1.0},
        {"kind": "weights", "weights": {"lightgbm": 0.6, "linear": 0.4}},
        {"kind": "agreement", "members": ["linear", "lightgbm"], "correlation": 0.93},
        {"kind": "curve", "share": 0.5, "score": 0.7},
    )  # fmt: skip

    told = read_telemetry(tmp_path / "telemetry.jsonl")

    assert told.folds[0].model_dump() == {
        "fold": 0, "model": "lightgbm", "train_score": 0.91, "valid_score": 0.8, "seconds": 1.2, "iterations": 240, "max_iterations": 1000,
        "kept": False,
    }  # fmt: skip
    assert (told.used, told.importance, told.phases) == (["a", "b"], {"a": 0.75, "b": 0.25}, {"fit": 4.0})
    assert told.agreement == {("lightgbm", "linear"): 0.93}
    assert (told.weights, told.curve, told.malformed) == ({"lightgbm": 0.6, "linear": 0.4}, [(0.5, 0.7)], 0)


HOSTILE = [
    '{"kind": "agreement", "members": ["a"], "correlation": 0.5}', '{"kind": "agreement", "members": ["a", "a"], "correlation": 0.5}',
    '{"kind": "agreement", "members": ["a", "b"], "correlation": 7}', '{"kind": "agreement", "members": ["a", "b"], "correlation": NaN}',
    "not json", "[]", "42", "null", '"text"', "{}", '{"kind": 7}', '{"kind": "unheard of"}', "[" * 50_000,
    '{"kind": "fold", "fold": ' + "9" * 5_000 + "}",
    '{"kind": "fold", "fold": -1}', '{"kind": "fold", "fold": true}', '{"kind": "fold", "fold": "0"}',
    '{"kind": "fold", "fold": 0, "train_score": NaN, "valid_score": Infinity}', '{"kind": "fold", "fold": 0, "train_score": 1e999}',
    '{"kind": "fold", "fold": 1, "seconds": -4, "iterations": -1}', '{"kind": "fold", "fold": 1, "train_score": {"a": 1}}',
    json.dumps({"kind": "fold", "fold": 2, "model": "m" * 10_000}), '{"kind": "phase", "name": "fit", "seconds": NaN}',
    '{"kind": "phase", "name": ["fit"], "seconds": 1}', '{"kind": "weights", "weights": {"a": -1}}',
    '{"kind": "weights", "weights": [1, 2]}',
    '{"kind": "columns", "used": "all"}', '{"kind": "columns", "used": [1, null, {}]}', '{"kind": "columns", "importance": {"a": NaN}}',
    json.dumps({"kind": "columns", "used": ["x" * 100_000]}), '{"kind": "curve", "share": 7, "score": 1}', "\x00\ufffd{",
]  # fmt: skip


def test_hostile_lines_are_dropped_and_counted_and_the_good_ones_kept(tmp_path: Path) -> None:
    write_telemetry(tmp_path, *HOSTILE, {"kind": "fold", "fold": 3, "model": "ridge", "valid_score": 0.5})

    told = read_telemetry(tmp_path / "telemetry.jsonl")

    assert told.malformed == len(HOSTILE)
    assert [f.valid_score for f in told.folds if f.model == "ridge"] == [0.5]
    assert all(value is None or np.isfinite(value) for f in told.folds for value in (f.train_score, f.valid_score, f.seconds))
    assert (told.phases, told.weights, told.used, told.importance, told.curve) == ({}, {}, [], {}, [])


def test_a_flood_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.jsonl"
    path.write_text('{"kind": "fold", "fold": 0, "valid_score": 1}\n' * 60_000)
    assert path.stat().st_size > MAX_BYTES

    assert len(read_telemetry(path).folds) == MAX_FOLDS


def test_links_pipes_and_folders_are_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.jsonl"
    write_telemetry(tmp_path / "real", {"kind": "phase", "name": "fit", "seconds": 1})
    secret.symlink_to(tmp_path / "real" / "telemetry.jsonl")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    assert [read_telemetry(path).phases for path in (secret, pipe, tmp_path, tmp_path / "none")] == [{}, {}, {}, {}]


def test_a_pack_of_hostile_telemetry_is_json_and_keeps_the_recomputed_score(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    world = World(pd.DataFrame({"a": rng.normal(size=300)}), rng.normal(size=300), "rmse")
    data = world.measured(np.zeros(300))
    (tmp_path / "telemetry.jsonl").write_text("\n".join([*HOSTILE, '{"kind": "fold", "fold": 0, "model": "m", "valid_score": 0.0001}']))

    pack = pack_of(tmp_path, world, data)

    assert type(pack).model_validate_json(pack.model_dump_json()) == pack
    assert pack.score is not None
    assert pack.score.value > 0.5
    assert pack.malformed_telemetry == len(HOSTILE)


def test_importance_and_use_of_columns_that_do_not_exist_are_ignored(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    world = World(pd.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300)}), rng.normal(size=300), "rmse")
    data = world.measured(np.zeros(300))

    pack = pack_of(tmp_path, world, data, telemetry=[{"kind": "columns", "used": ["a", "ghost"], "importance": {"a": 0.2, "ghost": 0.8}}])

    assert (pack.used_columns, pack.unused_columns, pack.importance) == (["a"], ["b"], {"a": 1.0})
