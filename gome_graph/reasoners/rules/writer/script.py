"""`write_script`: a recipe as the text of ``solution.py``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules.recipe import Decision, Recipe
from gome_graph.reasoners.rules.writer.columns import Columns, columns_of
from gome_graph.reasoners.rules.writer.estimators import ITERATIVE, SEEDLESS
from gome_graph.reasoners.rules.writer.features import IMPORTS, feature_lines, mark_long
from gome_graph.reasoners.rules.writer.header import header, import_block
from gome_graph.reasoners.rules.writer.literals import Call, Code, assigned, literal
from gome_graph.reasoners.rules.writer.metrics import metric_code
from gome_graph.reasoners.rules.writer.models import MemberCode, Problem, helper_code, member_code, safe_names
from gome_graph.reasoners.rules.writer.row_files import file_columns
from gome_graph.reasoners.rules.writer.templates import template
from gome_graph.records import TargetKind

_SLOW_TO_PREDICT = frozenset({"svm", "gaussian_process"})
_TUNED: dict[Decision, str] = {"threshold": "tune_threshold", "class_weights": "tune_class_weights", "cut_points": "tune_cut_points"}
_TRANSFORMS = {"log1p": ("np.log1p({})", "np.expm1({})"), "log": ("np.log({})", "np.exp({})"), "sqrt": ("np.sqrt({})", "np.square({})")}
_READ_AS_MISSING = frozenset({"None", "NA", "N/A", "NULL", "null", "nan", "NaN", "n/a"})
"""Labels that pandas would take for missing values."""
LOWER_IS_BETTER = ("log_loss", "rmse", "mae", "mape", "smape", "rmsle", "pinball")


@dataclass(frozen=True)
class Target:
    """What is predicted, and how it is written down."""

    kind: str
    """``label``, ``probability``, ``probabilities`` or ``number``: the submission's form."""
    columns: list[str]
    classes: list[str]
    """In code order; grades sorted by value for ordinal targets."""
    positive: int
    """Code of the class whose probability counts."""
    regression: bool
    """The models predict a number (grades of an ordinal target included)."""
    decision: Decision
    """Resolved: never ``auto``."""

    @property
    def multi(self) -> bool:
        """Several target columns."""
        return len(self.columns) > 1

    @property
    def coded(self) -> bool:
        """Labels are read as class codes (else as numbers)."""
        return bool(self.classes)


def target_of(brief: TaskBrief, recipe: Recipe) -> Target:
    """How the recipe treats the target. A decision that does not fit the task falls back to the plain one."""
    facts = brief.profile.target
    kind = brief.prediction
    if kind not in ("label", "probability", "probabilities", "number"):
        raise ValueError(f"cannot write a script that predicts {kind!r}")
    classes = list(facts.classes)
    if kind != "number" and not classes:
        if len(facts.columns) == 1 and kind != "probability":
            kind = "number"
        else:
            classes = ["0", "1"]
    if kind == "number":
        decision: Decision = recipe.decision if recipe.decision in ("clip", "round") else "auto"
        return Target(kind, list(facts.columns), [], 0, True, decision)
    positive = classes.index(facts.positive_class) if facts.positive_class in classes else len(classes) - 1
    decision = recipe.decision
    multi = len(facts.columns) > 1
    ordinal = kind == "label" and not multi and facts.kind is TargetKind.ORDINAL and decision in ("cut_points", "round", "expected")
    if ordinal:
        classes = sorted(classes, key=_number)
        return Target(kind, list(facts.columns), classes, positive, decision != "expected", decision)
    fits = {
        "threshold": kind == "label" and (len(classes) == 2),
        "class_weights": kind == "label" and len(classes) > 2 and not multi,
    }
    return Target(kind, list(facts.columns), classes, positive, False, decision if fits.get(decision) else "argmax")


