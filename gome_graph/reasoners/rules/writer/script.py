"""`write_script`: a recipe as the text of ``solution.py``."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules.recipe import Decision, Member, Recipe
from gome_graph.reasoners.rules.writer.estimators import ITERATIVE, SEEDLESS
from gome_graph.reasoners.rules.writer.features import mark_long
from gome_graph.reasoners.rules.writer.header import header, import_block
from gome_graph.reasoners.rules.writer.keys import counted, member_keys
from gome_graph.reasoners.rules.writer.literals import Call, Code, assigned, literal, packed
from gome_graph.reasoners.rules.writer.metrics import metric_code
from gome_graph.reasoners.rules.writer.models import MemberCode, Problem, helper_code, member_code, safe_names
from gome_graph.reasoners.rules.writer.row_files import file_columns
from gome_graph.reasoners.rules.writer.target import TRANSFORMS, Target, decision_code, target_of
from gome_graph.reasoners.rules.writer.templates import template
from gome_graph.reasoners.rules.writer.views import ViewCode, views_of

_SLOW_TO_PREDICT = frozenset({"svm", "gaussian_process", "picture_net"})
_TUNED: dict[Decision, str] = {"threshold": "tune_threshold", "class_weights": "tune_class_weights", "cut_points": "tune_cut_points"}
_READ_AS_MISSING = frozenset({"None", "NA", "N/A", "NULL", "null", "nan", "NaN", "n/a"})
"""Labels that pandas would take for missing values."""
OWN_VIEW = "own"
"""What a script with several views calls the recipe's own one."""
LOWER_IS_BETTER = ("log_loss", "rmse", "mae", "mape", "smape", "rmsle", "pinball")


def write_script(recipe: Recipe, task: TaskBrief, *, why: Sequence[str] = ()) -> str:
    """The text of a complete ``solution.py`` for `recipe`: deterministic, formatted, without any dependency on this package.

    `why` are the accepted steps, one line each, for the docstring. Raises `ValueError` if the recipe does not fit the task (a feature step
    on a column that does not exist, a text model without text).
    """
    return _script(recipe, task, why, member_keys(recipe, counted(recipe)))


def promoted(recipe: Recipe) -> Recipe:
    """The same recipe, with the first member's view as its own where no member reads its own."""
    members = counted(recipe)
    lead = members[0].view
    if not lead or any(not m.view for m in members):
        return recipe
    view = recipe.views[lead]
    moved = [m.model_copy(update={"view": ""}) if m.view == lead else m for m in recipe.members]
    return recipe.model_copy(update={"features": view.features, "drop": view.drop, "members": moved})


