"""Symptom ``datetime_unused``: date columns are not turned into calendar parts."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import column_evidence, listed, script_of, unit
from gome_graph.records import ColumnKind, Component, DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

READERS = (
    "to_datetime",
    "parse_dates",
    "DatetimeEncoder",
    "TableVectorizer",
    "tabular_pipeline",
    "strptime",
    "fromisoformat",
    "DatetimeIndex",
)


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.5, or 0.7 if there are fewer than ten input columns."""
    dates = [column.name for column in pack.profile.columns if column.kind is ColumnKind.DATETIME]
    script = script_of(data)
    if not dates or not script.parsed:
        return
    if script.mentions(*READERS):
        dates = [name for name in dates if name in pack.unused_columns]
    if not dates:
        return
    yield Finding(
        symptom="datetime_unused", component=Component.FEATURES, severity=unit(0.7 if len(pack.profile.columns) < 10 else 0.5),
        summary=f"Dates in {listed(dates)} are not read as dates",
        evidence=column_evidence(pack, dates, "kind"),
        direction="parse them and add hour, weekday, month, year and time since the start", columns=dates,
    )  # fmt: skip
