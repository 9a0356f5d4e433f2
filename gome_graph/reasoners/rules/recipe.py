"""The rules reasoner's own description of a script: what the writer renders and what techniques change.

A `Recipe` is plain data (JSON), so a technique is a function ``Recipe -> Recipe`` built with ``model_copy(update=...)`` or the
small ``with_*`` / ``without_*`` methods here. The writer (`gome_graph.reasoners.rules.writer.write_script`) turns it into text.
"""

from typing import Any, Literal, Self

from pydantic import Field

from gome_graph.records import Record

FeatureKind = Literal[
    "split_compound", "missing_flags", "missing_count", "date_parts", "numeric_from_text", "row_stats", "ratio", "difference", "product",
    "log1p", "clip", "group_size", "group_mean", "frequency", "text_stats", "list_length", "drop_columns", "impute_by_group", "rank",
    "bins", "concatenate", "float32", "as_category", "as_number", "kmeans", "pca", "geometry_files",
    "image_files", "json_files", "table_files", "linked_table", "text_embedding", "date_cycles",
    "group_stats", "lags",
]  # fmt: skip
"""
What a `FeatureStep` can do. Columns may be raw columns, columns made by earlier steps, or (where noted) the id column.

=================  ==================================================================================================================
kind               effect; params (defaults); names of new columns
=================  ==================================================================================================================
split_compound     parts of structured strings (id column allowed); ``separator``, ``parts`` (int), ``numbers`` (1-based positions that
                   are numbers, []); categories ``<c>_1`` … ``<c>_n``; the original column leaves the inputs
missing_flags      ``<c>_missing`` (0/1) for each column
missing_count      number of missing values among `columns` (all inputs if empty); ``missing_count``
date_parts         ``parts`` (["year", "month", "day", "weekday", "hour", "elapsed"]); ``<c>_<part>``; the original leaves the inputs
date_cycles        weekend, day of the year, hour of the week, and sine and cosine of the day, the week and the year;
                   ``<c>_weekend``, ``<c>_day_of_year``, ``<c>_hour_of_week``, ``<c>_day_sin`` …
lags               what numeric `columns` were in the row before by time (of the same group), and how they changed; ``time`` (date
                   column), ``by`` (column or None); ``<c>_before``, ``<c>_change``; inputs only, no target
numeric_from_text  first number hidden in a string; ``<c>_number``
row_stats          sum / mean / max / std / zeros over numeric columns of one unit; ``stats`` (["sum"]), ``name`` ("total");
                   ``<name>_<stat>``
ratio              columns = [a, b]: a / b; ``<a>_per_<b>``
difference         columns = [a, b]: a - b; ``<a>_minus_<b>``
product            columns = [a, b]: a * b; ``<a>_times_<b>``
log1p              log(1 + max(x, 0)) in place
clip               winsorise in place; ``lower`` (0.01), ``upper`` (0.99) quantiles
group_size         rows that share the value (or tuple of values) of `columns` (id column allowed), train and test inputs together;
                   ``name`` (default ``<columns joined by _>_group_size``); ``gaps`` (False): True counts gaps as a value
group_mean         mean of numeric ``values`` (list) over rows that share `columns[0]`; ``relative`` (False: the mean, True: value minus
                   mean); ``<v>_mean_by_<c>`` or ``<v>_vs_<c>``; inputs only, no target
group_stats        spread of numeric ``values`` (list) over rows that share `columns[0]`, and their rank among them;
                   ``<v>_std_by_<c>``, ``<v>_rank_in_<c>``; inputs only, no target
frequency          how often the value occurs in train and test; ``<c>_count``
text_stats         ``<c>_characters``, ``_words``, ``_word_length``, ``_punctuation``, ``_capitals`` of text or list columns
list_length        items of a JSON list; ``<c>_items``
drop_columns       columns leave the inputs
impute_by_group    missing values take the group's median / most frequent value; ``by`` (column)
rank               percentile rank in place
bins               quantile bins as a category; ``bins`` (10); ``<c>_bin``
concatenate        values of several categories joined into one category; ``<a>_<b>``
float32            every number of the table so far is held in single precision; no `columns`
as_category        a number is read as a category
as_number          a category or string is read as a number (unreadable -> missing)
kmeans             cluster number on scaled numeric columns, as a category; ``clusters`` (8), ``name`` ("cluster")
pca                principal components of scaled numeric columns; ``components`` (3), ``name`` ("pca"); ``<name>_1`` …
geometry_files     composition, cell, neighbour distances and radial distribution of the atoms in each row's file; columns = [id or column
                   of paths], ``train`` and ``test`` (paths below input/, ``{}`` for the value), ``elements`` (list), ``periodic`` (False);
                   ``geometry_…`` (see `gome_graph.reasoners.rules.writer.row_files`)
image_files        size, colours, edge directions, and principal components of a small grey copy of each row's picture; ``train``, ``test``,
                   ``components`` (16); ``image_…``
json_files         numbers and short strings of each row's JSON record; ``train``, ``test``, ``numbers``, ``categories`` (dotted keys);
                   ``json_<key>``
table_files        mean, std, min, max, first and last of each row's own table; ``train``, ``test``, ``numbers``, ``separator`` (",");
                   ``table_<c>_<stat>``, ``table_rows``
linked_table       columns of another table joined on columns[0], summed up where a key has several rows; ``file``, ``prefix``, ``unique``,
                   ``numbers``, ``categories``, ``separator`` (","); ``<prefix>_<c>``, ``<prefix>_<c>_<stat>``, ``<prefix>_rows``
text_embedding     principal components of the texts' sentence embedding; ``encoder`` ("wordllama" or "minilm", with their packages'
                   weights), ``components`` (64); ``meaning_1`` …
=================  ==================================================================================================================
"""

