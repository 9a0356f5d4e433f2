"""A step in the middle of a run, made by hand: every kind of fact a prompt can show, the same on every machine."""

from dataclasses import replace
from typing import Any

from gome_graph.hooks import SiblingFacts, StepContext, TaskBrief
from gome_graph.records import (
    BudgetStage,
    CalibrationFacts,
    ClassFacts,
    ColumnKind,
    ColumnProfile,
    Component,
    DiagnosticPack,
    Evidence,
    Execution,
    Experience,
    Finding,
    FoldFacts,
    Hypothesis,
    Momentum,
    Outcome,
    Recalled,
    Score,
    SliceFacts,
    Solution,
    Stage,
    StepSummary,
    TargetKind,
    TargetProfile,
    TaskProfile,
    TraceId,
    Verdict,
    VerdictKind,
    step_id,
)
from tests.reasoners.llm.line import SCRIPT, width

PROFILE = TaskProfile(
    rows=540, test_rows=100, audit_rows=60, id_column="id", folds=5,
    columns=[
        ColumnProfile(name="x", kind=ColumnKind.NUMBER, missing=0.1, distinct=480, skew=2.4),
        ColumnProfile(name="colour", kind=ColumnKind.CATEGORY, missing=0.0, distinct=3, unseen=0.02, top_values=["red", "green"]),
    ],
    target=TargetProfile(columns=["y"], kind=TargetKind.BINARY, classes=["0", "1"], class_shares=[0.75, 0.25], positive_class="1"),
)  # fmt: skip
TASK = TaskBrief(
    name="planted", description="Tell good days from bad ones.", metric="roc_auc", higher_is_better=True, prediction="probability",
    id_column="id", prediction_columns=["y"], train_file="train.csv", test_file="test.csv", sample_submission_file=None,
    folds_file="folds.csv", profile=PROFILE,
)  # fmt: skip
SCORE = Score(metric="roc_auc", higher_is_better=True, value=0.8125, standard_error=0.011, by_fold=[0.8, 0.82, 0.81, 0.83, 0.79], rows=540)
FINDINGS = [
    Finding(
        symptom="overfit", component=Component.TRAINING, severity=0.6, summary="train 0.99 against 0.81 out of fold.",
        evidence=[Evidence(ref="folds.0.train_score"), Evidence(ref="folds.0.valid_score")], direction="regularise", source="fit",
    ),
    Finding(
        symptom="unused_column", component=Component.FEATURES, severity=0.2, summary="colour is not used.",
        evidence=[Evidence(ref="unused_columns.0")],
    ),
]  # fmt: skip


def history() -> list[StepSummary]:
    """A root that was accepted, a leak, and a change that was not better."""
    return [
        StepSummary(step=step_id(1, 0), hypothesis="Draft a boosted model", technique=None, component=Component.MODEL, source="llm",
                    outcome="accepted", reason="First valid solution of the trace.", score=0.8125, seconds=4.0),
        StepSummary(step=step_id(1, 1), hypothesis="Encode colour by its target", technique=None, component=Component.FEATURES,
                    source="llm", outcome="leakage", reason="It still beats chance on permuted labels.", seconds=5.0),
        StepSummary(step=step_id(1, 2), hypothesis="Add interactions of x", technique=None, component=Component.FEATURES, source="llm",
                    outcome="not_better", reason="Not better.", score=0.8131, gain_in_noise=0.31, seconds=5.0),
    ]  # fmt: skip


def pack(**changes: Any) -> DiagnosticPack:
    """The accepted script's facts."""
    facts: dict[str, Any] = {
        "step": step_id(1, 0), "profile": PROFILE, "verdict": "accepted", "verdict_reason": "First valid solution of the trace.",
        "execution": Execution(outcome=Outcome.OK, stage=Stage.FULL, seed=0, exit_code=0, wall_seconds=4.2, cpu_seconds=4.0),
        "score": SCORE, "trivial_score": 0.5, "time_limit": 60.0, "cpus": 2,
        "folds": [FoldFacts(fold=k, model="boosting", train_score=0.99, valid_score=0.8, iterations=400, max_iterations=400)
                  for k in range(2)],
        "slices": [SliceFacts(column="colour", value="red", rows=80, loss=0.61, rest=0.42, z=3.1, excess=0.07)],
        "classes": [ClassFacts(label="1", share=0.25, predicted_share=0.2, recall=0.61, precision=0.7)],
        "calibration": CalibrationFacts(bins=[(0.1, 0.12, 100)], error=0.03, temperature=1.2),
        "importance": {"x": 0.9, "colour": 0.1}, "unused_columns": ["colour"], "phases": {"fit": 3.5}, "warnings": ["ConvergenceWarning"],
        "history": history(),
    }  # fmt: skip
    return DiagnosticPack(**{**facts, **changes})


def solution(script: str, step: int, *, trace: int = 1, family: str = "boosting") -> Solution:
    """A solution without a recipe, as a model writes them."""
    return Solution(step=step_id(trace, step), trace=TraceId(trace), script=script, family=family)


def context(**changes: Any) -> StepContext:
    """Before step 3 of trace 1: one acceptance, a leak and a rejection behind it."""
    verdict = Verdict(
        kind=VerdictKind.NOT_BETTER, reason="Not better: roc_auc 0.8131 against 0.8125.", score=SCORE.model_copy(update={"value": 0.8131}),
        against=step_id(1, 0), gain=0.0006, gain_error=0.0019, gain_in_noise=0.31, p_better=0.62, threshold=0.8,
    )  # fmt: skip
    flying = Hypothesis(title="Fit a linear model on ranks", rationale="x is skewed", component=Component.MODEL, family="linear")
    base = StepContext(
        task=TASK, trace=1, step=3, seed=0, stage=BudgetStage.IMPROVE, seconds_left=400.0, cpus=2, incumbent=solution(SCRIPT, 0),
        latest=solution(width(0.7), 2), verdict=verdict, pack=pack(), findings=FINDINGS, history=history(),
        siblings=[SiblingFacts(trace=0, hypothesis=flying, incumbent=None, score=None, steps=1)], hints=["mind the red ones"],
        incumbent_seconds=4.2, time_limit=61.3,
    )  # fmt: skip
    return replace(base, **changes)


def experience(title: str, gain: float, verdict: VerdictKind, **changes: Any) -> Recalled:
    """What memory gives of one step."""
    hypothesis = Hypothesis(title=title, rationale="for a reason", component=Component.MODEL)
    then = Experience(
        key=f"run/0/{title}", run="run", trace=0, step=step_id(0, 1), task="planted", verdict=verdict, gain=0.01 * gain, gain_in_noise=gain,
        reason="Why.", hypothesis=hypothesis, **changes,
    )  # fmt: skip
    return Recalled(experience=then, similarity=0.8, weight=1.2, probability=0.5)


MOMENTUM = Momentum(
    successes=[experience("Blend two seeds", 2.4, VerdictKind.ACCEPTED)],
    failures=[experience("Grow deeper trees", -1.2, VerdictKind.NOT_BETTER), experience("Use the row's place", -2.0, VerdictKind.LEAKAGE)],
    considered=7,
)