def _script(recipe: Recipe, task: TaskBrief, why: Sequence[str], keys: Mapping[str, str]) -> str:
    recipe = promoted(recipe)
    target = target_of(task, recipe)
    members = counted(recipe)
    views = views_of(recipe, task, members)
    single, many = len(members) == 1, len(views) > 1
    ranks = target.kind == "number" and recipe.target_transform == "rank"
    problem = Problem(
        classes=0 if target.regression else 2 if target.multi else len(target.classes), rows=task.profile.rows, metric=task.metric,
        balanced=recipe.class_weight == "balanced", columns=len(task.profile.columns),
    )  # fmt: skip
    codes = [member_code(m, views[m.view].columns, problem, views[m.view].text_column) for m in members]
    imports = {"import json", "import os", "import time", "from contextlib import contextmanager", "from pathlib import Path"}
    imports |= {"import numpy as np", "import pandas as pd"}
    if not single:
        imports.add("from itertools import combinations")
    imports |= {statement for code in codes for statement in code.imports}
    imports |= {statement for view in views.values() for statement in view.imports}

    made, back = TRANSFORMS.get(recipe.target_transform, ("{}", "{}")) if target.regression and not target.coded else ("{}", "{}")
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
    helpers = _helpers(recipe, views, members)
    if any(helper.startswith("@cache") or "\n@cache" in helper for helper in helpers):
        imports.add("from functools import cache")

    guards = not target.regression or any(m.model == "catboost" for m in members)
    if guards:
        imports.add("from sklearn.dummy import " + ("DummyRegressor" if target.regression else "DummyClassifier"))
    if any(m.model == "svm" for m in members) and not target.regression and not target.multi:
        imports.add("from scipy.special import softmax")
    tuned = target.decision in _TUNED
    calibration = recipe.calibration if not target.regression and not target.multi else "none"
    if calibration == "isotonic":
        imports.add("from sklearn.isotonic import IsotonicRegression")
    timed = most > 1 or any("tuned" in code.helpers for code in codes)
    seen = [view for view in views.values() if any(m.view == view.name for m in members)]
    context: dict[str, Any] = {
        "header": header(task, recipe, codes, why, timed=timed), "id": views[""].columns.id,
        "views": list(views.values()), "targets": target.columns,
        "classes": target.classes, "coded": target.coded, "multi": target.multi, "positive": target.positive, "kind": target.kind,
        "classes_problem": not target.regression, "matrix_output": not target.regression and not target.multi,
        "matrix_submission": target.multi or target.kind == "probabilities", "timed": timed,
        "submission_columns": task.prediction_columns,
        "columns_expression": _columns_expression(task, target), "seeds": most, "seeds_by_member": not single, "seed_table": seeds,
        "names": safe_names([v.columns for v in views.values()]) if any("SAFE_NAMES" in code.text for code in codes) else {},
        "parallel": any("CPUS" in code.text for code in codes),
        "strings": "STRINGS" if many else literal(_strings(views, target)), "row_files": _row_files(recipe, views),
        "used_constant": packed("USED = ", [Code(f"*{name}") for name in _used(views)]) if many else "",
        "strings_constant": packed("STRINGS = ", _strings(views, target)) if many else "",
        "missing": ', keep_default_na=False, na_values=[""]' if _READ_AS_MISSING.intersection(target.classes) else "",
        "has_numbers": _file_numbers(task, views), "featured": seen if many else [v for v in seen if v.lines], "helpers": helpers,
        "score": _score(metric.expression, metric.name, task, target, mean=False),
        "decide": decision_code(target, back, recipe, task), "codes": codes,
        "form": "mixed" if len({c.frame for c in codes}) > 1 else "frame" if codes[0].frame else "matrix",
        "has_margins": any(m.model == "svm" for m in members), "guards_constant": guards,
        "effort": any(m.model in ITERATIVE for m in members),
        "importance": "all" if all(importance) else "some" if any(importance) else "", "target_expression": target_expression,
        "ranks": ranks, "clip": target.kind == "number" and target.decision in ("clip", "round"),
        "refit": recipe.test_prediction == "refit",
        "train_scores": not any(m.model in _SLOW_TO_PREDICT for m in members), "used": "USED" if many else " + ".join(_used(views)) or "[]",
        "score_one": "score_one" if target.multi else "score", "members": members,
        "blend": "single" if single else recipe.blend, "calibration": calibration != "none", "tuned": tuned,
        "probabilities_file": target.kind == "label" and not target.regression and not target.multi,
    }  # fmt: skip
    context["model_parts"] = _model_parts(codes, not target.regression)
    context["after"] = _after(recipe, views, target, single, calibration, stack_expression, task, imports, metric.name)
    first = members[0].name
    arguments = (first, Code(f"{first}_inputs"), Code(f"fit_{first}"), Code("data"), Code("y"), Code("fold"))
    context["single_call"] = assigned("oof, test", Call("predictions", arguments), indent=8)
    context["keys"] = _table("KEYS", [(literal(m.name), literal(keys[m.name])) for m in members])
    if any(re.search(r"\bscore\(", part) for part in context["after"]):
        context["score"] = _score(metric.expression, metric.name, task, target, mean=True)
    context["imports"] = import_block(imports)
    return _tidy(template("solution.py.jinja").render(context))


def _model_parts(codes: Sequence[MemberCode], classes: bool) -> list[str]:
    helpers = dict.fromkeys(name for code in codes for name in code.helpers)
    return [*(helper_code(name, classes=classes) for name in helpers), *(code.text for code in codes)]


def _table(name: str, rows: Sequence[tuple[str, str]]) -> str:
    return f"{name} = {{\n" + "".join(f"    {key}: {value},\n" for key, value in rows) + "}"