FILE_KINDS: frozenset[FeatureKind] = frozenset({"geometry_files", "image_files", "json_files", "table_files", "linked_table"})
"""Steps that read other files than the tables."""

ModelKind = Literal[
    "lightgbm", "catboost", "hist_gradient_boosting", "extra_trees", "random_forest", "linear", "knn", "svm", "gaussian_process", "mlp",
    "nb_svm", "tfidf_linear", "naive_bayes", "lda", "xgboost", "nystroem", "tabular_net",
    "picture_net",
]  # fmt: skip
"""
``linear`` is logistic regression or ridge; ``nb_svm`` logistic regression on naive-Bayes weighted counts (Wang & Manning 2012);
``tfidf_linear`` logistic regression or ridge on TF-IDF; ``naive_bayes`` multinomial (``params: {"kind": "complement"}`` for complement) on
TF-IDF, or on counts where `TextSettings.weighting` says so; ``lda`` linear discriminant analysis with shrinkage. ``nb_svm``,
``naive_bayes`` and ``lda`` are for classes only. ``nystroem`` is a kernel machine on landmark rows, at linear cost.
``svm`` takes ``{"kind": "wide"}``: a kernel about twice as wide, for many columns that go together.
``tabular_net`` is a network on periodic embeddings of numbers, ``picture_net`` convolutions over the pictures of an ``image_files`` step.
``xgboost`` and the networks need packages that are no default
dependencies (`gome_graph.reasoners.rules.packages`).
"""

FAMILIES: dict[str, str] = {
    "lightgbm": "boosting", "catboost": "boosting", "hist_gradient_boosting": "boosting", "extra_trees": "forest",
    "random_forest": "forest", "linear": "linear", "knn": "neighbours", "svm": "kernel", "gaussian_process": "kernel", "mlp": "neural",
    "nb_svm": "naive_bayes", "tfidf_linear": "linear", "naive_bayes": "naive_bayes", "lda": "linear",
    "xgboost": "boosting", "nystroem": "kernel", "tabular_net": "neural", "picture_net": "neural",
}  # fmt: skip
"""Model -> family name used in `Hypothesis.family`."""

