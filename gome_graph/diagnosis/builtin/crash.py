"""Symptoms ``crash_*``: why a script failed, by class. At most one a step."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin.common import column_evidence, evidence
from gome_graph.records import Component, DiagnosticPack, Evidence, Finding, Outcome

if TYPE_CHECKING:
    from gome_graph.task import Measured

COLUMN_SIGNS = re.compile(
    r"not in index|not found in axis|not in columns|columns are missing|none of \[.*\] are in the|unknown column|not a column name|"
    r"column.{0,40}(not found|does not exist|missing)|usecols do not match", re.IGNORECASE
)  # fmt: skip
NAN_SIGNS = re.compile(r"contains? (nan|infinity)|input.{0,20}nan|cannot convert (non-finite|float nan)|nan.{0,30}not (allowed|supported)|"
                       r"infinity or a value too large|cannot convert float infinity", re.IGNORECASE)  # fmt: skip
TYPE_SIGNS = re.compile(
    r"could not convert string|unsupported operand|must be int, float or bool|invalid literal for|can(not|'t) convert|"
    r"bad value for num_feature|not supported between instances|dtype|must be real number|cannot be cast|unknown label type", re.IGNORECASE
)  # fmt: skip
FORMAT_VERDICTS = frozenset({"bad_format", "misaligned"})
DIRECTIONS = {
    "crash_missing_module": "use only libraries that are installed, or fall back when one is missing",
    "crash_memory": "less memory: sparse or float32 features, smaller models, fewer copies, one model at a time",
    "crash_missing_column": "use the columns that train and test really have",
    "crash_type": "encode strings and dates before the model sees them",
    "crash_nan": "impute missing values, or use a model that takes them",
    "crash_timeout": "a much cheaper script: fewer rounds, folds fits or features",
    "crash_format": "write oof.csv and submission.csv with the ids and columns asked for, finite and complete",
    "crash_other": "mend the error that the traceback shows",
}


def crash_class(pack: DiagnosticPack) -> str | None:
    """The symptom of a step that failed; None for one that ran and wrote valid files, or was stopped from outside."""
    run = pack.execution
    name, text = run.error_class or "", run.error_message or ""
    if run.outcome is Outcome.STOPPED:
        return None
    if run.outcome is Outcome.OK:
        return "crash_format" if str(pack.verdict or "") in FORMAT_VERDICTS else None
    if run.outcome is Outcome.TIMED_OUT:
        return "crash_timeout"
    if (
        run.outcome is Outcome.OUT_OF_MEMORY
        or name.endswith("MemoryError")
        or "bad_alloc" in text
        or "cannot allocate memory" in text.lower()
    ):
        return "crash_memory"
    if name in ("ModuleNotFoundError", "ImportError"):
        return "crash_missing_module"
    if (
        (name == "KeyError" and _columns(pack))
        or COLUMN_SIGNS.search(text)
        or (name == "KeyError" and re.fullmatch(r"(KeyError: )?'[^']*'", text))
    ):
        return "crash_missing_column"
    if NAN_SIGNS.search(text):
        return "crash_nan"
    if name == "TypeError" or TYPE_SIGNS.search(text):
        return "crash_type"
    return "crash_other"


def diagnose(pack: DiagnosticPack, data: "Measured | None") -> Iterable[Finding]:
    """Severity = 1: a script that fails scores nothing."""
    symptom = crash_class(pack)
    if symptom is None:
        return
    run = pack.execution
    what = run.error_message or run.detail or pack.verdict_reason or run.outcome.value
    if symptom == "crash_format":
        what = pack.verdict_reason or what
    columns = _columns(pack)
    yield Finding(
        symptom=symptom, component=Component.DATA if symptom in ("crash_missing_column", "crash_type", "crash_nan") else Component.WORKFLOW,
        severity=1.0, summary=f"After {run.wall_seconds:.1f} s at stage {run.stage.value}: {what[:300]}",
        evidence=[*_evidence(pack, symptom), *column_evidence(pack, columns, "kind")], direction=DIRECTIONS[symptom], columns=columns,
    )  # fmt: skip


def _evidence(pack: DiagnosticPack, symptom: str) -> list[Evidence]:
    if symptom == "crash_format":
        return evidence(pack, "verdict_reason")
    refs = ["execution.outcome", "execution.error_class", "execution.error_message"]
    refs += {"crash_memory": ["execution.peak_memory_bytes"], "crash_timeout": ["execution.wall_seconds", "time_limit"]}.get(symptom, [])
    return [item for ref in refs for item in evidence(pack, ref)]


def _columns(pack: DiagnosticPack) -> list[str]:
    """Input columns (and other tables' columns) that the error names in quotes."""
    named = set(re.findall(r"'([^']{1,100})'", pack.execution.error_message or "")) | set(
        re.findall(r'"([^"]{1,100})"', pack.execution.error_message or "")
    )
    known = [*(column.name for column in pack.profile.columns), *pack.profile.train_only, *pack.profile.target.columns]
    return [name for name in known if name in named]
