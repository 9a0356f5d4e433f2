"""Which input columns a script uses, and which of them it misreads."""

from gome_graph.diagnosis.script import CATEGORY_ENCODERS, TEXT_READERS, ScriptFacts
from gome_graph.diagnosis.telemetry import Telemetry
from gome_graph.records import ColumnKind, TaskProfile

NUMERIC = (ColumnKind.NUMBER, ColumnKind.BOOLEAN, ColumnKind.CONSTANT)


def column_use(profile: TaskProfile, telemetry: Telemetry, facts: ScriptFacts) -> tuple[list[str], list[str]]:
    """(used, unused) input columns, in file order; both empty if nothing is known.

    What the script reports comes first; else its text: every column not dropped by name if it takes them by rule, or the ones it names.
    """
    columns = [column.name for column in profile.columns]
    told = set(telemetry.used)
    used = [name for name in columns if name in told]
    if not used and facts.parsed:
        if facts.takes_all:
            used = [
                c.name
                for c in profile.columns
                if c.name not in facts.dropped and (not facts.numbers_only or c.kind in NUMERIC or c.name in facts.strings)
            ]
        else:
            used = [name for name in columns if name in facts.strings or (name.isidentifier() and name in facts.names)]
    if not used:
        return [], []
    kept = set(used)
    return used, [name for name in columns if name not in kept]


def texts_as_categories(profile: TaskProfile, telemetry: Telemetry, facts: ScriptFacts, used: list[str]) -> list[str]:
    """Text and list columns in use that go to a category encoder: told by the script, named beside one, or swept up with no reader of
    text in sight."""
    texts = [column.name for column in profile.columns if column.kind in (ColumnKind.TEXT, ColumnKind.LIST) and column.name in used]
    told = [name for name in texts if name in telemetry.text_as_category]
    if told or not facts.parsed:
        return told
    named = [name for name in texts if name in facts.category_columns]
    if named:
        return named
    swept = facts.takes_all and facts.mentions(*CATEGORY_ENCODERS) and not facts.mentions(*TEXT_READERS)
    return texts if swept else []