Encoding = Literal["auto", "native", "ordinal", "onehot", "target", "frequency"]
"""How categories reach a model. ``native``: the model's own handling (boosting only); ``target``: scikit-learn's `TargetEncoder`, fitted
inside each fold; ``auto``: native for boosting, ordinal for forests, one-hot for everything else."""

Inputs = Literal["all", "tabular", "text"]
"""Which columns a member sees: everything, all but text, or text alone."""

Blend = Literal["single", "mean", "greedy", "stack"]
"""``single``: the first member alone; ``mean``: equal weights; ``greedy``: forward selection on out-of-fold predictions (Caruana et al.
2004); ``stack``: logistic regression or ridge on the members' predictions. Weights of the last two are cross-fitted by fold."""

Decision = Literal["auto", "argmax", "threshold", "class_weights", "cut_points", "expected", "clip", "round"]
"""
How scores become the submission. ``auto``: argmax for labels, plain values otherwise. ``threshold``: the cut of a binary label, chosen on
the other folds. ``class_weights``: a multiplier per class before argmax, chosen on the other folds. ``cut_points``: ordinal labels by
regression and cut points chosen on the other folds. ``expected``: ordinal label = rounded expectation of the class probabilities.
``clip``: numbers kept within the range of the training targets; ``round``: the same, rounded to whole numbers.
"""

TargetTransform = Literal["none", "log1p", "log", "sqrt", "rank"]
"""What a regression model is fitted on; predictions are transformed back. ``rank`` maps to normal scores."""


class FeatureStep(Record):
    """One step of feature engineering: a few lines of ``add_features`` in the script."""

    kind: FeatureKind
    columns: list[str] = []
    """Input columns it reads."""
    params: dict[str, Any] = {}
    """Settings, see `FeatureKind`."""


class TextSettings(Record):
    """How text becomes numbers. Vocabularies are fitted on train and test text together, without labels."""

    words: tuple[int, int] | None = (1, 2)
    """Word n-gram range; None for no word features."""
    chars: tuple[int, int] | None = None
    """Character n-gram range; None for none."""
    across_words: bool = False
    """Character n-grams run across blanks and punctuation; False: within words (fewer and quicker)."""
    min_df: int = 2
    """A term must occur in this many rows."""
    max_features: int | None = None
    """Keep this many most frequent terms (words and characters each)."""
    sublinear: bool = True
    """1 + log(tf) instead of tf."""
    lowercase: bool = True
    punctuation: bool = False
    """Punctuation marks count as words."""
    stop_words: bool = False
    """Leave out common English words."""
    weighting: Literal["tfidf", "count", "binary"] = "tfidf"
    svd: int | None = None
    """Compress to this many components (how text reaches trees and other dense models; 64 if needed and None)."""
    list_items: Literal["words", "items", "both"] = "words"
    """JSON lists: their words, whole items as single tokens, or both."""


class View(Record):
    """Another way to see the data: its own feature steps and dropped columns, for members that came from another solution."""

    features: list[FeatureStep] = []
    drop: list[str] = []


