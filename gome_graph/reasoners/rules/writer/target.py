"""What is predicted and how it is written down, and the script's function from model output to what is submitted."""

from dataclasses import dataclass

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules.recipe import Decision, Recipe
from gome_graph.records import TargetKind

TRANSFORMS = {"log1p": ("np.log1p({})", "np.expm1({})"), "log": ("np.log({})", "np.exp({})"), "sqrt": ("np.sqrt({})", "np.square({})")}
"""Target transform -> (there, back), as code around the value."""

CUT_METRICS = ("f1", "mcc", "balanced_accuracy")
"""Metrics of labels whose best cut is rarely one half."""


RANKED = "map_at_"
"""Metrics of rankings; the length follows."""


@dataclass(frozen=True)
class Target:
    """What is predicted, and how it is written down."""

    kind: str
    """``label``, ``probability``, ``probabilities``, ``number`` or ``ranking`` (labels, likeliest first): the submission's form."""
    columns: list[str]
    classes: list[str]
    """In code order; grades sorted by value for ordinal targets."""
    positive: int
    """Code of the class whose probability counts."""
    regression: bool
    """The models predict a number (grades of an ordinal target included)."""
    decision: Decision
    """Resolved: never ``auto``."""
    places: int = 0
    """Length of a ranking."""

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
    classes = list(facts.classes)
    if kind == "text" and brief.metric.startswith(RANKED) and classes:
        places = int(brief.metric.removeprefix(RANKED))
        return Target("ranking", list(facts.columns), classes, len(classes) - 1, False, "argmax", places)
    if kind not in ("label", "probability", "probabilities", "number"):
        raise ValueError(f"the rules reasoner writes no scripts for {brief.metric} over such targets; a language model may (--model)")
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


def _number(label: str) -> float:
    try:
        return float(label)
    except ValueError:
        return float("inf")


def decision_code(target: Target, back: str, recipe: Recipe, task: TaskBrief) -> str:
    """The function from model output to what is submitted."""
    if target.kind == "label":
        return _decide_label(target)
    if target.kind == "probability":
        if target.multi:
            return 'def decide(p):\n    """Probabilities are submitted as they are."""\n    return p'
        return f'def decide(p):\n    """The probability of the positive class is submitted."""\n    return p[:, {target.positive}]'
    if target.kind == "ranking":
        return (
            f'def decide(p):\n    """Label codes, the likeliest {target.places} first."""\n'
            f'    return (-p).argsort(axis=1, kind="stable")[:, :{target.places}]'
        )
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
