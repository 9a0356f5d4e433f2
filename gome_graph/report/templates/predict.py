"""Fit solution.py on the packaged training table and predict the rows of a CSV file:  python predict.py new.csv --out predictions.csv

It lays out the folder that solution.py expects (input/train.csv, input/test.csv …) in a temporary place, runs the script there with this
Python, and hands out its predictions in the order of the rows given. Standard library only; solution.py needs requirements.txt.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCHEMA: dict[str, Any] = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))
ID: str = SCHEMA["x-id"]
OUTPUTS: list[str] = SCHEMA["x-output"]["columns"]
LONGEST_LOG = 2000
csv.field_size_limit(1 << 30)

Row = dict[str, str]


class Mistake(Exception):
    """Bad input, in one sentence."""


def read(path: Path) -> list[Row]:
    """Rows of a CSV file as text, checked against schema.json; ids are made where there are none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows: list[Row] = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise Mistake(f"{path} cannot be read: {error}") from None
    names = list(reader.fieldnames or [])
    missing = [name for name in SCHEMA["required"] if name not in names and name != ID]
    if missing:
        raise Mistake(f"{path} lacks the column {missing[0]!r}; needed are: {', '.join(SCHEMA['required'])}")
    if not rows:
        raise Mistake(f"{path} has no rows below its header")
    for number, row in enumerate(rows):
        if None in row or None in row.values():
            raise Mistake(f"{path}, row {number + 1}: its number of fields is not that of the header")
        if ID not in names:
            row[ID] = f"new{number}"
        check(path, number, row)
    if len({row[ID] for row in rows}) < len(rows):
        raise Mistake(f"{path}: the ids in column {ID!r} are not distinct")
    return rows


def check(path: Path, number: int, row: Row) -> None:
    """A number column must hold numbers or nothing."""
    for name, column in SCHEMA["properties"].items():
        text = row.get(name, "").strip()
        if "number" not in column.get("type", []) or not text:
            continue
        try:
            float(text)
        except ValueError:
            raise Mistake(f"{path}, row {number + 1}: column {name!r} must be a number, not {text!r}") from None


def lay_out(place: Path, data: Path, rows: list[Row]) -> None:
    """The folder that solution.py works in."""
    shutil.copyfile(HERE / "solution.py", place / "solution.py")
    inputs = place / "input"
    inputs.mkdir()
    for each in data.iterdir():
        if each.name in ("test.csv", "sample_submission.csv"):
            continue
        try:
            (inputs / each.name).symlink_to(each.resolve(), target_is_directory=each.is_dir())
        except OSError:  # no right to make links: Windows
            shutil.copytree(each, inputs / each.name) if each.is_dir() else shutil.copyfile(each, inputs / each.name)
    columns = SCHEMA["x-test-columns"]
    with (inputs / "test.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with (inputs / "sample_submission.csv").open("w", encoding="utf-8", newline="") as file:
        sample = csv.writer(file, lineterminator="\n")
        sample.writerow([ID, *OUTPUTS])
        sample.writerows([row[ID], *SCHEMA["x-output"]["example"]] for row in rows)


def run(place: Path, seed: str) -> None:
    """Fit and predict; ends with the script's last words where it fails."""
    environment = {**os.environ, "GOME_SEED": seed, "GOME_STAGE": "final"}
    done = subprocess.run([sys.executable, "solution.py"], cwd=place, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Mistake(f"solution.py failed (exit code {done.returncode}); its last words:\n{done.stderr[-LONGEST_LOG:]}")


def predictions(place: Path, rows: list[Row]) -> list[list[str]]:
    """What the script wrote for the rows, in their order, in the spelling of the task's labels."""
    with (place / "output" / "submission.csv").open(encoding="utf-8", newline="") as file:
        found = {row[ID]: [row[name] for name in OUTPUTS] for row in csv.DictReader(file)}
    spelling: dict[str, str] = SCHEMA["x-output"].get("labels", {})
    return [[spelling.get(value, value) for value in found[row[ID]]] for row in rows]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fit on the packaged training table, predict the rows of a CSV file.")
    parser.add_argument("table", type=Path, help="CSV file with the columns of schema.json")
    parser.add_argument("--out", type=Path, default=Path("predictions.csv"), help="file to write (default: predictions.csv)")
    parser.add_argument(
        "--data", type=Path, default=HERE / "input", help="folder with train.csv and folds.csv (default: input/ beside this)"
    )
    parser.add_argument("--seed", default=str(SCHEMA["x-seed"]), help="seed of the fit (default: the run's)")
    asked = parser.parse_args()
    try:
        if not (asked.data / "train.csv").is_file():
            raise Mistake(f"{asked.data} has no train.csv; the package was made without data: give its folder with --data")
        rows = read(asked.table)
        with tempfile.TemporaryDirectory(prefix="solution-") as temporary:
            place = Path(temporary)
            lay_out(place, asked.data, rows)
            run(place, asked.seed)
            values = predictions(place, rows)
        with asked.out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([ID, *OUTPUTS])
            writer.writerows([row[ID], *value] for row, value in zip(rows, values))  # noqa: B905 - Python 3.9 has no strict=
    except Mistake as mistake:
        print(f"predict.py: {mistake}", file=sys.stderr)
        return 2
    print(f"{len(rows)} predictions in {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
