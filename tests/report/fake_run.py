"""Writes a realistic run directory by hand: journal, records and files as the graph leaves them, without running anything."""

from pathlib import Path
from typing import Any

import numpy as np

from gome_graph.records import (
    Check,
    Component,
    Diagnosis,
    DiagnosticPack,
    EventKind,
    Evidence,
    Execution,
    Experience,
    Finding,
    Hypothesis,
    Momentum,
    Outcome,
    Patch,
    Recalled,
    Score,
    Solution,
    Stage,
    StepId,
    TargetKind,
    TargetProfile,
    TaskProfile,
    TraceId,
    Verdict,
    VerdictKind,
    step_id,
)
from gome_graph.run import Journal, RunDirectory, RunResult, RunSettings
from gome_graph.solution import make_patch
from gome_graph.support.files import write_text

HOSTILE = "<script>alert('owned')</script>\x1b[31mred\x1b[0m <img src=x onerror=alert(1)>"
"""Put into log tails, titles and names: must show as text everywhere."""

DRAFTS = [("Boost trees on all columns", "boosting"), ("Fit a regularised linear model", "linear"), ("Grow a random forest", "forest")]

IDEAS: list[tuple[str, str, Component, str]] = [
    ("Lower the learning rate and stop early", "Validation loss still falls at the last round", Component.TRAINING, "unconverged"),
    ("Target-encode high-cardinality columns", "Rare categories carry 31 % of the loss", Component.FEATURES, "high_cardinality"),
    ("Blend the linear and the boosted model", "Their residuals are nearly uncorrelated", Component.ENSEMBLE, "fold_variance"),
    ("Split Cabin into deck, number and side", "A compound column is used as one category", Component.FEATURES, "compound_column"),
    ("Regularise leaves more strongly", "Train score is far above validation score", Component.MODEL, "overfit"),
    ("Use the text columns as TF-IDF", "Two text columns are unused", Component.DATA, "unused_column"),
    ("Log-transform skewed amounts", "Five spending columns have skewness above 6", Component.FEATURES, "skew"),
    ("Cut fitting time in half", "70 % of the time goes into one slow model", Component.WORKFLOW, "wasted_time"),
]

KINDS = [
    VerdictKind.ACCEPTED, VerdictKind.NOT_BETTER, VerdictKind.CRASHED, VerdictKind.ACCEPTED, VerdictKind.NOT_BETTER, VerdictKind.LEAKAGE,
    VerdictKind.ACCEPTED, VerdictKind.TIMED_OUT, VerdictKind.NOT_BETTER, VerdictKind.BAD_FORMAT,
]  # fmt: skip

SCRIPT = '''"""{title}

Why: {why}
"""
import pandas as pd
from lightgbm import LGBMClassifier

train = pd.read_csv("input/train.csv")
folds = pd.read_csv("input/folds.csv")
ROUNDS = {rounds}
DEPTH = 6


def features(frame):
    """All numeric columns."""
    return frame.select_dtypes("number")


model = LGBMClassifier(n_estimators=ROUNDS, max_depth=DEPTH)
'''


