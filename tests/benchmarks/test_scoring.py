"""The scorer, against values worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest
import scoring


def facts(metric: str, classes: list[str] | None = None, targets: tuple[str, ...] = ("y",)) -> dict[str, object]:
    return {"metric": metric, "id": "row_id", "targets": list(targets), "classes": classes}


def truth(values: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"row_id": range(len(values)), "y": values})


def test_rows_are_matched_by_id_not_by_order() -> None:
    shuffled = pd.DataFrame({"row_id": [2, 0, 1], "y": [30.0, 10.0, 20.0]})
    assert scoring.score(facts("rmse"), truth([10.0, 20.0, 30.0]), shuffled).score == 0


def test_auc_takes_the_chance_of_class_1() -> None:
    prediction = pd.DataFrame({"row_id": range(4), "0": [0.9, 0.6, 0.7, 0.1], "1": [0.1, 0.4, 0.3, 0.9]})
    assert scoring.score(facts("auc", ["0", "1"]), truth([0, 0, 1, 1]), prediction).score == pytest.approx(0.75)


def test_log_loss_is_by_class_name_and_normalised() -> None:
    prediction = pd.DataFrame({"row_id": [0, 1], "b": [1.0, 6.0], "a": [3.0, 2.0]})
    found = scoring.score(facts("log_loss", ["a", "b"]), truth(["a", "b"]), prediction.assign(a=[0.75, 0.25], b=[0.25, 0.75]))
    assert found.score == pytest.approx(-math.log(0.75))


def test_labels_agree_across_number_forms() -> None:
    assert scoring.score(
        facts("accuracy"), truth([1, 2, 3]), pd.DataFrame({"row_id": [0, 1, 2], "y": [1.0, 2.0, 4.0]})
    ).score == pytest.approx(2 / 3)


def test_several_targets_count_by_their_mean() -> None:
    two = pd.DataFrame({"row_id": [0, 1], "y": [1.0, 1.0], "z": [0.0, 0.0]})
    found = scoring.score(facts("mae", targets=("y", "z")), two, two.assign(y=[2.0, 2.0], z=[3.0, 3.0]))
    assert found.score == pytest.approx(2.0)


def test_kappa_punishes_by_distance() -> None:
    near = scoring.score(facts("qwk"), truth([1, 2, 3, 4]), truth([1, 2, 3, 3])).score
    far = scoring.score(facts("qwk"), truth([1, 2, 3, 4]), truth([1, 2, 3, 1])).score
    assert 1 > near > far


@pytest.mark.parametrize(
    "prediction",
    [
        pd.DataFrame({"row_id": [0], "y": [1.0]}),
        pd.DataFrame({"row_id": [0, 1], "other": [1.0, 2.0]}),
        pd.DataFrame({"row_id": [0, 1], "y": [1.0, np.nan]}),
    ],
)
def test_incomplete_predictions_are_refused(prediction: pd.DataFrame) -> None:
    with pytest.raises(scoring.InvalidPrediction):
        scoring.score(facts("rmse"), truth([1.0, 2.0]), prediction)


def test_noise_is_the_bootstrap_of_the_rows() -> None:
    rows = 400
    answers = truth([1] * rows)
    prediction = answers.assign(y=[1] * (rows // 2) + [0] * (rows // 2))
    assert scoring.score(facts("accuracy"), answers, prediction).sd == pytest.approx(math.sqrt(0.25 / rows), rel=0.2)
