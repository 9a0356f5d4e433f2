"""Writes the demo's task folder. Run as a program in its own process, so that scikit-learn is never loaded into `gome` itself.

The data are the handwritten digits that scikit-learn ships: 1,797 images of 8 x 8 grey values from the UCI repository ("Optical
Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, 1998). 30 % of them are held out and graded at the end.
"""

import sys
from pathlib import Path

HELD_OUT = 0.3

DESCRIPTION = """# Handwritten digits

Each row is the picture of a handwritten digit: 8 x 8 grey values from 0 (white) to 16 (black), in the columns `r<row>c<column>`.
Say for each row of test.csv how probable each of the ten digits is. Submissions are judged by the multi-class log loss.
"""

TOML = """# The task of `gome demo`: what to optimise. Run it yourself with: gome run {folder}

name = "digits"
description = "description.md"
train = "train.csv"
test = "test.csv"
sample_submission = "sample_submission.csv"
# Private answers: only `gome grade` opens them, after a run.
answers = "../answers.csv"
id = "id"
target = "digit"
metric = "log_loss"
direction = "minimize"
split = "stratified"
"""


def write_demo(folder: Path) -> None:
    """Write ``task/`` and, apart from it, ``answers.csv`` into `folder`."""
    import numpy as np
    import pandas as pd
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    columns = [f"r{row}c{column}" for row in range(8) for column in range(8)]
    frame = pd.DataFrame(digits.data.astype(int), columns=columns)
    frame.insert(0, "id", np.arange(len(frame)))
    frame["digit"] = digits.target
    train, test = train_test_split(frame, test_size=HELD_OUT, stratify=frame["digit"], random_state=0)
    classes = [str(label) for label in sorted(frame["digit"].unique())]
    task = folder / "task"
    task.mkdir(parents=True, exist_ok=True)
    train.to_csv(task / "train.csv", index=False)
    test.drop(columns="digit").to_csv(task / "test.csv", index=False)
    sample = pd.DataFrame({"id": test["id"], **{label: 1 / len(classes) for label in classes}})
    sample.to_csv(task / "sample_submission.csv", index=False)
    answers = pd.DataFrame({"id": test["id"], **{label: (test["digit"].astype(str) == label).astype(int) for label in classes}})
    answers.to_csv(folder / "answers.csv", index=False)
    (task / "description.md").write_text(DESCRIPTION, encoding="utf-8")
    (task / "task.toml").write_text(TOML.format(folder=task), encoding="utf-8")


if __name__ == "__main__":
    write_demo(Path(sys.argv[1]))