def write_script(recipe: Recipe, task: TaskBrief, *, why: Sequence[str] = ()) -> str:
    """The text of a complete ``solution.py`` for `recipe`: deterministic, formatted, without any dependency on this package.

    `why` are the accepted steps, one line each, for the docstring. Raises `ValueError` if the recipe does not fit the task (a feature step
    on a column that does not exist, a text model without text).
    """
    columns = columns_of(task, recipe)
    target = target_of(task, recipe)
    members = recipe.members[:1] if recipe.blend == "single" else recipe.members
    single = len(members) == 1
    ranks = target.kind == "number" and recipe.target_transform == "rank"
    problem = Problem(
        classes=0 if target.regression else 2 if target.multi else len(target.classes), rows=task.profile.rows, metric=task.metric,
        balanced=recipe.class_weight == "balanced", columns=len(task.profile.columns),
    )  # fmt: skip
    text_column, joins = _text_column(columns)
    codes = [member_code(member, columns, problem, text_column) for member in members]
    imports = {"import json", "import os", "import time", "from contextlib import contextmanager", "from pathlib import Path"}
    imports |= {"import numpy as np", "import pandas as pd"}
    for code in codes:
        imports |= code.imports

    made, back = _TRANSFORMS.get(recipe.target_transform, ("{}", "{}")) if target.regression and not target.coded else ("{}", "{}")
    clipped = (
        "np.clip(y[learn], *np.quantile(y[learn], [{}, {}]))".format(*recipe.target_clip)
        if recipe.target_clip and not ranks
        else "y[learn]"
    )
    target_expression = made.format(clipped if target.regression and not target.coded else "y[learn]")
    stack_expression = target_expression.replace("y[learn]", "y")
    if ranks:
        target_expression = f"ranks.transform({target_expression}[:, None]).ravel()"
        imports.add("from sklearn.preprocessing import QuantileTransformer")
    metric = metric_code(task.metric, target.kind, target.positive)
    imports |= set(metric.imports)

    seeds = {m.name: 1 if m.model in SEEDLESS else (m.seeds or recipe.seeds) for m in members}
    most = max(seeds.values())
    importance = [code.importance for code in codes]
    steps = [line for step in recipe.features for line in feature_lines(step, columns)]
    for step in recipe.features:
        imports |= set(IMPORTS.get(step.kind, []))
    steps += joins + _finishing(columns)
    helpers = _helpers(recipe, columns, task, members)

    guards = not target.regression or any(m.model == "catboost" for m in members)
    if guards:
        imports.add("from sklearn.dummy import " + ("DummyRegressor" if target.regression else "DummyClassifier"))
    if any(m.model == "svm" for m in members) and not target.regression and not target.multi:
        imports.add("from scipy.special import softmax")
    tuned = target.decision in _TUNED
    calibration = recipe.calibration if not target.regression and not target.multi else "none"
    if calibration == "isotonic":
        imports.add("from sklearn.isotonic import IsotonicRegression")
    context: dict[str, Any] = {
        "header": header(task, recipe, codes, why, timed=most > 1), "id": columns.id, "columns": columns, "targets": target.columns,
        "classes": target.classes, "coded": target.coded, "multi": target.multi, "positive": target.positive, "kind": target.kind,
        "classes_problem": not target.regression, "matrix_output": not target.regression and not target.multi,
        "matrix_submission": target.multi or target.kind == "probabilities", "timed": most > 1,
        "submission_columns": task.prediction_columns,
        "columns_expression": _columns_expression(task, target), "seeds": most, "seeds_by_member": not single, "seed_table": seeds,
        "names": safe_names(columns) if any("SAFE_NAMES" in code.text for code in codes) else {},
        "parallel": any("CPUS" in code.text for code in codes),
        "strings": _strings(columns, target), "row_files": _row_files(recipe, columns),
        "missing": ', keep_default_na=False, na_values=[""]' if _READ_AS_MISSING.intersection(target.classes) else "",
        "has_numbers": bool(_file_numbers(task, columns)), "feature_lines": [*steps, "return data"] if steps else [], "helpers": helpers,
        "score": _score(metric.expression, metric.name, task, target, mean=False),
        "decide": _decide(target, back, recipe, task), "codes": codes,
        "form": "mixed" if len({c.frame for c in codes}) > 1 else "frame" if codes[0].frame else "matrix",
        "has_margins": any(m.model == "svm" for m in members), "guards_constant": guards,
        "effort": any(m.model in ITERATIVE for m in members),
        "importance": "all" if all(importance) else "some" if any(importance) else "", "target_expression": target_expression,
        "ranks": ranks, "clip": target.kind == "number" and target.decision in ("clip", "round"),
        "refit": recipe.test_prediction == "refit",
        "train_scores": not any(m.model in _SLOW_TO_PREDICT for m in members), "used": _used(columns),
        "score_one": "score_one" if target.multi else "score", "members": members,
        "blend": "single" if single else recipe.blend, "calibration": calibration != "none", "tuned": tuned,
        "probabilities_file": target.kind == "label" and not target.regression and not target.multi,
    }  # fmt: skip
    context["model_parts"] = _model_parts(codes, not target.regression)
    context["after"] = _after(recipe, target, single, calibration, stack_expression, task, imports, metric.name)
    fit = Call(
        "cross_validate_targets" if target.multi else "cross_validate",
        (members[0].name, Code(f"fit_{members[0].name}"), Code("X"), Code("y"), Code("fold")),
    )
    context["single_call"] = assigned("oof, test", fit, indent=8)
    if any(re.search(r"\bscore\(", part) for part in context["after"]):
        context["score"] = _score(metric.expression, metric.name, task, target, mean=True)
    context["imports"] = import_block(imports)
    return _tidy(template("solution.py.jinja").render(context))


