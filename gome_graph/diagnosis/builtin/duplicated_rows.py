"""Symptom ``duplicated_rows``: rows with the same inputs, under the same label or another."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, unit
from gome_graph.records import Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

MIN_SHARE = 0.02
"""Beyond what columns of few values make by chance."""


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = the largest, up to 0.6, of half of the share of rows with a twin, the share that contradict theirs, and twice the share
    that agree with one in another fold beyond what the test part has: those make the scores too good."""
    facts = pack.tables.duplicates if pack.tables is not None else None
    if facts is None or facts.rows < MIN_SHARE:
        return
    agreeing = facts.rows - facts.contradicting
    flattering = max(0.0, min(agreeing, facts.across_folds) - facts.test_rows)
    parts = [f"{facts.rows:.1%} of the rows have a twin with the same inputs"]
    if facts.contradicting >= MIN_SHARE / 2:
        parts.append(f"{facts.contradicting:.1%} one with another label: no model can have both right")
    if flattering >= MIN_SHARE:
        parts.append(f"{facts.across_folds:.1%} one in another fold, against {facts.test_rows:.1%} of the test rows: scores are too good")
    yield Finding(
        symptom="duplicated_rows", component=Component.DATA,
        severity=unit(min(0.6, max(0.5 * facts.rows, facts.contradicting, 2 * flattering))), summary="; ".join(parts),
        evidence=[*evidence(pack, "tables.duplicates.rows"), *evidence(pack, "tables.duplicates.contradicting"),
                  *evidence(pack, "tables.duplicates.across_folds"), *evidence(pack, "tables.duplicates.test_rows")],
        direction="count the twins as a feature; models that average over them (larger leaves, stronger penalties); fold twins together",
    )  # fmt: skip
