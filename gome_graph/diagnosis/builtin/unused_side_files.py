"""Symptom ``unused_side_files``: files that go with the rows, or further tables, which the script does not read."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import evidence, script_of, unit
from gome_graph.diagnosis.script import ScriptFacts
from gome_graph.records import Component, DiagnosticPack, FileKind, Finding, RowFiles

if TYPE_CHECKING:
    from gome_graph.task import Measured

READERS = ("open", "imread", "read_text", "read_bytes", "glob", "rglob", "iterdir", "Image", "loadtxt", "genfromtxt")
"""Ways to read files that are named by a column of paths."""
DIRECTIONS = {
    FileKind.GEOMETRY: "describe the atoms: composition, cell, neighbour distances, radial distribution",
    FileKind.IMAGE: "describe the pictures: size, colours, gradients, or features of a pretrained network",
    FileKind.TABLE: "summarise each row's table: mean, spread, extremes of its columns",
    FileKind.JSON: "flatten each row's record into columns",
    FileKind.TEXT: "read each row's text",
    FileKind.OTHER: "find out what the files hold",
}


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 0.9 x the share of the rows that have such a file, 0.7 x the share that a further table knows."""
    script = script_of(data)
    if not script.parsed:
        return
    for place, files in enumerate(pack.profile.row_files):
        if not _reads(script, files):
            yield Finding(
                symptom="unused_side_files", component=Component.FEATURES, severity=unit(0.9 * files.coverage),
                summary=f"The {files.kind} file of each row ({files.train}, {files.coverage:.0%} of the rows) is not read",
                evidence=evidence(pack, f"profile.row_files.{place}"), direction=DIRECTIONS[files.kind],
            )  # fmt: skip
    for place, table in enumerate(pack.profile.linked_tables):
        if not any(table.file.rpartition("/")[2] in text for text in script.strings):
            yield Finding(
                symptom="unused_side_files", component=Component.FEATURES, severity=unit(0.7 * table.coverage),
                summary=f"{table.file} says more of {table.coverage:.0%} of the rows (by {table.key!r}) and is not read",
                evidence=evidence(pack, f"profile.linked_tables.{place}"), columns=[table.key],
                direction="join its columns" if table.unique else "sum it up by its key: count, mean, extremes, last value",
            )  # fmt: skip


def _reads(script: ScriptFacts, files: RowFiles) -> bool:
    """True if the script names the files' ending, or the column of their paths beside something that reads files."""
    ending = re.sub(r"\{[^{}]*\}", "", files.train.rpartition("/")[2]).strip()
    if ending:
        return any(ending in text for text in script.strings)
    return files.key in script.strings and script.mentions(*READERS)