class Member(Record):
    """One model of the solution."""

    name: str
    """Unique within the recipe; a Python identifier (it names functions in the script)."""
    model: ModelKind
    encoding: Encoding = "auto"
    inputs: Inputs = "all"
    text: TextSettings | None = None
    """None: the model's default text settings, if it sees text columns."""
    params: dict[str, Any] = {}
    """Settings of the estimator, on top of the writer's defaults (its own parameter names, for example ``num_leaves`` or ``C``)."""
    objective: str | None = None
    """Loss of the estimator (its own name), None: chosen by metric."""
    early_stopping: bool = False
    """Boosting: a tenth of each fold's learning rows decides the number of rounds, never the held-out fold; `params` then hold the cap."""
    trials: int = 0
    """Boosting on plain frames: settings tuned by so many Optuna trials within each fit (see `writer.tuning`); 0: not tuned."""
    seeds: int | None = None
    """Fits averaged over this many seeds; None: `Recipe.seeds`."""
    view: str = ""
    """Name of the view (`Recipe.views`) that it reads; empty for the recipe's own features."""
    scaling: Literal["standard", "quantile", "robust", "spline", "none"] = "standard"
    """Numbers, for models that need a scale. ``spline``: each number as a smooth curve (cubic B-splines, knots at quantiles), for linear
    models."""
    missing_flags: bool = True
    """0/1 columns for missing numbers, for models that cannot take missing values."""

    @property
    def family(self) -> str:
        """Model family, for hypotheses and siblings."""
        return FAMILIES[self.model]


class Recipe(Record):
    """A whole script, as data."""

    members: list[Member] = Field(min_length=1)
    features: list[FeatureStep] = []
    """In order; later steps may use the columns of earlier ones."""
    drop: list[str] = []
    """Raw columns that are not used."""
    views: dict[str, View] = {}
    """Further views of the data by name (letters and digits); the recipe's own `features` and `drop` are the one that techniques change."""
    blend: Blend = "single"
    target_transform: TargetTransform = "none"
    target_clip: tuple[float, float] | None = None
    """Quantiles of the target beyond which it is clipped for fitting (never for scoring)."""
    decision: Decision = "auto"
    calibration: Literal["none", "temperature", "isotonic"] = "none"
    """Calibration of class probabilities, cross-fitted by fold."""
    class_weight: Literal["none", "balanced"] = "none"
    seeds: int = Field(default=1, ge=1)
    """Fits averaged per fold and member."""
    test_prediction: Literal["fold_mean", "refit"] = "fold_mean"
    """Test rows: mean of the fold models, or one more fit on all rows."""

    @property
    def family(self) -> str:
        """Family of the solution: its model's, or ``blend``."""
        return self.members[0].family if self.blend == "single" or len(self.members) == 1 else "blend"

    def view(self, name: str) -> View:
        """The view of that name, the recipe's own features and columns for an empty one; `ValueError` if there is none."""
        if name and name not in self.views:
            raise ValueError(f"there is no view {name!r}")
        return self.views[name] if name else View(features=self.features, drop=self.drop)

    def member(self, name: str) -> Member:
        """The member of that name; `KeyError` if there is none."""
        for member in self.members:
            if member.name == name:
                return member
        raise KeyError(name)

    def with_feature(self, kind: FeatureKind, columns: list[str], **params: Any) -> Self:
        """A copy with one more feature step; the same step twice is added once."""
        step = FeatureStep(kind=kind, columns=columns, params=params)
        return self if step in self.features else self.model_copy(update={"features": [*self.features, step]})

    def with_member(self, member: Member, *, blend: Blend | None = None) -> Self:
        """A copy with one more model (a member of the same name is replaced in place)."""
        names = [old.name for old in self.members]
        members = [member if old.name == member.name else old for old in self.members]
        if member.name not in names:
            members.append(member)
        return self.model_copy(update={"members": members, "blend": blend or self.blend})

    def with_params(self, name: str, **params: Any) -> Self:
        """A copy in which member `name` has these estimator settings changed."""
        member = self.member(name)
        return self.with_member(member.model_copy(update={"params": {**member.params, **params}}))

    def changed_member(self, name: str, **fields: Any) -> Self:
        """A copy in which these fields of member `name` are changed (``encoding="target"``, ``text=...``)."""
        return self.with_member(self.member(name).model_copy(update=fields))

    def has_feature(self, kind: FeatureKind, column: str | None = None) -> bool:
        """True if a step of that kind is there (on that column)."""
        return any(step.kind == kind and (column is None or column in step.columns) for step in self.features)