def _number(label: str) -> float:
    try:
        return float(label)
    except ValueError:
        return float("inf")


def _model_parts(codes: Sequence[MemberCode], classes: bool) -> list[str]:
    helpers = dict.fromkeys(name for code in codes for name in code.helpers)
    return [*(helper_code(name, classes=classes) for name in helpers), *(code.text for code in codes)]


def _after(
    recipe: Recipe, target: Target, single: bool, calibration: str, target_expression: str, task: TaskBrief, imports: set[str], metric: str
) -> list[str]:
    """Functions that come after cross-validation: blend, calibrate, decide."""
    parts = []
    classes = not target.regression
    if not single:
        rows = "".join(f"    {literal(m.name)}: ({m.name}_inputs, fit_{m.name}),\n" for m in recipe.members)
        parts.append(f"MEMBERS = {{\n{rows}}}")
    if not single and recipe.blend == "greedy":
        likelihood = classes and (target.kind == "label" or metric.startswith("log_loss"))
        if likelihood:
            parts.append(_helper("blend_score", multi=target.multi, positive=target.positive))
        greater = likelihood or not metric.startswith(LOWER_IS_BETTER)
        parts.append(
            _helper("blend_greedy", blend_score=likelihood, score="score", greater=greater,
                    wrap=(lambda text: text) if likelihood else (lambda text: f"decide({text})"))
        )  # fmt: skip
    if not single and recipe.blend == "stack":
        parts.append(_helper("blend_stack", classes=classes, multi=target.multi, target_expression=target_expression))
        if classes:
            imports.add("from sklearn.linear_model import LogisticRegression")
            if not target.multi:
                imports |= {"from sklearn.pipeline import make_pipeline", "from sklearn.preprocessing import StandardScaler"}
        else:
            imports.add("from sklearn.linear_model import LinearRegression")
    if calibration != "none":
        parts.append(_helper("calibrate", method=calibration))
    if target.decision in _TUNED:
        parts.append(_helper(_TUNED[target.decision], multi=target.multi, score_one="score_one"))
        parts.append(_helper("decide_out_of_fold"))
    return parts