def _after(
    recipe: Recipe, views: Mapping[str, ViewCode], target: Target, single: bool, calibration: str, target_expression: str, task: TaskBrief,
    imports: set[str], metric: str,
) -> list[str]:  # fmt: skip
    """Functions that come after cross-validation: blend, calibrate, decide."""
    parts = []
    classes = not target.regression
    if not single:
        several = len(views) > 1
        rows = [
            (literal(m.name), f"({f'{literal(m.view or OWN_VIEW)}, ' if several else ''}{m.name}_inputs, fit_{m.name})")
            for m in recipe.members
        ]
        if several:
            used = [view for view in views.values() if any(m.view == view.name for m in recipe.members)]
            parts.append(_table("VIEWS", [(literal(view.name or OWN_VIEW), view.function) for view in used]))
        parts.append(_table("MEMBERS", rows))
    if not single and recipe.blend == "greedy":
        likelihood = classes and (target.kind in ("label", "ranking") or metric.startswith("log_loss"))
        if likelihood:
            parts.append(_helper("blend_score", multi=target.multi, positive=target.positive))
        greater = likelihood or not metric.startswith(LOWER_IS_BETTER)
        parts.append(
            _helper("blend_greedy", blend_score=likelihood, sharpen=likelihood and not target.multi, score="score", greater=greater,
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


def _helpers(recipe: Recipe, views: Mapping[str, ViewCode], members: Sequence[Member]) -> list[str]:
    helpers = []
    for name, view in views.items():
        numbers = {*view.columns.numbers, *view.columns.raw_numbers}
        if any(filled not in numbers for step in recipe.view(name).features if step.kind == "impute_by_group" for filled in step.columns):
            helpers.append(_helper("most_frequent"))
    if any(view.columns.lists for view in views.values()):
        settings = [m.text.list_items for m in members if m.text is not None]
        helpers.append(_helper("list_text", items=settings[0] if settings else "words"))
    features = [step for name in views for step in recipe.view(name).features]
    kinds = [step.kind for step in features]
    for step in features:
        shared = kinds.count(step.kind) > 1  # by several views: each file is read once
        if step.kind == "geometry_files":
            periodic = step.params.get("periodic", False)
            helpers.append(_helper("geometry", elements=step.params["elements"], periodic=periodic, shared=shared))
        if step.kind == "image_files":
            helpers.append(_helper("images", shared=shared))
        if step.kind == "text_embedding":
            helpers.append(_helper(f"embed_{step.params['encoder']}"))
    return list(dict.fromkeys(helpers))


def _row_files(recipe: Recipe, views: Mapping[str, ViewCode]) -> list[str]:
    """Lines of ``load`` that say which files belong to the rows."""
    lines = []
    features = [step for name in views for step in recipe.view(name).features]
    for made in file_columns(features):
        key = "ID" if made["key"] == views[""].columns.id else literal(made["key"])
        lines += [f"{side}_files = {side}[{key}].map({literal(made[side])}.format)" for side in ("train", "test")]
        lines.append(f"data[{literal(made['column'])}] = pd.concat([train_files, test_files], ignore_index=True)")
    return [mark_long(line) for line in dict.fromkeys(lines)]


def _strings(views: Mapping[str, ViewCode], target: Target) -> list[Code]:
    """Columns to be read as text: ids and labels keep their spelling."""
    labels = ("*TARGETS" if target.multi else "TARGET") if target.coded else ""
    there = [
        "*" + view.columns.constant(name)
        for view in views.values()
        for name, kind in (
            ("CATEGORIES", view.columns.categories),
            ("TEXTS", view.columns.all_texts),
            ("READ_AS_TEXT", view.columns.raw_text),
        )
        if kind
    ]  # fmt: skip
    return [Code(name) for name in ["ID", *([labels] if labels else []), *there]]


def _used(views: Mapping[str, ViewCode]) -> list[str]:
    """Names of the constants that list the columns in use."""
    return [
        view.columns.constant(name)
        for view in views.values()
        for name, kind in (
            ("NUMBERS", view.columns.numbers), ("CATEGORIES", view.columns.categories), ("TEXTS", view.columns.all_texts),
            ("READ_AS_TEXT", view.columns.raw_text),
        )
        if kind
    ]  # fmt: skip


def _file_numbers(task: TaskBrief, views: Mapping[str, ViewCode]) -> bool:
    """True if the files hold columns that no view reads as text."""
    text = {name for view in views.values() for name in view.strings}
    return any(column.name not in text for column in task.profile.columns)


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
