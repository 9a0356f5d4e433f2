"""gome itself: the cell's files as a task folder, `gome run`, and the submission as predictions."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def main() -> None:
    """``python gome.py FOLDER [options of gome run]``."""
    folder, options = Path(sys.argv[1]).resolve(), sys.argv[2:]
    facts = json.loads((folder / "facts.json").read_text())
    task = Path(facts["task_folder"]) if facts.get("task_folder") else write_task(folder, facts)
    command = [sys.executable, "-m", "gome_graph.cli", "run", task, "--budget", f"{facts['seconds']}s", "--seed", facts["seed"],
               "--cpus", facts["cores"], "--out", folder / "run", "--quiet", "--json", *options]  # fmt: skip
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=False)
    (folder / "result.json").write_text(done.stdout)
    result = json.loads(done.stdout or "{}")
    report: dict[str, Any] = {"version": revision(), "error": None}
    report.update({key: result[key] for key in ("steps", "accepted", "spent_seconds", "score", "first_score", "audit") if key in result})
    submission = folder / "run" / "submission.csv"
    if submission.exists():
        from_submission(pd.read_csv(submission), facts).to_csv(folder / "predictions.csv", index=False)
    else:
        report["error"] = str(result.get("error") or f"no submission, exit {done.returncode}")[:500]
    (folder / "report.json").write_text(json.dumps(report))
    sys.exit(1 if report["error"] else 0)


def revision() -> str:
    """Commit of the tree that this file is in."""
    here = Path(__file__).resolve().parent
    done = subprocess.run(["git", "-C", str(here), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def write_task(folder: Path, facts: dict[str, Any]) -> Path:
    """A task folder as a user would lay it out."""
    import tomli_w

    task = folder / "task"
    task.mkdir(exist_ok=True)
    for name in ("train.csv", "test.csv"):
        (task / name).write_bytes((folder / name).read_bytes())
    train, test = pd.read_csv(task / "train.csv"), pd.read_csv(task / "test.csv")
    key, targets = facts["id"], facts["targets"]
    sample = pd.DataFrame({key: test[key]})
    if facts["needs"] == "probability" and facts["kind"] == "multiclass":
        sample = sample.assign(**{name: 1 / len(facts["classes"]) for name in facts["classes"]})
    elif facts["needs"] == "probability":
        sample[targets[0]] = 0.5
    else:
        sample = sample.assign(**{t: train[t].mean() if facts["kind"] == "regression" else train[t].mode()[0] for t in targets})
    sample.to_csv(task / "sample_submission.csv", index=False)
    told = {"name": facts["task"], "train": "train.csv", "test": "test.csv", "sample_submission": "sample_submission.csv", "id": key,
            "target": targets, "metric": facts["metric"]}  # fmt: skip
    (task / "task.toml").write_text(tomli_w.dumps(told))
    return task


def from_submission(submission: pd.DataFrame, facts: dict[str, Any]) -> pd.DataFrame:
    """A binary submission holds the chance of class 1 alone; the scorer wants both."""
    if facts["needs"] != "probability" or facts["kind"] != "binary":
        return submission
    chance = submission[facts["targets"][0]].to_numpy(float)
    negative, positive = facts["classes"]
    return pd.DataFrame({facts["id"]: submission[facts["id"]], negative: 1 - chance, positive: np.asarray(chance)})


if __name__ == "__main__":
    main()
