"""What each event becomes in MLflow. Says a thing once: what was sent is written down in ``mlflow.json`` of the run directory."""

import logging
import os
from pathlib import Path
from typing import Any

from gome_graph.records import Event, EventKind, Score, Verdict
from gome_graph.run import RunDirectory
from gome_graph.support.files import read_json, write_json

log = logging.getLogger(__name__)

STATE = "mlflow.json"
LONGEST_PARAM = 500
"""Characters of a parameter: MLflow's servers take 500 to 6,000."""
ARTIFACTS = ("solution.py", "submission.csv", "task.toml")
"""Files of the run that are handed to MLflow at its end."""
ENDS = {"done": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


class Recorder:
    """Writes one run into MLflow.

    Parameters
    ----------
    run_dir
        The run.
    address
        Tracking URI.
    """

    def __init__(self, run_dir: Path, address: str) -> None:
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient(tracking_uri=address)
        self._run = RunDirectory(run_dir)
        self._path = run_dir / STATE
        saved = read_json(self._path) if self._path.exists() else {}
        same = saved.get("address") == address
        self._run_id: str = saved.get("run_id", "") if same else ""
        self._experiment: str = saved.get("experiment", "") if same else ""
        self._steps: dict[str, str] = saved.get("steps", {}) if same else {}
        self._last: int = saved.get("last", -1) if same else -1
        self._judged: int = saved.get("judged", 0) if same else 0
        self._address = address

    def take(self, event: Event) -> None:
        """Write one event, unless it was written before."""
        if event.n <= self._last:
            return
        if not self._run_id:
            self._begin()
        teller = {
            EventKind.RUN_STARTED: self._started, EventKind.RESUMED: self._resumed, EventKind.STEP_STARTED: self._step_started,
            EventKind.EXECUTED: self._executed, EventKind.VALIDATED: self._validated, EventKind.DIAGNOSED: self._diagnosed,
            EventKind.BEST: self._best, EventKind.RUN_FINISHED: self._finished,
        }.get(event.kind)  # fmt: skip
        if teller is not None:
            teller(event)
        self._last = event.n
        self._save()

    def _save(self) -> None:
        write_json(self._path, {
            "address": self._address, "experiment": self._experiment, "run_id": self._run_id, "steps": self._steps, "last": self._last,
            "judged": self._judged,
        })  # fmt: skip

    def _begin(self) -> None:
        record = self._run.record()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or str(record.get("task") or "gome")
        found = self._client.get_experiment_by_name(name)
        self._experiment = found.experiment_id if found else self._client.create_experiment(name)
        tags = {"mlflow.runName": self._run.root.name, "gome.run": str(record.get("id", "")), "gome.folder": str(self._run.root)}
        self._run_id = self._client.create_run(self._experiment, tags=tags).info.run_id
        self._save()

    def _started(self, event: Event) -> None:
        keys = ("task", "metric", "seed", "traces", "budget_seconds", "reasoner", "strategy", "executor", "memory")
        self._params(self._run_id, {key: event.data[key] for key in keys if key in event.data})
        for name, version in (event.data.get("versions") or {}).items():
            self._client.set_tag(self._run_id, f"version.{name}", version)

    def _resumed(self, event: Event) -> None:
        self._client.update_run(self._run_id, status="RUNNING")

    def _child(self, event: Event) -> str:
        step = str(event.step)
        if step not in self._steps:
            tags = {"mlflow.runName": step, "mlflow.parentRunId": self._run_id, "gome.trace": str(event.trace)}
            self._steps[step] = self._client.create_run(self._experiment, tags=tags).info.run_id
            self._save()
        return self._steps[step]

    def _step_started(self, event: Event) -> None:
        child, hypothesis = self._child(event), event.data.get("hypothesis") or {}
        self._params(child, {
            "hypothesis": hypothesis.get("title", ""), "component": hypothesis.get("component", ""),
            "technique": hypothesis.get("technique") or "", "family": event.data.get("family", ""), "from": event.data.get("parent") or "",
        })  # fmt: skip
        if hypothesis.get("rationale"):
            self._client.set_tag(child, "mlflow.note.content", hypothesis["rationale"])
        solution = self._run.step(str(event.step)).solution()
        if solution is not None:
            self._client.log_text(child, solution.script, "solution.py")

    def _diagnosed(self, event: Event) -> None:
        self._client.log_dict(self._child(event), {key: event.data.get(key) for key in ("base", "diagnosis", "findings")}, "diagnosis.json")

    def _executed(self, event: Event) -> None:
        execution = event.data.get("execution") or {}
        self._metrics(self._child(event), {key: execution.get(key) for key in ("wall_seconds", "cpu_seconds", "peak_memory_bytes")})

    def _validated(self, event: Event) -> None:
        child, verdict = self._child(event), Verdict.model_validate(event.data["verdict"])
        self._judged += 1
        if verdict.score is not None:
            self._metrics(child, {"score": verdict.score.value, "standard_error": verdict.score.standard_error})
            self._metrics(self._run_id, {f"trace_{event.trace}.score": verdict.score.value}, self._judged)
        self._metrics(child, {"gain_in_noise": verdict.gain_in_noise, "p_better": verdict.p_better, "accepted": float(verdict.accepted)})
        self._client.set_tag(child, "gome.verdict", verdict.kind.value)
        self._client.set_tag(child, "gome.reason", verdict.reason)
        self._client.set_terminated(child, "FINISHED" if verdict.score is not None else "FAILED")

    def _best(self, event: Event) -> None:
        if event.data.get("score"):
            score = Score.model_validate(event.data["score"])
            self._metrics(self._run_id, {"best": score.value, "best_standard_error": score.standard_error}, self._judged)
            self._client.set_tag(self._run_id, "gome.best_step", str(event.step))

    def _finished(self, event: Event) -> None:
        data = event.data
        final = {name: data[name] for name in ("score", "audit", "first_score") if data.get(name)}
        for name, value in final.items():
            self._metrics(self._run_id, {name: value["value"], f"{name}_standard_error": value["standard_error"]})
        self._metrics(self._run_id, {key: data.get(key) for key in ("steps", "accepted", "spent_seconds")})
        self._client.set_tag(self._run_id, "gome.step", str(event.step or ""))
        for name in ARTIFACTS:
            if (self._run.root / name).is_file():
                self._client.log_artifact(self._run_id, str(self._run.root / name))
        for child in self._steps.values():
            if self._client.get_run(child).info.status == "RUNNING":
                self._client.set_terminated(child, "KILLED")
        self._client.set_terminated(self._run_id, ENDS.get(str(data.get("status")), "FAILED"))

    def _params(self, run_id: str, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if value not in ("", None):
                self._client.log_param(run_id, name, str(value)[:LONGEST_PARAM])

    def _metrics(self, run_id: str, values: dict[str, Any], step: int = 0) -> None:
        for name, value in values.items():
            if value is not None:
                self._client.log_metric(run_id, name, float(value), step=step)
