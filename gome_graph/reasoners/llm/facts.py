"""The diagnostic pack as lines ``reference = value``: what a model may cite is what it is shown, name for name."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from gome_graph.records import DiagnosticPack, Finding, Record, field_docs

ORDER = (
    "score", "trivial_score", "verdict", "verdict_reason", "execution", "time_limit", "classes", "residuals", "calibration",
    "best_threshold", "decisions", "slices", "folds", "weights", "agreement", "importance", "unused_columns", "text_as_category",
    "structure", "spread", "label_noise", "drift", "tables", "curve", "phases", "warnings", "peak_memory_bytes", "memory_limit", "cpus",
    "distinct_predictions",
)  # fmt: skip
"""Fields in the order they are shown: what decides comes first, so that a cut at the end costs least."""
LEFT_OUT = frozenset({"step", "profile", "history", "diff", "used_columns", "malformed_telemetry"})
"""Fields that a prompt shows elsewhere, or that say nothing of the solution."""
HIDDEN = frozenset({"execution.log_tail", "execution.seed", "execution.stage", "execution.exit_code", "execution.kept_seconds"})
"""Leaves that a prompt shows elsewhere, or that a model could make nothing of."""
MOST_ITEMS = 12
"""Items shown of a list or mapping."""
FOLD_ITEMS = 20
"""Folds are shown for several models."""
LONGEST_VALUE = 160


def fact_lines(pack: DiagnosticPack) -> list[str]:
    """One line for each fact, ``ref = value``; `DiagnosticPack.resolve` finds every ref."""
    return [f"{ref} = {text}" for name in ORDER for ref, text in _facts(name, getattr(pack, name))]


def glossary_lines(pack: DiagnosticPack) -> list[str]:
    """What the names in the facts of this pack mean, from the records' own documentation; one line a field that is shown."""
    lines = []
    for name in ORDER:
        if not any(_facts(name, getattr(pack, name))):
            continue
        meaning = [_first_sentence(field_docs(DiagnosticPack).get(name, ""))]
        record = _record_of(getattr(pack, name))
        if record is not None:
            told = ((key, _first_sentence(text)) for key, text in field_docs(record).items() if f"{name}.{key}" not in HIDDEN)
            meaning += [f"{key}: {words}" for key, words in told if words]
        words = "; ".join(part for part in meaning if part)
        if words:
            lines.append(f"- {name}: {words}")
    return lines


def _record_of(value: Any) -> type[Record] | None:
    """The record type behind a field's value."""
    first = value[0] if isinstance(value, list) and value else value
    return type(first) if isinstance(first, Record) else None


def _first_sentence(text: str) -> str:
    """The first sentence of a docstring in one line, without its markup."""
    return re.split(r"(?<=[a-z)])\.(?:\s|$)", " ".join(text.replace("`", "").split()))[0].rstrip(".")


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """One paragraph for each finding, most severe first as given."""
    lines = []
    for finding in findings:
        direction = f" Suggested: {finding.direction}." if finding.direction else ""
        refs = ", ".join(evidence.ref for evidence in finding.evidence)
        lines.append(
            f"findings.{finding.symptom} [{finding.component.value}, severity {finding.severity:.2f}]: {finding.summary.rstrip('.')}."
            f"{direction}{f' Evidence: {refs}.' if refs else ''}"
        )
    return lines


def _facts(ref: str, value: Any) -> Iterator[tuple[str, str]]:
    """Leaves below a field; short records of a list stand in one line."""
    if ref in HIDDEN or value is None or value == "" or value == [] or value == {} or (value == 0 and ref in ORDER):
        return
    if isinstance(value, Record):
        for name in type(value).model_fields:
            yield from _facts(f"{ref}.{name}", getattr(value, name))
    elif isinstance(value, Mapping):
        for key, item in _most(value.items()):
            yield from _facts(f"{ref}.{key}", item)
    elif isinstance(value, list) and value and isinstance(value[0], Record):
        for number, item in enumerate(value[: FOLD_ITEMS if ref == "folds" else MOST_ITEMS]):
            yield f"{ref}.{number}", _line(item)
    elif isinstance(value, list) and value and isinstance(value[0], list | tuple):
        for number, item in enumerate(value[:MOST_ITEMS]):
            yield f"{ref}.{number}", _text(list(item))
    else:
        yield ref, _text(value)


def _most(items: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The largest entries of a mapping of numbers, else the first ones."""
    entries = list(items)
    if all(isinstance(value, int | float) for _, value in entries):
        entries.sort(key=lambda entry: -abs(entry[1]))
    return entries[:MOST_ITEMS]


def _line(record: Record) -> str:
    """A record in one line: ``column=age value=60-72 rows=120 …``; what is empty is left out."""
    values = ((name, getattr(record, name)) for name in type(record).model_fields)
    return " ".join(f"{name}={_text(value)}" for name, value in values if value not in (None, "", [], {}) and value is not False)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, list | tuple):
        shown = ", ".join(_text(item) for item in value[:MOST_ITEMS])
        return f"[{shown}{f', … {len(value)} in all' if len(value) > MOST_ITEMS else ''}]"
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
