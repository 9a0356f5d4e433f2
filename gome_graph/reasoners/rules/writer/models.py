"""A member as code: the function that makes its inputs, and the function that fits it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gome_graph.reasoners.rules.recipe import Encoding, Member, TextSettings
from gome_graph.reasoners.rules.writer.columns import Columns
from gome_graph.reasoners.rules.writer.estimators import BOOSTING, SPARSE, STOPPING_PATIENCE, TEXT_ONLY, TREES, Estimator, estimator
from gome_graph.reasoners.rules.writer.literals import Call, Code, assigned, layout
from gome_graph.reasoners.rules.writer.row_files import FILE_COLUMNS
from gome_graph.reasoners.rules.writer.templates import template
from gome_graph.reasoners.rules.writer.tuning import LEAST_ROWS, STARTS, TUNING_ROWS, space_code, tunes

_DEFAULT_SVD = 64
SPLINE_KNOTS = 5
"""Seven smooth pieces a number: the hinges of Friedman's additive models at little cost."""
_REFUSED = '[]{}":,<'
"""Characters that LightGBM (JSON punctuation) or XGBoost (``[]<``) refuses in names of inputs."""


@dataclass
class MemberCode:
    """What one member adds to a script."""

    text: str
    """Both functions."""
    frame: bool
    """Its inputs are a DataFrame (else a matrix)."""
    importance: bool
    """The fitted model has ``feature_importances_`` for the columns of that frame."""
    summary: str
    imports: set[str] = field(default_factory=set)
    helpers: list[str] = field(default_factory=list)
    """Names of helper templates it needs."""


@dataclass(frozen=True)
class Problem:
    """What the members of a recipe learn."""

    classes: int
    """0 for regression."""
    rows: int
    metric: str
    balanced: bool
    columns: int
    """Of the files: feature steps do not count, so that one of them changes nothing else."""


@dataclass(frozen=True)
class Seen:
    """Which kinds of columns a member sees."""

    numbers: bool
    categories: bool
    text: bool


def seen_by(member: Member, columns: Columns) -> Seen:
    """What the member sees; a choice that would leave it nothing falls back to what there is."""
    text = bool(columns.all_texts) and member.inputs != "tabular"
    tabular = member.inputs != "text" and not (member.model in TEXT_ONLY and columns.all_texts)
    if not text and not (tabular and (columns.numbers or columns.categories)):
        text, tabular = bool(columns.all_texts), True
    return Seen(numbers=tabular and bool(columns.numbers), categories=tabular and bool(columns.categories), text=text)


def encoding_of(member: Member) -> Encoding:
    """The member's encoding, with ``auto`` resolved."""
    if member.encoding != "auto":
        supports_native = member.model in BOOSTING
        return "ordinal" if member.encoding == "native" and not supports_native and member.model in TREES else member.encoding
    if member.model in ("lightgbm", "catboost", "xgboost"):
        return "native"
    return "ordinal" if member.model in TREES else "onehot"


def member_code(member: Member, columns: Columns, problem: Problem, text_column: str) -> MemberCode:
    """Render one member. `text_column` is the frame's column that holds the (joined) text."""
    made = estimator(
        member, classes=problem.classes, rows=problem.rows, metric=problem.metric, balanced=problem.balanced, columns=problem.columns
    )
    seen = seen_by(member, columns)
    if member.model in ("nb_svm", "naive_bayes") and not seen.text:
        raise ValueError(f"member {member.name}: {member.model} needs a text column")
    encoding = encoding_of(member)
    target_encoded = encoding == "target" and seen.categories
    frame = target_encoded or (member.model in TREES and encoding != "onehot")
    code = MemberCode(
        text="", frame=frame, summary=made.summary, imports=set(made.imports),
        importance=frame and not target_encoded and member.model in ("lightgbm", "catboost", "xgboost", "extra_trees", "random_forest"),
    )  # fmt: skip
    if member.model == "nb_svm":
        code.helpers.append("naive_bayes_logistic")
        code.imports |= {"from scipy import sparse", "from sklearn.base import BaseEstimator, ClassifierMixin"}
        code.imports |= {"from sklearn.linear_model import LogisticRegression"}
    if member.model in ("tabular_net", "picture_net"):
        code.helpers.append(member.model)
        code.imports.add(f"from sklearn.base import BaseEstimator, {'ClassifierMixin' if problem.classes else 'RegressorMixin'}")
    if made.name == "AnyClasses":
        code.helpers.append("any_classes")
        code.imports.add("from xgboost import XGBClassifier")
    if member.model == "picture_net":
        code.imports.add("from PIL import Image")
        inputs = _picture_inputs(member)
    elif frame:
        inputs = _frame_inputs(member, columns, seen, encoding, code, text_column)
    else:
        inputs = _matrix_inputs(member, columns, seen, encoding, code, text_column)
    fit = _fit(member, made, columns, seen, encoding, problem, code)
    code.text = f"{inputs}\n\n\n{fit}"
    return code


