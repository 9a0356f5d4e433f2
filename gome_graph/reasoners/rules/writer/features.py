"""Feature steps as lines of the script's ``add_features``."""

from typing import Any

from gome_graph.reasoners.rules.recipe import FeatureStep
from gome_graph.reasoners.rules.writer.columns import Columns
from gome_graph.reasoners.rules.writer.literals import LINE_LENGTH
from gome_graph.reasoners.rules.writer.templates import template

_ONLY_SCHEMA = frozenset({"drop_columns", "as_category", "as_number"})
"""Steps that change which columns are read as what, and need no line of their own."""

IMPORTS: dict[str, list[str]] = {
    "kmeans": ["from sklearn.cluster import KMeans", "from sklearn.preprocessing import StandardScaler"],
    "pca": ["from sklearn.decomposition import PCA", "from sklearn.preprocessing import StandardScaler"],
    "geometry_files": ["import re", "from scipy.spatial.distance import cdist"],
    "image_files": ["from PIL import Image", "from sklearn.decomposition import PCA"],
}

EMBEDDING_IMPORTS: dict[str, list[str]] = {
    "wordllama": ["import wordllama", "from sklearn.decomposition import PCA"],
    "minilm": [
        "from importlib.util import find_spec", "from onnxruntime import InferenceSession, SessionOptions",
        "from sklearn.decomposition import PCA", "from tokenizers import Tokenizer",
    ],
}  # fmt: skip
"""By encoder of a ``text_embedding``."""

SUMMARIES: dict[str, str] = {
    "split_compound": "parts of the structured values in {columns}",
    "missing_flags": "flags for missing values",
    "missing_count": "how many values a row lacks",
    "date_parts": "calendar parts of {columns}",
    "numeric_from_text": "the number inside {columns}",
    "row_stats": "columns of one unit taken together",
    "group_size": "how many rows share {columns}",
    "group_mean": "group means by {columns}",
    "frequency": "how common a value is",
    "text_stats": "length and punctuation of texts",
    "list_length": "length of lists",
    "impute_by_group": "fill gaps from rows alike",
    "float32": "seven digits are enough, for half of the memory",
    "kmeans": "cluster of the numeric inputs",
    "pca": "principal components",
    "geometry_files": "what the atoms' positions say",
    "image_files": "what the pictures show",
    "json_files": "what each row's record says",
    "table_files": "each row's own table, summed up",
    "text_embedding": "what the texts are about",
    "date_cycles": "where {columns} stand in the day, the week and the year",
    "group_stats": "spread and rank among rows that share {columns}",
    "lags": "the row before, by time",
    "linked_table": "another table's columns, by {columns}",
}
"""Comment above a step's lines; steps whose code speaks for itself have none."""


def step_imports(step: FeatureStep) -> list[str]:
    """What a step's lines and its helper need."""
    return [*IMPORTS.get(step.kind, []), *EMBEDDING_IMPORTS.get(str(step.params.get("encoder")), [])]


def feature_lines(step: FeatureStep, columns: Columns) -> list[str]:
    """Lines for one step, unindented; lines too long to be laid out are marked ``# fmt: skip``."""
    if step.kind in _ONLY_SCHEMA:
        return []
    macro = getattr(template("features.py.jinja").module, step.kind)
    arguments: dict[str, Any] = {"columns": step.columns, "p": step.params}
    if step.kind == "missing_count" and not step.columns:
        arguments["columns"] = [name for name in columns.used if name in columns.raw_names]
    if step.kind == "group_size":
        arguments["id"] = columns.id
    if step.kind == "linked_table":
        arguments["text_key"] = step.columns[0] not in {*columns.numbers, *columns.raw_numbers}
    if step.kind == "impute_by_group":
        arguments["numbers"] = [*columns.numbers, *columns.raw_numbers]
    lines = [line for line in str(macro(**arguments)).splitlines() if line.strip()]
    summary = SUMMARIES.get(step.kind)
    comment = [] if summary is None else ["# " + summary.format(columns=_listed(step.columns))]
    return [*(line[: LINE_LENGTH - 4] for line in comment), *map(mark_long, lines)]


def mark_long(line: str) -> str:
    """The line, marked to be left alone by the formatter if it is too long for the body of a function."""
    return line if len(line) + 4 <= LINE_LENGTH or line.endswith("# fmt: skip") else f"{line}  # fmt: skip"


def _listed(columns: list[str]) -> str:
    return ", ".join(columns[:3]) + (" …" if len(columns) > 3 else "")