class Clock:
    """Budget seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeRun:
    """Builds the run step by step; `build` makes a whole one."""

    def __init__(self, root: Path, *, traces: int = 3, budget: float = 300.0, seed: int = 0, task: str = "spaceship") -> None:
        self.run = RunDirectory.create(task, root)
        self.clock = Clock()
        self.rng = np.random.default_rng(seed)
        self.settings = RunSettings(budget_seconds=budget, traces=traces, seed=seed)
        self.task = task
        self.protections = {
            "mechanism": "bubblewrap", "network_blocked": True, "filesystem_confined": True, "processes_confined": True,
            "memory_limited": True, "notes": [],
        }  # fmt: skip
        versions = {"gome-graph": "0.1.0", "langgraph": "1.2.22", "lightgbm": "4.7.0"}
        self.run.update_record(
            id="abc123", task=task, root=str(root), metric="log_loss", settings=self.settings.model_dump(mode="json"), seed=seed,
            versions=versions, started_at="2026-11-23T05:40:00+00:00", protections=self.protections,
            task_spec={"name": task, "root": str(root), "train": str(root / "train.csv"), "target": ["Transported"], "metric": "log_loss"},
        )  # fmt: skip
        self.journal = Journal(self.run, self.clock)
        self.versions = versions
        self.incumbents: dict[int, tuple[str, Score]] = {}
        self.best: tuple[str, Score] | None = None
        self.profile = TaskProfile(
            rows=7823, test_rows=4277, audit_rows=870, id_column="PassengerId", columns=[], folds=5,
            target=TargetProfile(columns=["Transported"], kind=TargetKind.BINARY, classes=["False", "True"]),
        )  # fmt: skip

    def start(self) -> None:
        """The events before the first step."""
        self.journal.add(
            EventKind.RUN_STARTED, task=self.task, metric="log_loss", seed=self.settings.seed, traces=self.settings.traces,
            budget_seconds=self.settings.budget_seconds, reasoner="rules", strategy="gradient", executor="local", memory="chroma",
            protections=self.protections, versions=self.versions, inferred=["target is Transported: it is in train but not in test"],
            metric_source="description.md",
        )  # fmt: skip
        self.clock.now = 1.2
        self.journal.add(
            EventKind.TASK_PREPARED, rows=7823, test_rows=4277, audit_rows=870, folds=5, split="stratified",
            profile=self.profile.model_dump(mode="json"),
        )  # fmt: skip

    def score(self, value: float) -> Score:
        """A log loss with its noise."""
        folds = [round(value + float(e), 5) for e in self.rng.normal(0, 0.006, 5)]
        return Score(metric="log_loss", higher_is_better=False, value=value, standard_error=0.0051, by_fold=folds, rows=7823)

    def begin(self, trace: int, number: int, kind: VerdictKind = VerdictKind.ACCEPTED, title: str | None = None) -> str:
        """Everything up to the script's start."""
        name = step_id(trace, number)
        folder = self.run.step(name)
        incumbent = self.incumbents.get(trace)
        if number == 0:
            text, family = DRAFTS[trace % 3]
            hypothesis = Hypothesis(title=title or text, rationale="A first solution, different from the siblings'",
                                    component=Component.MODEL, family=family, cost_seconds=6.0)  # fmt: skip
        else:
            text, why, component, symptom = IDEAS[(number * 3 + trace * 5) % len(IDEAS)]
            family = "boosting"
            hypothesis = Hypothesis(title=title or text, rationale=why, component=component, technique=text.lower().replace(" ", "_"),
                                    family=family, symptoms=[symptom], expected_gain=1.4, cost_seconds=8.0)  # fmt: skip
            self._think(trace, name, hypothesis, symptom, kind)
        script = SCRIPT.format(title=hypothesis.title, why=hypothesis.rationale, rounds=100 + 50 * number)
        parent = incumbent[0] if incumbent else None
        old = self.run.step(parent).solution() if parent else None
        patch = make_patch(old.script, script) if old else Patch(whole=script)
        folder.save("hypothesis", hypothesis)
        folder.save("patch", patch)
        folder.write_solution(Solution(step=StepId(name), trace=TraceId(trace), parent=StepId(parent) if parent else None, script=script,
                                       family=family))  # fmt: skip
        self.journal.add(EventKind.STEP_STARTED, trace=trace, step=name, parent=parent, family=family,
                         hypothesis=hypothesis.model_dump(mode="json"))  # fmt: skip
        if number:
            self.journal.add(EventKind.UPDATED, trace=trace, step=name, hypothesis=hypothesis.model_dump(mode="json"),
                             patch={"edits": len(patch.edits), "whole": False, "share_changed": 0.2})  # fmt: skip
        return name

    def _think(self, trace: int, name: StepId, hypothesis: Hypothesis, symptom: str, kind: VerdictKind) -> None:
        base = self.incumbents[trace][0] if trace in self.incumbents else step_id(trace, 0)
        execution = Execution(outcome=Outcome.OK, stage=Stage.FULL, seed=0, wall_seconds=6.0)
        pack = DiagnosticPack(step=StepId(base), profile=self.profile, execution=execution, score=self.score(0.43))
        finding = Finding(
            symptom=symptom, component=hypothesis.component, severity=0.62, summary=f"{hypothesis.rationale}: 0.31 of the loss on 812 rows",
            evidence=[Evidence(ref="slices.0.excess", value=0.31, note="HomePlanet = Earth")], direction="split it", columns=["Cabin"],
            source="slices",
        )  # fmt: skip
        diagnosis = Diagnosis(
            findings=[symptom], cause=hypothesis.rationale, direction=hypothesis.title.lower(), component=hypothesis.component,
            evidence=[Evidence(ref="score.by_fold", value=[0.43, 0.44, 0.42], note="folds agree"),
                      Evidence(ref="slices.0.excess", value=0.31, note="HomePlanet = Earth carries the loss")],
            expected_gain=1.4, confidence=0.55, cost_seconds=8.0, falsifier="the slice's share of the loss does not fall",
        )  # fmt: skip
        past = Experience(
            key="old/0/3", run="old", trace=0, step=StepId("t0-3"), task=self.task, hypothesis=hypothesis, gain=0.004, gain_in_noise=1.9,
            verdict=VerdictKind.ACCEPTED, reason="P(better) 0.97",
        )  # fmt: skip
        lost = past.model_copy(update={"key": "old/1/2", "step": StepId("t1-2"), "gain_in_noise": -0.7, "verdict": VerdictKind.NOT_BETTER})
        momentum = Momentum(successes=[Recalled(experience=past, similarity=0.81, weight=1.71, probability=0.6)],
                            failures=[Recalled(experience=lost, similarity=0.7, weight=0.09, probability=0.4)], considered=14)  # fmt: skip
        folder = self.run.step(name)
        folder.save("pack", pack)
        folder.save("findings", [finding.model_dump(mode="json")])
        folder.save("diagnosis", diagnosis)
        folder.save("momentum", momentum)
        self.journal.add(EventKind.DIAGNOSED, trace=trace, step=name, base=base, diagnosis=diagnosis.model_dump(mode="json"),
                         findings=[finding.model_dump(mode="json")])  # fmt: skip
        self.journal.add(EventKind.RECALLED, trace=trace, step=name, momentum={
            "considered": 14, "successes": [{"step": "t0-3", "title": past.hypothesis.title, "weight": 1.71}],
            "failures": [{"step": "t1-2", "title": lost.hypothesis.title, "weight": 0.09}]})  # fmt: skip

    def execute(self, trace: int, number: int, kind: VerdictKind) -> None:
        """The script's run."""
        name = step_id(trace, number)
        outcome = {VerdictKind.CRASHED: Outcome.CRASHED, VerdictKind.TIMED_OUT: Outcome.TIMED_OUT}.get(kind, Outcome.OK)
        failed = outcome is not Outcome.OK
        execution = Execution(
            outcome=outcome, stage=Stage.FULL, seed=0, exit_code=1 if failed else 0, cpu_seconds=7.4,
            wall_seconds=round(4 + 6 * float(self.rng.random()), 2), peak_memory_bytes=412_000_000,
            error_class="ValueError" if failed else None,
            error_message=f"could not convert string to float: {HOSTILE}" if failed else None,
            log_tail=f"Traceback (most recent call last):\n  File solution.py, line 31\nValueError: {HOSTILE}\n" if failed else "done\n",
        )  # fmt: skip
        self.run.step(name).save("execution", execution)
        self.journal.add(EventKind.EXECUTED, trace=trace, step=name, execution=execution.model_dump(mode="json"))

    def judge(self, trace: int, number: int, kind: VerdictKind, value: float | None) -> None:
        """The verdict."""
        name = step_id(trace, number)
        score = self.score(value) if value is not None else None
        incumbent = self.incumbents.get(trace)
        numbers: dict[str, Any] = {}
        if score is not None and incumbent is not None:
            gain = incumbent[1].value - score.value
            numbers = {"against": incumbent[0], "gain": round(gain, 5), "gain_error": 0.0016, "gain_in_noise": round(gain / 0.0016, 2),
                       "p_better": 0.962 if gain > 0 else 0.31, "threshold": 0.8}  # fmt: skip
        verdict = Verdict(
            kind=kind, reason=f"{kind.value}: measured on 7,823 rows", score=score,
            checks=[Check(name="format", passed=kind is not VerdictKind.BAD_FORMAT, detail="7,823 rows, ids agree"),
                    Check(name="alignment", passed=True, detail="all rows out of fold")], **numbers,
        )  # fmt: skip
        self.run.step(name).save("verdict", verdict)
        self.journal.add(EventKind.VALIDATED, trace=trace, step=name, verdict=verdict.model_dump(mode="json"), seconds=0.04)
        if score is not None:
            self.run.save_audit(name, 0, score.model_copy(update={"value": round(score.value + 0.004, 5), "standard_error": 0.0152,
                                                                  "rows": 870, "by_fold": []}))  # fmt: skip
        if kind is VerdictKind.ACCEPTED and score is not None:
            self.incumbents[trace] = name, score
            if self.best is None or score.better_than(self.best[1]):
                self.best = name, score
                self.journal.add(EventKind.BEST, step=StepId(name), score=score.model_dump(mode="json"))
        self.journal.add(EventKind.REMEMBERED, trace=trace, step=name, key=f"x/{trace}/{number}", verdict=kind.value)

    def steps(self, per_trace: int) -> None:
        """`per_trace` whole steps in each trace, taking turns."""
        value = [0.462, 0.471, 0.468]
        room = (self.settings.budget_seconds * 0.8) / max(per_trace * self.settings.traces, 1)
        for number in range(per_trace):
            for trace in range(self.settings.traces):
                kind = VerdictKind.ACCEPTED if number == 0 else KINDS[(number + 3 * trace) % len(KINDS)]
                self.begin(trace, number, kind)
                self.clock.now += room * 0.8
                self.execute(trace, number, kind)
                self.clock.now += room * 0.2
                now = value[trace % 3]
                scored = {VerdictKind.ACCEPTED: now - (0.006 if number else 0), VerdictKind.NOT_BETTER: now + 0.002,
                          VerdictKind.LEAKAGE: 0.21}.get(kind)  # fmt: skip
                self.judge(trace, number, kind, None if scored is None else round(scored, 5))
                if kind is VerdictKind.ACCEPTED and scored is not None:
                    value[trace % 3] = scored

    def finish(self, status: str = "done") -> RunResult:
        """Traces end, finalise, result."""
        for trace in range(self.settings.traces):
            self.journal.add(EventKind.TRACE_ENDED, trace=trace, reason="the budget for steps is used up", steps=1)
        chosen = self.best[0] if self.best else None
        if chosen is not None and self.best is not None:
            self.journal.add(EventKind.FINALISING, selected=[chosen], seeds=[0, 1, 2], seconds_left=40.0)
            for seed in (1, 2):
                self.clock.now += 8
                self.journal.add(EventKind.FINAL_RUN, step=StepId(chosen), seed=seed, outcome="ok", seconds=7.5,
                                 score=self.score(self.best[1].value + 0.001).model_dump(mode="json"))  # fmt: skip
            solution = self.run.step(chosen).solution()
            assert solution is not None
            write_text(self.run.solution_path, solution.script)
            write_text(self.run.submission_path, "PassengerId,Transported\n0013_01,0.61\n")
        self.clock.now = min(self.clock.now + 5, self.settings.budget_seconds)
        first = min((v.score for t in range(self.settings.traces) if (v := self.run.step(step_id(t, 0)).verdict()) and v.score),
                    key=lambda s: s.value, default=None)  # fmt: skip
        result = RunResult(
            status=status, run_dir=self.run.root, step=chosen, score=self.best[1] if self.best else None, first_score=first,
            audit=self.run.audit(chosen, 0) if chosen else None, steps=len(self.run.steps()),
            accepted=sum(bool((v := self.run.step(s).verdict()) and v.accepted) for s in self.run.steps()),
            spent_seconds=self.clock.now,
            files={"solution": str(self.run.solution_path), "submission": str(self.run.submission_path),
                   "report": str(self.run.report_path)},
        )  # fmt: skip
        self.run.update_record(result=result.model_dump(mode="json"))
        self.journal.add(
            EventKind.RUN_FINISHED, step=StepId(chosen) if chosen else None, **result.model_dump(mode="json", exclude={"step"})
        )
        self.journal.close()
        return result


def build(root: Path, *, traces: int = 3, per_trace: int = 8, finished: bool = True, status: str = "done", **settings: Any) -> RunDirectory:
    """A whole run on disk."""
    fake = FakeRun(root, traces=traces, **settings)
    fake.start()
    fake.steps(per_trace)
    if finished:
        fake.finish(status)
    else:
        fake.journal.close()
    return fake.run