def _picture_inputs(member: Member) -> str:
    column = FILE_COLUMNS["image_files"]
    return (
        f'def {member.name}_inputs(data):\n    """Small copies of the pictures, colours first."""\n'
        f'    return np.stack([picture(INPUT / name) for name in data["{column}"]])'
    )


def _frame_inputs(member: Member, columns: Columns, seen: Seen, encoding: Encoding, code: MemberCode, text_column: str) -> str:
    number_names, category_names = columns.constant("NUMBERS"), columns.constant("CATEGORIES")
    numbers = f"data[{number_names}]" if seen.numbers else "data[[]]"
    kept, lines = numbers, []
    if member.model == "hist_gradient_boosting" and seen.numbers:  # scikit-learn fails on a column without any value
        lines.append(f"numbers = {numbers}.fillna({numbers}.min() - 1).fillna(0)  # missing: below all values")
        numbers = kept = "numbers"
    what = "Numbers as they are" if seen.numbers else "No numbers"
    if seen.categories:
        if encoding in ("native", "target"):
            kept = f"data[{number_names} + {category_names}]" if seen.numbers else f"data[{category_names}]"
            if numbers == "numbers":
                kept = f"numbers.join(data[{category_names}])"
            what = "Numbers and categories as they are" if seen.numbers else "Categories as they are"
        elif encoding == "frequency":
            lines.append(f"counts = data[{category_names}].apply(lambda column: column.map(column.value_counts()).astype(float))")
            kept = f"{numbers}.join(counts)" if seen.numbers else "counts"
            what = "Numbers, and how often each category occurs"
        else:
            lines.append(f"codes = data[{category_names}].apply(lambda column: column.cat.codes)")
            kept = f"{numbers}.join(codes)" if seen.numbers else "codes"
            what = "Numbers, and categories as codes" if seen.numbers else "Categories as codes"
    if seen.text:
        settings = member.text or TextSettings()
        lines += _term_lines(_vectorisers(settings, code, member.model), code, text_column)
        code.imports.add("from sklearn.decomposition import TruncatedSVD")
        components = settings.svd or _DEFAULT_SVD
        lines.append(f"svd = TruncatedSVD(min({components}, terms.shape[1] - 1), random_state=SEED)")
        lines.append('components = pd.DataFrame(svd.fit_transform(terms)).add_prefix("text_")')
        kept = f"{kept}.join(components)" if kept != "data[[]]" else "components"
        what += f"; the text as {components} latent components"
    by_name = encoding == "target" and seen.categories  # the encoder finds the columns by their own names and leaves none
    if (
        member.model in ("lightgbm", "xgboost")
        and not by_name
        and any(not _is_safe(name) for name in [*columns.numbers, *columns.categories])
    ):
        kept += ".rename(columns=SAFE_NAMES)"
    lines.append(f"return {kept}")
    body = "\n".join(f"    {line}" for line in lines)
    return f'def {member.name}_inputs(data):\n    """{what}."""\n{body}'


