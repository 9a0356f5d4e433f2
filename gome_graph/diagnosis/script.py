"""What a script's text shows: names and strings in its syntax tree. A reading, not a proof; scripts are never executed here."""

import ast
import re
from dataclasses import dataclass, field
from functools import lru_cache

LOOKED_AT = (ast.Expr, ast.Constant, ast.Name, ast.Attribute, ast.alias, ast.Assign, ast.AnnAssign, ast.Call, ast.Compare, ast.Tuple)
"""Half of a syntax tree is of no interest to a `_Reader`."""
MAX_SCRIPT = 400_000
"""Characters; a longer text is not parsed."""

CATEGORY_ENCODERS = frozenset(
    {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "LabelEncoder", "CountEncoder", "CatBoostEncoder", "LeaveOneOutEncoder",
     "BinaryEncoder", "get_dummies", "factorize", "cat_features", "categorical_feature", "categorical_features"}
)  # fmt: skip
TEXT_READERS = frozenset(
    {"TfidfVectorizer", "CountVectorizer", "HashingVectorizer", "TfidfTransformer", "text_features", "TextEncoder", "StringEncoder",
     "GapEncoder", "MinHashEncoder", "TableVectorizer", "tabular_pipeline", "tabular_learner", "SentenceTransformer", "AutoTokenizer",
     "MultiLabelBinarizer"}
)  # fmt: skip
_ESTIMATOR = re.compile(
    r"^(?!Dummy|Voting|Stacking|TransformedTarget|MultiOutput|OneVs)(\w*(Classifier|Regressor|NB|LogisticRegression|SVC|SVR)"
    r"|Ridge\w*|Lasso\w*|ElasticNet\w*|LogisticRegressionCV|LinearRegression|Booster|LinearDiscriminantAnalysis)$"
)
_NUMBERS = re.compile(r"(include=|dtype_include=)?\[?['\"]?(number|np\.number|numpy\.number|float|int|float64|int64|'|\"|,| )+['\"]?\]?")
_OUTPUT_NAME = re.compile(r"sample|submission|^sub|^ss$|oof|pred|out", re.IGNORECASE)


@dataclass(frozen=True)
class ScriptFacts:
    """Names and strings of one script."""

    parsed: bool = False
    strings: frozenset[str] = frozenset()
    """String constants that are not only there to be dropped; docstrings left out."""
    dropped: frozenset[str] = frozenset()
    """Strings that occur only where columns are taken away (``drop``, ``not in``, ``!=``, ``difference``)."""
    names: frozenset[str] = frozenset()
    """Every identifier, attribute, keyword argument and imported name."""
    takes_all: bool = False
    """It takes the table's columns by rule (drop, select_dtypes, a loop over ``.columns``) rather than one by one."""
    numbers_only: bool = False
    """That rule is to select the numeric columns, and nothing in the script encodes the others."""
    category_columns: frozenset[str] = frozenset()
    """Strings that stand together with a category encoder, or in a list called something with "cat"."""
    split_by: frozenset[str] = frozenset()
    """String arguments of split, partition and extract calls."""
    models: frozenset[str] = field(default_factory=frozenset)
    """Estimator classes it constructs."""

    def mentions(self, *names: str) -> bool:
        """True if any of `names` occurs as an identifier, attribute, keyword or import."""
        return not self.names.isdisjoint(names)


@lru_cache(maxsize=64)
def read_script(script: str) -> ScriptFacts:
    """Parse `script`; an empty `ScriptFacts` if it is too long or not Python."""
    if len(script) > MAX_SCRIPT:
        return ScriptFacts()
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ScriptFacts()
    reader = _Reader()
    for node in ast.walk(tree):
        if isinstance(node, LOOKED_AT):
            reader.look(node)
    return reader.facts()


