"""The metric is found in descriptions, and only where it is stated."""

import pytest

from gome_graph.task.describe import forbidden_columns, metric_in


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("# Authors\n\n## Measure\nmulti-class log loss; lower is better.", "log_loss"),
        ("Measure\nmulti-class log loss; lower is better.", "log_loss"),
        ("## Measure\nRMSE of log price; lower is better.", "rmse_log"),
        ("## Measure\nmicro F1 (= accuracy); higher is better.", "f1_micro"),
        ("## Measure\nmean column-wise RMSLE; lower is better.", "rmsle"),
        ("## Measure\nquadratic weighted kappa; higher is better.", "qwk"),
        ("## Measure\nROC AUC; higher is better.", "roc_auc"),
        ("Predict y.\n\nmetric: MAE\n", "mae"),
        ("**Metric:** Balanced accuracy", "balanced_accuracy"),
        ("The metric is R^2.", "r2"),
        ("Submissions are evaluated on area under the ROC curve between the probability and the target.", "roc_auc"),
        (
            "Submissions are evaluated on Root-Mean-Squared-Error (RMSE) between the logarithm of p and the logarithm of y.",
            "rmse_log",
        ),
        ("Scores are judged by the RMSE between log(y + 1) and log(p + 1).", "rmsle"),
        ("## Evaluation\nYour score is the percentage of rows you get right. It is known simply as accuracy.", "accuracy"),
        ("Submissions are evaluated on the macro F1-score.", "f1_macro"),
        ("Submissions are evaluated according to the Mean Average Precision @ 5 (MAP@5):", "map_at_5"),
        ("Submissions are scored using the column-wise root mean squared logarithmic error. It is kind.", "rmsle"),
    ],
)
def test_stated_metric_is_found(text, metric):
    assert metric_in(text)[0] == metric


@pytest.mark.parametrize(
    "text", ["", "We want high accuracy in drawing maps.", "An error of 5 mm (RMSE) is usual for such sensors.", "## Files\ntrain.csv\n"]
)
def test_prose_that_states_no_metric_is_not_believed(text):
    assert metric_in(text) is None


def test_heading_wins_over_an_earlier_sentence():
    text = "Models like this are often evaluated by accuracy.\n\n## Measure\nlog loss; lower is better.\n"
    assert metric_in(text)[0] == "log_loss"


def test_columns_that_must_not_be_used_are_found_by_telling_names_only():
    text = "The field paid_by_if_known gives the answer away and must not be used. Do not use other data. Never use `note`."
    assert forbidden_columns(text, ["paid_by_if_known", "data", "note", "paid"]) == ["paid_by_if_known", "note"]
