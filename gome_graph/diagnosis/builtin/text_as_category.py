"""Symptom ``text_as_category``: free text goes to a category encoder, which sees one value a row."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import column_evidence, evidence, listed, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.5 + words a value / 40, up to 1."""
    columns = {column.name: column for column in pack.profile.columns}
    texts = [name for name in pack.text_as_category if name in columns]
    if not texts:
        return
    words = max(columns[name].mean_words for name in texts)
    yield Finding(
        symptom="text_as_category", component=Component.FEATURES, severity=unit(0.5 + words / 40),
        summary=f"{listed(texts)}: free text ({words:.0f} words a value, {columns[texts[0]].distinct} distinct) is encoded as a category",
        evidence=[*evidence(pack, "text_as_category"), *column_evidence(pack, texts, "mean_words")],
        direction="read the text: TF-IDF of words and characters, or embeddings", columns=texts,
    )  # fmt: skip
