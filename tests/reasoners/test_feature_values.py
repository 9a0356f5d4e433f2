"""What single feature steps compute, on frames small enough to check by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome_graph.reasoners.rules.recipe import FeatureStep
from gome_graph.reasoners.rules.writer.columns import Columns, made_columns
from gome_graph.reasoners.rules.writer.features import feature_lines


def applied(step: FeatureStep, data: pd.DataFrame) -> pd.DataFrame:
    """The frame after the step's own lines; it must make exactly the columns that the bookkeeping says."""
    scope: dict[str, Any] = {"pd": pd, "np": np, "data": data.copy()}
    exec("\n".join(feature_lines(step, Columns(id="id"))), scope)
    made: pd.DataFrame = scope["data"]
    assert set(made.columns) - set(data.columns) == {name for names in made_columns(step) for name in names}
    return made


def test_the_row_before_is_of_the_same_group_by_time_not_by_file_order() -> None:
    data = pd.DataFrame(
        {"when": ["2024-03-03", "2024-01-01", "2024-02-02", "2024-01-05"], "shop": list("aaab"), "x": [30.0, 10.0, 20.0, 7.0]}
    )

    by_shop = applied(FeatureStep(kind="lags", columns=["x"], params={"time": "when", "by": "shop"}), data)
    of_all = applied(FeatureStep(kind="lags", columns=["x"], params={"time": "when", "by": None}), data)

    assert by_shop["x_before"].tolist() == pytest.approx([20.0, np.nan, 10.0, np.nan], nan_ok=True)
    assert by_shop["x_change"].tolist() == pytest.approx([10.0, np.nan, 10.0, np.nan], nan_ok=True)
    assert of_all["x_before"].tolist() == pytest.approx([20.0, np.nan, 7.0, 10.0], nan_ok=True)


def test_dates_go_round() -> None:
    data = pd.DataFrame({"when": ["2024-01-01 00:00", "2023-12-31 23:59", "2024-06-30 12:00", "never"]})

    made = applied(FeatureStep(kind="date_cycles", columns=["when"]), data)

    assert made["when_weekend"].tolist()[:3] == [0.0, 1.0, 1.0]
    assert made["when_hour_of_week"].tolist()[:3] == [0.0, 167.0, 156.0]
    assert abs(made["when_year_cos"][0] - made["when_year_cos"][1]) < 0.01  # new year's eve is next to new year's day
    assert made["when_day_cos"][2] == pytest.approx(-1.0)
    assert np.isnan(made["when_year_sin"][3])


def test_ranks_and_spread_are_within_the_group() -> None:
    data = pd.DataFrame({"kind": list("aabb"), "x": [1.0, 3.0, 300.0, 100.0]})

    made = applied(FeatureStep(kind="group_stats", columns=["kind"], params={"values": ["x"]}), data)

    assert made["x_rank_in_kind"].tolist() == [0.5, 1.0, 1.0, 0.5]
    assert made["x_std_by_kind"].tolist() == pytest.approx([2**0.5, 2**0.5, 100 * 2**0.5, 100 * 2**0.5])