def _matrix_inputs(member: Member, columns: Columns, seen: Seen, encoding: Encoding, code: MemberCode, text_column: str) -> str:
    blocks: list[tuple[Call, str]] = []
    parts, lines = [], []
    numbers, categories = columns.constant("NUMBERS"), columns.constant("CATEGORIES")
    if seen.categories and encoding == "frequency":
        lines.append(f"counts = data[{categories}].apply(lambda column: column.map(column.value_counts()).astype(float))")
        lines.append(f"data = data.drop(columns={categories}).join(counts)")
        numbers = f"{numbers} + {categories}" if seen.numbers else categories
        parts.append("category counts")
    elif seen.categories and encoding == "ordinal":
        blocks.append((Call("OrdinalEncoder"), categories))
        code.imports.add("from sklearn.preprocessing import OrdinalEncoder")
        parts.append("category codes")
    elif seen.categories:
        blocks.append((Call("OneHotEncoder", (), {"handle_unknown": "ignore", "min_frequency": 3}), categories))
        code.imports.add("from sklearn.preprocessing import OneHotEncoder")
        parts.append("one-hot categories")
    if seen.numbers or (seen.categories and encoding == "frequency"):
        blocks.append((_number_pipeline(member, code), numbers))
        plain = member.scaling == "none" or member.model in TREES
        parts.append("numbers" if plain else "numbers as curves" if member.scaling == "spline" else "scaled numbers")
    settings = member.text or TextSettings()
    if seen.text:
        parts.append("term counts" if member.model == "nb_svm" or settings.weighting != "tfidf" else "TF-IDF of the text")
    dense = member.model not in SPARSE
    vectorisers = _vectorisers(settings, code, member.model) if seen.text else []
    if not blocks:
        lines += _term_lines(vectorisers, code, text_column)
        lines.append(_reduced(settings, code, "terms") if dense else "return terms.tocsr()")
    else:
        code.imports.add("from sklearn.compose import make_column_transformer")
        pairs = tuple(Call("", (block, Code(name))) for block, name in blocks)
        pairs += tuple(Call("", (vectoriser, Code(text_column))) for vectoriser in vectorisers)
        lines.append(
            assigned("encoder", Call("make_column_transformer", pairs, {"sparse_threshold": 0} if dense and not seen.text else {}))
        )
        if dense and seen.text:
            lines.append("terms = encoder.fit_transform(data)")
            lines.append(_reduced(settings, code, "terms"))
        else:
            lines.append("return encoder.fit_transform(data)")
    doc = f"{_sentence(parts)}; fitted without labels, so all rows may share it."
    return f'def {member.name}_inputs(data):\n    """{doc}"""\n' + "\n".join(f"    {line}" for line in lines)


def _term_lines(vectorisers: list[Call], code: MemberCode, text_column: str) -> list[str]:
    """``terms = ...``: the term matrix of the text."""
    vectoriser = vectorisers[0]
    if len(vectorisers) > 1:
        code.imports.add("from sklearn.pipeline import make_union")
        vectoriser = Call("make_union", tuple(vectorisers))
    return [assigned("vectoriser", vectoriser), f"terms = vectoriser.fit_transform(data[{text_column}])"]


def _reduced(settings: TextSettings, code: MemberCode, name: str) -> str:
    code.imports.add("from sklearn.decomposition import TruncatedSVD")
    size = f"min({settings.svd or _DEFAULT_SVD}, {name}.shape[1] - 1)"
    return f"return TruncatedSVD({size}, random_state=SEED).fit_transform({name})"


def _number_pipeline(member: Member, code: MemberCode) -> Call:
    code.imports.add("from sklearn.impute import SimpleImputer")
    if member.scaling == "spline":
        code.imports |= {
            "from sklearn.preprocessing import SplineTransformer, StandardScaler",
            "from sklearn.pipeline import make_pipeline",
        }
        imputer = Call("SimpleImputer", (), {"strategy": "median", "keep_empty_features": True})
        curves = Call("SplineTransformer", (), {"n_knots": SPLINE_KNOTS, "knots": "quantile", "extrapolation": "constant"})
        return Call("make_pipeline", (imputer, curves, Call("StandardScaler")))
    keywords: dict[str, Any] = {"strategy": "median", "add_indicator": True, "keep_empty_features": True}
    if not member.missing_flags:
        del keywords["add_indicator"]
    imputer = Call("SimpleImputer", (), keywords)
    if member.scaling == "none" or member.model in TREES:
        return imputer
    scalers = {
        "standard": Call("StandardScaler"),
        "robust": Call("RobustScaler"),
        "quantile": Call("QuantileTransformer", (), {"n_quantiles": 100, "output_distribution": "normal"}),
    }
    scaler = scalers[member.scaling]
    code.imports |= {f"from sklearn.preprocessing import {scaler.function}", "from sklearn.pipeline import make_pipeline"}
    return Call("make_pipeline", (imputer, scaler))