def _helper(name: str, **context: Any) -> str:
    return template(f"helpers/{name}.py.jinja").render(context).strip("\n")


def _helpers(recipe: Recipe, columns: Columns, task: TaskBrief, members: Sequence[Any]) -> list[str]:
    helpers = []
    numbers = {*columns.numbers, *columns.raw_numbers}
    fills = [name for step in recipe.features if step.kind == "impute_by_group" for name in step.columns]
    if any(name not in numbers for name in fills):
        helpers.append(_helper("most_frequent"))
    if columns.lists:
        settings = [m.text.list_items for m in members if m.text is not None]
        helpers.append(_helper("list_text", items=settings[0] if settings else "words"))
    for step in recipe.features:
        if step.kind == "geometry_files":
            helpers.append(_helper("geometry", elements=step.params["elements"], periodic=step.params.get("periodic", False)))
        if step.kind == "image_files":
            helpers.append(_helper("images"))
    return helpers


def _row_files(recipe: Recipe, columns: Columns) -> list[str]:
    """Lines of ``load`` that say which files belong to the rows."""
    lines = []
    for made in file_columns(recipe.features):
        key = "ID" if made["key"] == columns.id else literal(made["key"])
        lines += [f"{side}_files = {side}[{key}].map({literal(made[side])}.format)" for side in ("train", "test")]
        lines.append(f"data[{literal(made['column'])}] = pd.concat([train_files, test_files], ignore_index=True)")
    return [mark_long(line) for line in lines]


def _text_column(columns: Columns) -> tuple[str, list[str]]:
    """Expression of the text column's name, and the lines that make it."""
    texts = columns.all_texts
    lines = [f"data[{literal(name)}] = data[{literal(name)}].map(list_text)" for name in columns.lists]
    if len(texts) == 1:
        if columns.texts:
            lines.append(f'data[{literal(texts[0])}] = data[{literal(texts[0])}].fillna("").astype("str")')
        return literal(texts[0]), lines
    if not texts:
        return "", []
    name = "all_text"
    while name in columns.known:
        name += "_"
    lines.append(f'data[{literal(name)}] = data[TEXTS].fillna("").astype("str").agg(" ".join, axis=1)')
    return literal(name), lines


def _finishing(columns: Columns) -> list[str]:
    if not columns.categories:
        return []
    return ['data[CATEGORIES] = data[CATEGORIES].fillna("missing").astype("str").astype("category")']


def _strings(columns: Columns, target: Target) -> str:
    """Columns to be read as text: ids and labels keep their spelling."""
    labels = ("*TARGETS" if target.multi else "TARGET") if target.coded else ""
    there = (("*CATEGORIES", columns.categories), ("*TEXTS", columns.all_texts), ("*READ_AS_TEXT", columns.raw_text))
    return "[" + ", ".join(["ID", *([labels] if labels else []), *(name for name, kind in there if kind)]) + "]"


def _used(columns: Columns) -> str:
    there = (
        ("NUMBERS", columns.numbers), ("CATEGORIES", columns.categories), ("TEXTS", columns.all_texts), ("READ_AS_TEXT", columns.raw_text)
    )  # fmt: skip
    return " + ".join(name for name, names in there if names) or "[]"


def _file_numbers(task: TaskBrief, columns: Columns) -> list[str]:
    text = {*columns.categories, *columns.all_texts, *columns.raw_text}
    return [column.name for column in task.profile.columns if column.name not in text]


def _columns_expression(task: TaskBrief, target: Target) -> str:
    columns = task.prediction_columns
    if target.kind == "probabilities":
        return "CLASSES" if columns == target.classes else "SUBMISSION_COLUMNS"
    if target.multi:
        return "TARGETS" if columns == target.columns else "SUBMISSION_COLUMNS"
    return "TARGET" if columns == target.columns else "SUBMISSION_COLUMNS[0]"


