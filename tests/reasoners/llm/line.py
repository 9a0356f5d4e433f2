"""A script for the regression task of `small_tasks.line` that needs the standard library alone: tens of milliseconds a run."""

SCRIPT = """\
import csv
from pathlib import Path

INPUT, OUTPUT = Path("input"), Path("output")
WIDTH = 1.0


def read(name):
    with (INPUT / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def predict(row):
    x = float(row["x"])
    return x + (x * 1e6 % 7 - 3) * WIDTH


def write(name, rows):
    with (OUTPUT / name).open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "y"])
        for row in rows:
            out.writerow([row["id"], predict(row)])


def main():
    OUTPUT.mkdir(exist_ok=True)
    train, test = read("train.csv"), read("test.csv")
    write("oof.csv", train)
    write("submission.csv", test)


main()
"""


def width(value: float) -> str:
    """A script whose error grows with `value`."""
    return SCRIPT.replace("WIDTH = 1.0", f"WIDTH = {value}")
