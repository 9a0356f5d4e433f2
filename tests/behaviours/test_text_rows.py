"""Behaviour 2, found by behaviour 6: runs on text lost every honest solution to the check of test rows."""

from pathlib import Path

import numpy as np
import pandas as pd

from gome_graph.validation.signals import depends_on_inputs
from tests.behaviours import small_tasks


def test_predictions_that_follow_the_words_of_a_text_depend_on_their_inputs(tmp_path: Path) -> None:
    blind = 0
    for seed in range(10):
        notes = pd.read_csv(small_tasks.write(tmp_path / str(seed), "text", seed=seed) / "train.csv")[["note"]]
        words = notes["note"].str.split()
        prediction = np.array([row.count("plain") - row.count("sharp") for row in words], dtype=float)
        blind += not depends_on_inputs(prediction, notes)
    assert blind == 0


def test_predictions_of_other_rows_do_not_depend_on_the_words(tmp_path: Path) -> None:
    notes = pd.read_csv(small_tasks.write(tmp_path, "text") / "train.csv")[["note"]]
    prediction = np.array([row.count("plain") - row.count("sharp") for row in notes["note"].str.split()], dtype=float)
    assert not depends_on_inputs(np.random.default_rng(0).permutation(prediction), notes)
