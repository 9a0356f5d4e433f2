"""Small planted tasks and contexts for the rules reasoner's tests."""

from typing import Any

from gome_graph.hooks import SiblingFacts, StepContext, TaskBrief
from gome_graph.reasoners.rules.recipe import Member, Recipe
from gome_graph.reasoners.rules.state import pack_recipe
from gome_graph.reasoners.rules.technique import TechniqueContext
from gome_graph.records import (
    BudgetStage,
    ColumnKind,
    ColumnProfile,
    Component,
    DiagnosticPack,
    Evidence,
    Execution,
    Finding,
    FoldFacts,
    Hypothesis,
    Outcome,
    Score,
    Solution,
    Stage,
    StepSummary,
    TargetKind,
    TargetProfile,
    TaskProfile,
    TraceId,
    step_id,
)


def column(name: str, kind: ColumnKind = ColumnKind.NUMBER, **facts: Any) -> ColumnProfile:
    """A column with plausible facts."""
    base: dict[str, Any] = {"missing": 0.0, "distinct": 200}
    if kind is ColumnKind.NUMBER:
        base |= {"nonnegative": True, "skew": 0.2}
    if kind is ColumnKind.CATEGORY:
        base |= {"distinct": 5, "top_values": ["a", "b", "c"]}
    if kind is ColumnKind.TEXT:
        base |= {"distinct": 990, "mean_words": 20.0, "mean_length": 110.0}
    return ColumnProfile(name=name, kind=kind, **{**base, **facts})


TABLE = [
    column("size"), column("price", skew=3.0), column("food", skew=3.0), column("rent", skew=4.0), column("age", missing=0.2),
    column("height", missing=0.05), column("code", integer=True, distinct=6), column("colour", ColumnKind.CATEGORY),
    column("shop", ColumnKind.CATEGORY, distinct=120), column("label", ColumnKind.COMPOUND, distinct=700, separator="/", parts=3,
           top_values=["A/1/S", "B/2/P"], missing=0.02),
    column("day", ColumnKind.DATETIME), column("weight", ColumnKind.CATEGORY, distinct=40, top_values=["12 kg", "7 kg"]),
]  # fmt: skip
"""A table with one of everything."""
NUMBERS = [column("a"), column("b"), column("c")]
TEXT = [column("words", ColumnKind.TEXT)]
LIST = [column("things", ColumnKind.LIST, mean_words=12.0)]


CLASSES = {TargetKind.BINARY: ["no", "yes"], TargetKind.MULTICLASS: ["x", "y", "z"], TargetKind.ORDINAL: ["3", "4", "5", "6"]}


def brief(
    columns: list[ColumnProfile] | None = None, target: TargetKind = TargetKind.BINARY, metric: str = "accuracy", *, rows: int = 2000,
    prediction: str | None = None, **facts: Any,
) -> TaskBrief:  # fmt: skip
    """A task of that shape."""
    classes = {TargetKind.BINARY: ["no", "yes"], TargetKind.MULTICLASS: ["x", "y", "z"], TargetKind.ORDINAL: ["3", "4", "5", "6"]}.get(
        target, []
    )
    names = ["t1", "t2"] if target in (TargetKind.MULTI_REGRESSION, TargetKind.MULTILABEL) else ["target"]
    shares = facts.pop("class_shares", [1 / len(classes)] * len(classes) if classes else [])
    files = {name: facts.pop(name) for name in ("row_files", "linked_tables") if name in facts}
    profile = TaskProfile(
        rows=rows, test_rows=rows // 2, audit_rows=rows // 10, id_column="id", columns=TABLE if columns is None else columns, folds=5,
        **files,
        target=TargetProfile(columns=names, kind=target, classes=classes, class_shares=shares,
                             positive_class="yes" if len(classes) == 2 else None, **facts),
    )  # fmt: skip
    shape = prediction or ("label" if classes and metric not in ("log_loss", "roc_auc") else "number" if not classes else "probability")
    lower = metric in ("rmse", "mae", "rmsle", "log_loss")
    return TaskBrief(
        name="planted", description="", metric=metric, higher_is_better=not lower, prediction=shape, id_column="id",
        prediction_columns=classes if shape == "probabilities" else names,
        train_file="train.csv", test_file="test.csv", sample_submission_file="sample_submission.csv", folds_file="folds.csv",
        profile=profile,
    )  # fmt: skip