def _vectorisers(settings: TextSettings, code: MemberCode, model: str) -> list[Call]:
    counts = settings.weighting != "tfidf" or model == "nb_svm"
    name = "CountVectorizer" if counts else "TfidfVectorizer"
    code.imports.add(f"from sklearn.feature_extraction.text import {name}")
    common: dict[str, Any] = {"min_df": settings.min_df, "dtype": Code("np.float32")}  # half the memory, and no copy in the solvers
    if settings.max_features:
        common["max_features"] = settings.max_features
    if counts and (settings.weighting == "binary" or model == "nb_svm"):
        common["binary"] = True
    if not counts and settings.sublinear:
        common["sublinear_tf"] = True
    if not settings.lowercase:
        common["lowercase"] = False
    made = []
    if settings.words is not None or settings.chars is None:
        words: dict[str, Any] = {"ngram_range": tuple(settings.words or (1, 1)), **common}
        if settings.punctuation:
            words["token_pattern"] = Code('r"(?u)\\b\\w+\\b|[^\\w\\s]"')
        if settings.stop_words:
            words["stop_words"] = "english"
        made.append(Call(name, (), words))
    if settings.chars is not None:
        chars: dict[str, Any] = {"analyzer": "char" if settings.across_words else "char_wb", "ngram_range": tuple(settings.chars), **common}
        made.append(Call(name, (), chars))
    return made


def _fit(
    member: Member, made: Estimator, columns: Columns, seen: Seen, encoding: Encoding, problem: Problem, code: MemberCode
) -> str:  # fmt: skip
    params = dict(made.params)
    if member.model == "catboost" and seen.categories and encoding == "native":
        params["cat_features"] = Code(columns.constant("CATEGORIES"))
    elif member.model == "catboost":  # settings of categories that it does not see
        params = {key: value for key, value in params.items() if key not in ("max_ctr_complexity", "one_hot_max_size")}
    target_encoded = encoding == "target" and seen.categories
    stopping = member.early_stopping and member.model in BOOSTING and not target_encoded
    if member.early_stopping and not stopping and member.model == "lightgbm":
        code.imports -= {i for i in code.imports if i.startswith("from lightgbm")}
        code.imports.add(f"from lightgbm import {made.name}")
    if not stopping:
        params.pop("early_stopping_rounds", None)  # XGBoost would ask for rows to stop on
    lines = []
    if target_encoded:
        lines += _target_encoder(member, columns, seen, problem, code)
    weighted = member.model == "xgboost" and problem.balanced and problem.classes > 0  # it has no class_weight of its own
    searched = tunes(member, plain=code.frame and not target_encoded and not weighted)
    if searched:
        code.helpers.append("tuned")
        code.imports |= {"import optuna"} | ({"from sklearn.metrics import log_loss"} if problem.classes else set())
        lines.append(assigned("settings", Call("dict", (), {**STARTS[member.model], **params})))
        search = Call(
            "tuned", (Code(made.name), Code("settings"), Code(f"{member.name}_space"), member.trials, Code("X"), Code("y"), Code("seed"))
        )
        lines.append("settings |= " + layout(search, indent=4, room=len("settings |= ")))
        lines.append(f"model = {made.name}(**settings)")
    else:
        lines.append(assigned("model", Call(made.name, tuple(made.positional), params)))
    if weighted:
        code.imports.add("from sklearn.utils.class_weight import compute_sample_weight")
        lines.append('weights = compute_sample_weight("balanced", y)')
    if stopping:
        code.helpers.append("stopping_rows")
        lines.append("learn, stop = stopping_rows(y, seed)")
        lines += _fit_with_stopping(member, code.frame, weighted=weighted)
    elif target_encoded:
        code.imports.add("from sklearn.pipeline import make_pipeline")
        step = f", {made.name.lower()}__sample_weight=weights" if weighted else ""
        lines.append(f"return make_pipeline(encoder, model).fit(X, y{step})")
    else:
        lines.append(f"return model.fit(X, y{', sample_weight=weights' if weighted else ''})")
    body = "\n".join(f"    {line}" for line in lines)
    note = {"target": ", categories by their mean target"}.get(encoding, "") if seen.categories else ""
    stop = ", rounds decided on rows set aside" if stopping else ", settings tuned on the learning rows" if searched else ""
    summary = made.summary[0].upper() + made.summary[1:]
    before = f"{space_code(member)}\n\n\n" if searched else ""
    return f'{before}def fit_{member.name}(X, y, seed):\n    """{summary}{note}{stop}."""\n{body}'


