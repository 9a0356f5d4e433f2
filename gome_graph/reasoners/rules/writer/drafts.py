"""First drafts: one plain, honest recipe for each model family that suits the task."""

from gome_graph.hooks import TaskBrief
from gome_graph.reasoners.rules.panel import BESIDE_TABLES_C, MIXED_C, characters, word_members
from gome_graph.reasoners.rules.recipe import Decision, FeatureStep, Member, Recipe, TargetTransform, TextSettings
from gome_graph.reasoners.rules.writer import presets
from gome_graph.reasoners.rules.writer.presets import suits_curves
from gome_graph.reasoners.rules.writer.row_files import file_step
from gome_graph.reasoners.rules.writer.target import CUT_METRICS
from gome_graph.records import ColumnKind, TargetKind

_MANY_CLASSES = 25
"""Boosting grows a tree for each class and round: beyond this other families come first."""
_SMALL = 3_000
"""Rows up to which kernel methods are cheap."""
_TREE_CELLS = 60_000
"""Rows times classes up to which trees on compressed text are quick enough for a first draft (100 dense components are slow to split)."""
_CHARACTER_CELLS = 3e7
"""Characters times classes up to which linear models on character n-grams are."""
_SKEWED = 2.0
"""Skewness from which a linear model gets ranks."""
_RARE = 0.3
"""Share of a class below which a plain model seldom gives it more than one half."""
_PROSE_WORDS = 4.0
"""Mean words from which a text column is prose (below: names, titles), read by first drafts."""

_ROUNDS_AND_RATE: dict[str, tuple[str, str]] = {
    "lightgbm": ("n_estimators", "learning_rate"), "catboost": ("iterations", "learning_rate"),
    "hist_gradient_boosting": ("max_iter", "learning_rate"), "xgboost": ("n_estimators", "learning_rate"),
}  # fmt: skip

_TRANSFORMS: dict[str, TargetTransform] = {"rmsle": "log1p", "rmse_log": "log"}


def draft_recipes(brief: TaskBrief) -> list[Recipe]:
    """First drafts, best guess first; neighbours differ in model family, so that traces that take one each differ too.

    Deterministic; at least three recipes for every task.
    """
    profile = brief.profile
    by_kind: dict[ColumnKind, list[str]] = {}
    for column in profile.columns:
        by_kind.setdefault(column.kind, []).append(column.name)
    prose = [c.name for c in profile.columns if c.kind is ColumnKind.LIST or (c.kind is ColumnKind.TEXT and c.mean_words >= _PROSE_WORDS)]
    names = [c.name for c in profile.columns if c.kind is ColumnKind.TEXT and c.name not in prose]
    files = [step for row_files in profile.row_files if (step := file_step(row_files)) is not None][:1]
    tabular = any(by_kind.get(kind) for kind in (ColumnKind.NUMBER, ColumnKind.CATEGORY, ColumnKind.BOOLEAN, ColumnKind.DATETIME))
    if not tabular and not prose:
        prose, names = names, []
    only_files = files if not tabular and not prose else []
    recipe = _Frame(brief, names, by_kind.get(ColumnKind.DATETIME, []), only_files)
    if prose and tabular:  # length and style cost nothing and often say as much as the words
        recipe.features.append(FeatureStep(kind="text_stats", columns=prose))
    if prose and not tabular:
        members = _text_members(brief, bool(by_kind.get(ColumnKind.LIST)))
        if _classes(brief) and len(profile.target.columns) == 1:
            return [recipe.of(*word_members(profile)), *(recipe.of(member) for member in members)]
    elif prose:
        members = _mixed_members(brief)
    else:
        members = _tabular_members(brief)
    return [recipe.of(member) for member in members]