def recipe(*models: str, **fields: Any) -> Recipe:
    """A recipe of these models, blended greedily if there are several."""
    members = [Member(name=model, model=model) for model in (models or ("lightgbm",))]  # type: ignore[arg-type]
    return Recipe(members=members, **{"blend": "greedy" if len(members) > 1 else "single", **fields})


def finding(symptom: str, severity: float = 0.8, **facts: Any) -> Finding:
    """A finding with evidence that resolves."""
    evidence = facts.pop("evidence", [Evidence(ref="score.value", value=0.8)])
    return Finding(symptom=symptom, component=Component.MODEL, severity=severity, summary=f"planted {symptom}", evidence=evidence, **facts)


def pack(task: TaskBrief, **facts: Any) -> DiagnosticPack:
    """Facts of a step that ran well."""
    base: dict[str, Any] = {
        "step": step_id(0, 0), "profile": task.profile, "verdict": "accepted",
        "execution": Execution(outcome=Outcome.OK, stage=Stage.FULL, seed=0, wall_seconds=10.0),
        "score": Score(metric=task.metric, higher_is_better=task.higher_is_better, value=0.8, standard_error=0.01, rows=task.profile.rows),
        "folds": [FoldFacts(fold=f, model="lightgbm", seconds=1.0, train_score=0.9, valid_score=0.8) for f in range(5)],
    }  # fmt: skip
    return DiagnosticPack(**{**base, **facts})


def view(
    task: TaskBrief | None = None, of: Recipe | None = None, *, findings: list[Finding] | None = None, **fields: Any
) -> TechniqueContext:
    """What a technique sees."""
    task = task or brief()
    base: dict[str, Any] = {"pack": pack(task), "incumbent_seconds": 10.0, "time_limit": 600.0, "seconds_left": 3000.0, "cpus": 2}
    return TechniqueContext(task=task, recipe=of or recipe(), findings=tuple(findings or []), **{**base, **fields})


def solution(of: Recipe, script: str = "", *, trace: int = 0, step: int = 0) -> Solution:
    """An accepted solution of the rules reasoner."""
    return Solution(
        step=step_id(trace, step), trace=TraceId(trace), script=script, recipe=pack_recipe(of, ["Draft"]), family=of.family
    )  # fmt: skip


def sibling(trace: int = 1, of: Recipe | None = None, title: str | None = None) -> SiblingFacts:
    """Another trace with an incumbent and, if `title` is given, a hypothesis in flight."""
    flying = Hypothesis(title=title, rationale="", component=Component.MODEL, family="boosting") if title else None
    return SiblingFacts(trace=trace, hypothesis=flying, incumbent=solution(of, trace=trace) if of else None, score=0.8, steps=3)


def step(title: str, technique: str | None = None, outcome: str = "not_better", component: Component = Component.MODEL) -> StepSummary:
    """One line of history."""
    return StepSummary(step=step_id(0, 1), hypothesis=title, technique=technique, component=component, outcome=outcome)


def context(task: TaskBrief | None = None, **fields: Any) -> StepContext:
    """What a reasoner sees."""
    task = task or brief()
    base: dict[str, Any] = {
        "trace": 0, "step": 1, "seed": 7, "stage": BudgetStage.IMPROVE, "seconds_left": 3000.0, "cpus": 2, "pack": pack(task),
        "incumbent_seconds": 10.0, "time_limit": 600.0,
    }  # fmt: skip
    return StepContext(task=task, **{**base, **fields})