def _target_encoder(member: Member, columns: Columns, seen: Seen, problem: Problem, code: MemberCode) -> list[str]:
    code.imports |= {"from sklearn.compose import make_column_transformer", "from sklearn.preprocessing import TargetEncoder"}
    encoder = Call("TargetEncoder", (), {} if problem.classes else {"target_type": "continuous"})
    categories, numbers = Code(columns.constant("CATEGORIES")), Code(columns.constant("NUMBERS"))
    if member.model in TREES:
        return [assigned("encoder", Call("make_column_transformer", (Call("", (encoder, categories)),), {"remainder": "passthrough"}))]
    code.imports |= {"from sklearn.pipeline import make_pipeline", "from sklearn.preprocessing import StandardScaler"}
    pairs = [Call("", (Call("make_pipeline", (encoder, Call("StandardScaler"))), categories))]
    if seen.numbers:
        pairs.append(Call("", (_number_pipeline(member, code), numbers)))
    passed = {"remainder": "passthrough"} if seen.text else {}
    return [assigned("encoder", Call("make_column_transformer", tuple(pairs), passed))]


def _fit_with_stopping(member: Member, frame: bool, *, weighted: bool = False) -> list[str]:
    rows = "X.iloc[{}]" if frame else "X[{}]"
    learn, stop = rows.format("learn"), rows.format("stop")
    if member.model == "lightgbm":
        return [
            "return model.fit(",
            f"    {learn},",
            "    y[learn],",
            f"    eval_X={stop},",
            "    eval_y=y[stop],",
            f"    callbacks=[early_stopping({STOPPING_PATIENCE}, verbose=False)],",
            ")",
        ]
    if member.model == "catboost":
        return [
            "return model.fit(",
            f"    {learn},",
            "    y[learn],",
            f"    eval_set=({stop}, y[stop]),",
            f"    early_stopping_rounds={STOPPING_PATIENCE},",
            ")",
        ]
    if member.model == "xgboost":
        return [
            "return model.fit(",
            f"    {learn},",
            "    y[learn],",
            *(["    sample_weight=weights[learn],"] if weighted else []),
            f"    eval_set=[({stop}, y[stop])],",
            "    verbose=False,",
            ")",
        ]
    return [f"return model.fit({learn}, y[learn], X_val={stop}, y_val=y[stop])"]


def _is_safe(name: str) -> bool:
    return not any(char in _REFUSED or char.isspace() for char in name)


def safe_names(views: Sequence[Columns]) -> dict[str, str]:
    """New names for inputs whose own names LightGBM or XGBoost refuses (JSON punctuation, white space, <), all distinct."""
    taken = {name for columns in views for name in columns.used if _is_safe(name)}
    renamed: dict[str, str] = {}
    for name in [name for columns in views for name in (*columns.numbers, *columns.categories)]:
        if _is_safe(name) or name in renamed:
            continue
        base = "".join("_" if char in _REFUSED or char.isspace() else char for char in name)
        new, n = base, 2
        while new in taken:
            new, n = f"{base}_{n}", n + 1
        taken.add(new)
        renamed[name] = new
    return renamed


def _sentence(parts: list[str]) -> str:
    text = ", ".join(parts)
    return text[0].upper() + text[1:] if text else "Inputs"


def helper_code(name: str, *, classes: bool) -> str:
    """A shared helper function or class of the script, by template name."""
    return template(f"helpers/{name}.py.jinja").render(classes=classes, rows=TUNING_ROWS, least=LEAST_ROWS).strip("\n")