def hurried(recipe: Recipe, brief: TaskBrief, only: str = "") -> Recipe:
    """The draft for a budget that is too short for it: boosting with a third of the rounds at two and a half times the rate.

    Shrinkage trades rounds for accuracy at a falling rate (Friedman 2001, section 5): a third of the cost loses little of the score. A
    recipe without boosting, or with rounds of its own, stays as it is. With `only`, all members but the one of that name do.
    """
    classes, rows = len(brief.profile.target.classes) if brief.prediction != "number" else 0, brief.profile.rows
    changed = recipe
    for member in recipe.members:
        names = _ROUNDS_AND_RATE.get(member.model)
        if names is None or names[0] in member.params or (only and member.name != only):
            continue
        rate = presets.catboost_rate(classes) if member.model == "catboost" else presets.rate(classes, rows)
        fewer = max(50, presets.rounds(member, classes, rows) // 3)
        changed = changed.with_params(member.name, **{names[0]: fewer, names[1]: round(2.5 * rate, 3)})
    return changed


class _Frame:
    """What all drafts of a task share."""

    def __init__(self, brief: TaskBrief, drop: list[str], dates: list[str], files: list[FeatureStep]) -> None:
        self.drop = drop
        self.features = [FeatureStep(kind="date_parts", columns=dates)] if dates else []
        self.features += files
        self.transform = _TRANSFORMS.get(brief.metric, "none")
        ordinal = brief.profile.target.kind is TargetKind.ORDINAL and brief.prediction == "label"
        grades: Decision = "cut_points" if brief.metric == "qwk" else "round"
        self.decision: Decision = grades if ordinal else "threshold" if _rare(brief) else "auto"
        self.balanced = brief.metric in ("balanced_accuracy", "log_loss_balanced")

    def of(self, *members: Member) -> Recipe:
        return Recipe(
            members=list(members), blend="single" if len(members) == 1 else "stack", drop=self.drop, features=self.features,
            target_transform=self.transform, decision=self.decision, class_weight="balanced" if self.balanced else "none",
        )  # fmt: skip


def _rare(brief: TaskBrief) -> bool:
    """Two classes, one of them rare, and a metric that counts it: cut at one half, a first draft may never name it."""
    shares = brief.profile.target.class_shares
    return brief.prediction == "label" and brief.metric in CUT_METRICS and len(shares) == 2 and min(shares) < _RARE


def _classes(brief: TaskBrief) -> int:
    return len(brief.profile.target.classes) if brief.prediction != "number" else 0


def _tabular_members(brief: TaskBrief) -> list[Member]:
    numbers = sum(column.kind is ColumnKind.NUMBER for column in brief.profile.columns)
    curves = suits_curves(brief.profile.rows, numbers)
    linear = Member(name="linear", model="linear", scaling="spline" if curves else "standard")
    boosting = Member(name="lightgbm", model="lightgbm")
    forest, catboost = Member(name="extra_trees", model="extra_trees"), Member(name="catboost", model="catboost")
    neighbours, forest_2 = Member(name="knn", model="knn"), Member(name="random_forest", model="random_forest")
    kernel = brief.profile.rows <= _SMALL and brief.prediction in ("label", "number")  # its margins are no probabilities
    small = [Member(name="svm", model="svm")] if kernel else []
    if _classes(brief) > _MANY_CLASSES:
        return [linear, forest, *small, boosting, neighbours, forest_2]
    hist = Member(name="hist_gradient_boosting", model="hist_gradient_boosting")
    return [boosting, linear, forest, catboost, *small, hist, forest_2, neighbours]


def _text_members(brief: TaskBrief, lists: bool) -> list[Member]:
    classes = _classes(brief)
    compressed = TextSettings(words=(1, 1), svd=100)
    linear = Member(name="linear", model="tfidf_linear", text=TextSettings(words=(1, 1) if lists else (1, 2)))
    chars = Member(name="chars", model="tfidf_linear", text=TextSettings(words=None, chars=(2, 4), min_df=3, max_features=50_000))
    boosting = Member(name="lightgbm", model="lightgbm", text=compressed)
    neighbours = Member(name="knn", model="knn", text=compressed)
    trees = [boosting] if brief.profile.rows * max(classes, 1) <= _TREE_CELLS else []
    if not classes:
        return [linear, *trees, neighbours, chars]
    bayes = Member(name="naive_bayes", model="naive_bayes", text=TextSettings(words=(1, 2)))
    weighted = Member(name="nb_svm", model="nb_svm", text=TextSettings(words=(1, 2)))
    if trees:
        return [linear, bayes, *trees, weighted, chars]
    return [linear, bayes, weighted] if characters(brief.profile) * classes > _CHARACTER_CELLS else [linear, bayes, chars, weighted]


def _mixed_members(brief: TaskBrief) -> list[Member]:
    """Tables with prose: each of the first drafts leans on another side of the data."""
    text = TextSettings(words=(1, 1), svd=50)
    boosting = Member(name="lightgbm", model="lightgbm", text=text)
    skewed = any(abs(c.skew) >= _SKEWED for c in brief.profile.columns)
    linear = Member(
        name="linear", model="linear", text=TextSettings(words=(1, 1), min_df=3), scaling="quantile" if skewed else "standard",
        params={"C": MIXED_C} if _classes(brief) else {},
    )  # fmt: skip
    forest = Member(name="extra_trees", model="extra_trees", text=text)
    tables = Member(name="lightgbm", model="lightgbm", inputs="tabular")
    words = Member(
        name="words", model="tfidf_linear", text=TextSettings(words=(1, 2)), params={"C": BESIDE_TABLES_C} if _classes(brief) else {}
    )
    return [boosting, linear, forest, words, tables]