class _Reader:
    """One walk over the tree, then `facts`."""

    def __init__(self) -> None:
        self.constants: dict[int, str] = {}
        """Every string constant, by the identity of its node (one string may occur in several roles)."""
        self.hidden: set[int] = set()
        """Docstrings and other bare strings."""
        self.lists: dict[str, list[ast.Constant]] = {}
        """Strings assigned to a name."""
        self.names: set[str] = set()
        self.models: set[str] = set()
        self.takes_all = False
        self.selections: set[str] = set()
        """Arguments of select_dtypes and make_column_selector, as text."""
        self.drops: list[ast.AST] = []
        self.encoded: list[ast.AST] = []
        self.split_by: set[str] = set()

    def look(self, node: ast.AST) -> None:
        match node:
            case ast.Expr(value=ast.Constant()):
                self.hidden.add(id(node.value))
            case ast.Constant(value=str() as text):
                self.constants[id(node)] = text
            case ast.Name(id=name):
                self.names.add(name)
            case ast.Attribute(attr=name, value=owner):
                self.names.add(name)
                if name == "columns" and isinstance(node.ctx, ast.Load) and not _OUTPUT_NAME.search(_text(owner)):
                    self.takes_all = True
            case ast.alias(name=name, asname=renamed):
                self.names.update(name.split("."))
                if renamed:
                    self.names.add(renamed)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assign(name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.AST() as value):
                self._assign(name, value)
            case ast.Call():
                self._call(node)
            case ast.Compare(ops=[ast.NotIn() | ast.NotEq()], comparators=comparators):
                self.drops.extend(comparators)
            case ast.Tuple(elts=elements) if any(_is_encoder(element) for element in elements):
                self.encoded.extend(elements)

    def _assign(self, name: str, value: ast.AST) -> None:
        if isinstance(value, ast.List | ast.Tuple | ast.Set | ast.Constant):
            self.lists[name] = _strings(value)
            if "cat" in name.lower():
                self.encoded.append(value)

    def _call(self, node: ast.Call) -> None:
        called = _text(node.func)
        self.names.update(keyword.arg for keyword in node.keywords if keyword.arg)
        if _ESTIMATOR.match(called):
            self.models.add(called)
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        if called in {"drop", "difference"} or (called == "pop" and node.args):
            self.drops.extend(arguments)
            self.takes_all |= called in {"drop", "difference"} and bool(arguments)
        elif called in {"select_dtypes", "make_column_selector", "TableVectorizer"}:
            self.takes_all = True
            self.selections.add(called if called == "TableVectorizer" else ", ".join(ast.unparse(a) for a in (*node.args, *node.keywords)))
        elif called in {"split", "rsplit", "partition", "extract", "extractall"}:
            self.split_by.update(str(constant.value) for argument in arguments for constant in _strings(argument))
        if called in CATEGORY_ENCODERS:
            self.encoded.extend(arguments)
        for keyword in node.keywords:
            if keyword.arg in CATEGORY_ENCODERS:
                self.encoded.append(keyword.value)
        if called == "astype" and isinstance(node.func, ast.Attribute) and any(a.value == "category" for a in _strings_of(node.args)):
            self.encoded.append(node.func.value)

    def _within(self, nodes: list[ast.AST]) -> list[ast.Constant]:
        """Strings under `nodes`, names of string lists followed once."""
        found: list[ast.Constant] = []
        for node in nodes:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    found.append(inner)
                elif isinstance(inner, ast.Name):
                    found.extend(self.lists.get(inner.id, []))
        return found

    def facts(self) -> ScriptFacts:
        away = {id(constant) for constant in self._within(self.drops)} | self.hidden
        strings = frozenset(text for key, text in self.constants.items() if key not in away)
        gone = frozenset(text for key, text in self.constants.items() if key in away and key not in self.hidden)
        return ScriptFacts(
            parsed=True, strings=strings, dropped=gone - strings, names=frozenset(self.names), takes_all=self.takes_all,
            numbers_only=bool(self.selections) and all(_NUMBERS.fullmatch(text) for text in self.selections) and self.names.isdisjoint(
                CATEGORY_ENCODERS | TEXT_READERS | {"Categorical", "cat", "map"}),
            category_columns=frozenset(constant.value for constant in self._within(self.encoded) if isinstance(constant.value, str)),
            split_by=frozenset(self.split_by), models=frozenset(self.models),
        )  # fmt: skip


def _text(node: ast.AST) -> str:
    """The last name of a dotted expression: ``a.b.C`` -> ``C``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_encoder(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and any(
        _text(inner.func) in CATEGORY_ENCODERS for inner in ast.walk(node) if isinstance(inner, ast.Call)
    )


def _strings(node: ast.AST) -> list[ast.Constant]:
    return [inner for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)]


def _strings_of(nodes: list[ast.expr]) -> list[ast.Constant]:
    return [constant for node in nodes for constant in _strings(node)]
