"""gome itself: `gome run` on the cell's task folder, and the submission as predictions.

Light until the run has ended, so that this process adds nothing to the memory measured.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """``python gome.py FOLDER [options of gome run]``."""
    folder, options = Path(sys.argv[1]).resolve(), sys.argv[2:]
    facts = json.loads((folder / "facts.json").read_text())
    task = Path(facts.get("task_folder") or folder / "task")
    command = [sys.executable, "-m", "gome_graph.cli", "run", task, "--budget", f"{facts['seconds']}s", "--seed", facts["seed"],
               "--cpus", facts["cores"], "--out", folder / "run", "--quiet", "--json", *options]  # fmt: skip
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=False)
    (folder / "result.json").write_text(done.stdout)
    result = json.loads(done.stdout or "{}")
    report: dict[str, Any] = {"version": revision(), "error": None}
    report.update({key: result[key] for key in ("steps", "accepted", "spent_seconds", "score", "first_score", "audit") if key in result})
    submission = folder / "run" / "submission.csv"
    if submission.exists():
        write_predictions(submission, facts, folder / "predictions.csv")
    else:
        report["error"] = str(result.get("error") or f"no submission, exit {done.returncode}, {result.get('steps')} steps")[:500]
    (folder / "report.json").write_text(json.dumps(report))
    sys.exit(1 if report["error"] else 0)


def revision() -> str:
    """Commit of the tree that this file is in."""
    here = Path(__file__).resolve().parent
    done = subprocess.run(["git", "-C", str(here), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def write_predictions(submission: Path, facts: dict[str, Any], path: Path) -> None:
    """A binary submission holds the chance of class 1 alone; the scorer wants both."""
    import pandas as pd

    table = pd.read_csv(submission)
    if facts["needs"] == "probability" and facts["kind"] == "binary":
        chance = table[facts["targets"][0]].astype(float)
        negative, positive = facts["classes"]
        table = pd.DataFrame({facts["id"]: table[facts["id"]], negative: 1 - chance, positive: chance})
    table.to_csv(path, index=False)


if __name__ == "__main__":
    main()
