"""Rows from files and frames, checks on ingest, joins by identity."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars
import pytest

from gome_graph.errors import TaskError
from gome_guard.checks import check_feedback, check_incidents, support
from gome_guard.log import align, build
from gome_guard.records import Feedback, Incident
from gome_guard.tables import frame_rows, parse, read_rows


def rows(n: int = 6) -> list[dict[str, Any]]:
    return [
        {"id": f"r{i}", "at": f"2026-01-01T00:0{i}:00Z", "policy": "v1", "text": f"hello {i}", "candidates": ["a", "b"],
         "action": "ab"[i % 2], "propensity": [0.8, 0.2][i % 2], "reward": float(i % 2), "logging": [0.8, 0.2], "segment": "s"}
        for i in range(n)
    ]  # fmt: skip


def feedback(n: int = 6) -> list[Feedback]:
    return parse(enumerate(rows(n), 1), Feedback, "log")


def test_every_format_gives_the_same_records(tmp_path: Path) -> None:
    wanted = feedback()
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows()))
    flat = [{**r, "candidates": "a|b", "logging": "[0.8, 0.2]"} for r in rows()]
    pd.DataFrame(flat).to_csv(tmp_path / "log.csv", index=False)
    frame = polars.DataFrame(rows())
    frame.write_parquet(tmp_path / "log.parquet")
    for name in ("log.jsonl", "log.csv", "log.parquet"):
        assert parse(read_rows(tmp_path / name), Feedback, name) == wanted, name
    assert parse(frame_rows(pd.DataFrame(rows())), Feedback, "pandas") == wanted
    assert parse(frame_rows(frame), Feedback, "polars") == wanted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"propensity": 0.0}, "row 3: propensity"),
        ({"propensity": 1.2}, "row 3: propensity"),
        ({"action": "c"}, "row 3: .*not among the candidates"),
        ({"candidates": ["a", "a"]}, "row 3: .*twice"),
        ({"logging": [0.5, 0.5]}, "row 3: .*propensity is not the logging"),
        ({"reward": "good"}, "row 3: reward"),
    ],
)
def test_a_bad_row_is_refused_by_number(change: dict[str, Any], message: str) -> None:
    bad = rows()
    bad[2] = {**bad[2], **change}
    with pytest.raises(TaskError, match=message):
        parse(enumerate(bad, 1), Feedback, "log.jsonl")


def test_duplicates_and_a_backward_clock_are_refused_by_number() -> None:
    log = feedback()
    with pytest.raises(TaskError, match="row 7 repeats id 'r0' of row 1"):
        check_feedback([*log, log[0]], "log")
    with pytest.raises(TaskError, match=r"clock runs backwards at 1 rows \(first: 3\)"):
        check_feedback([log[0], log[2], log[1]], "log")


def test_an_incident_before_its_request_or_about_another_action_is_refused() -> None:
    log = {row.id: row for row in feedback()}
    early = Incident(id="i1", request="r3", at="2025-12-31T00:00:00Z", expected=["a"])
    other = Incident(id="i2", request="r3", at="2026-01-02T00:00:00Z", expected=["a"], taken="a")
    with pytest.raises(TaskError, match=r"row 1: reported at .*before its request.*row 2: complains about 'a'"):
        check_incidents([early, other], log, "incidents")
    lost = Incident(id="i3", request="nowhere", at="2026-01-02T00:00:00Z", expected=["a"])
    assert "1 of 1 incidents" in check_incidents([lost], log, "incidents")[0]


def test_policies_are_joined_by_request_and_action_not_by_position() -> None:
    log = build(feedback())
    policy = {f"r{i}": {"b": 0.1 * i, "a": 1 - 0.1 * i} for i in reversed(range(6))}
    assert np.allclose(align(log, policy, "new")[:, 1], [0.1 * i for i in range(6)])
    del policy["r4"]
    with pytest.raises(TaskError, match="says nothing about request 'r4'"):
        align(log, policy, "new")


def test_support_names_what_was_never_tried_and_weights_that_do_not_average_to_one() -> None:
    log = build(feedback(6))
    object.__setattr__(log, "logging", np.tile([1.0, 0.0], (6, 1)))
    found = support(log, np.tile([0.0, 1.0], (6, 1)))
    assert found.outside == 1
    assert any("never tried" in text for text in found.warnings)
    object.__setattr__(log, "propensity", np.full(6, 0.01))
    assert any("average" in text for text in support(log, np.tile([0.5, 0.5], (6, 1))).warnings)