def _score(expression: str, name: str, task: TaskBrief, target: Target, *, mean: bool) -> str:
    note = "The task's metric" if name == task.metric else f"{name}, in place of {task.metric}"
    doc = f'    """{note}, for the telemetry and the script\'s own choices."""\n'
    if not target.multi:
        return f"def score(truth, prediction):\n{doc}    return {expression}"
    one = f"def score_one(truth, prediction):\n{doc}    return {expression}"
    if not mean:
        return one
    return (
        f"{one}\n\n\n"
        'def score(truth, prediction):\n    """Mean over the targets."""\n'
        "    return np.mean([score_one(t, p) for t, p in zip(truth.T, prediction.T)])"
    )


def _decide(target: Target, back: str, recipe: Recipe, task: TaskBrief) -> str:
    """The function from model output to what is submitted."""
    if target.kind == "label":
        return _decide_label(target)
    if target.kind == "probability":
        if target.multi:
            return 'def decide(p):\n    """Probabilities are submitted as they are."""\n    return p'
        return f'def decide(p):\n    """The probability of the positive class is submitted."""\n    return p[:, {target.positive}]'
    if target.kind == "probabilities":
        return (
            'def decide(p):\n    """Probabilities, none of them quite 0, that add up to 1."""\n'
            "    p = p.clip(1e-6)\n    return p / p.sum(axis=1, keepdims=True)"
        )
    doc, value = "Predictions are submitted as they are", back.format("p")
    if back != "{}":
        doc = f"From the {recipe.target_transform} scale back to the target's"
        if recipe.target_transform in ("log1p", "sqrt"):
            value = back.format("p.clip(0)")
    elif task.metric == "rmsle":
        doc, value = "Predictions, never below 0", "p.clip(0)"
    if target.decision == "round":
        doc, value = f"{doc}, rounded", f"np.rint({value})"
    return f'def decide(p):\n    """{doc}."""\n    return {value}'


def _decide_label(target: Target) -> str:
    grades = len(target.classes)
    if target.decision == "cut_points":
        return (
            'def decide(p, cuts=None):\n    """Grade codes: how many cut points lie below the prediction."""\n'
            "    cuts = np.arange(1, len(CLASSES)) - 0.5 if cuts is None else cuts\n    return np.searchsorted(cuts, p)"
        )
    if target.decision == "round":
        return f'def decide(p):\n    """The nearest grade."""\n    return np.rint(p).clip(0, {grades - 1}).astype(int)'
    if target.decision == "expected":
        return 'def decide(p):\n    """The grade nearest to the expected one."""\n    return np.rint(p @ np.arange(p.shape[1])).astype(int)'
    if target.multi:
        positive = "" if target.positive == 1 else "1 - "
        cut = ", cut=0.5" if target.decision == "threshold" else ""
        limit = "cut" if cut else "0.5"
        return f'def decide(p{cut}):\n    """Label codes by the cut."""\n    return {positive}(p >= {limit}).astype(int)'
    if target.decision == "threshold":
        return 'def decide(p, cut=0.5):\n    """Label codes by a cut on the second class."""\n    return (p[:, 1] >= cut).astype(int)'
    if target.decision == "class_weights":
        return (
            'def decide(p, weights=1.0):\n    """Label codes: the class with the largest weighted probability."""\n'
            "    return (p * weights).argmax(axis=1)"
        )
    return 'def decide(p):\n    """Label codes: the most probable class."""\n    return p.argmax(axis=1)'


def _tidy(text: str) -> str:
    """Blank lines as the formatter wants them: at most two, none at the end."""
    lines: list[str] = []
    blank = 0
    for line in text.rstrip().splitlines():
        stripped = line.rstrip()
        blank = 0 if stripped else blank + 1
        if blank <= 2:
            lines.append(stripped)
    return "\n".join(lines) + "\n"
