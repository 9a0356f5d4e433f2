"""The diagnostic pack: every fact of a step, gathered."""

import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gome_graph.diagnosis.calibration import calibration_facts
from gome_graph.diagnosis.codes import ColumnCodes, column_codes
from gome_graph.diagnosis.columns import column_use, texts_as_categories
from gome_graph.diagnosis.decisions import decision_gains
from gome_graph.diagnosis.label_noise import label_noise_facts
from gome_graph.diagnosis.log import unified_diff, warnings_in
from gome_graph.diagnosis.members import agreement_facts
from gome_graph.diagnosis.quality import best_threshold, class_facts, residual_facts, trivial_score
from gome_graph.diagnosis.script import read_script
from gome_graph.diagnosis.signal import signed_residuals
from gome_graph.diagnosis.slices import worst_slices
from gome_graph.diagnosis.spread import spread_facts
from gome_graph.diagnosis.tables import residual_structure, tables_of
from gome_graph.diagnosis.telemetry import Telemetry, read_telemetry
from gome_graph.records import Bytes, DiagnosticPack, Execution, Score, Seconds, SliceFacts, StepId, StepSummary, TaskProfile

if TYPE_CHECKING:
    from gome_graph.task import Measured

TELEMETRY = "telemetry.jsonl"


def build_pack(
    *,
    step: StepId,
    profile: TaskProfile,
    execution: Execution,
    score: Score | None,
    verdict_kind: str | None,
    verdict_reason: str,
    measured: "Measured | None",
    output_dir: Path,
    script: str,
    incumbent_script: str | None,
    history: list[StepSummary],
    time_limit: Seconds = 0.0,
    cpus: int = 0,
    memory_limit: Bytes = 0,
) -> DiagnosticPack:
    """Gather the facts of one step.

    Parameters
    ----------
    step, profile, execution, score
        As recorded; `score` is None if there are no valid predictions.
    verdict_kind, verdict_reason
        Of the step's verdict; kind None before validation.
    measured : Measured or None
        Arrays behind the score (training rows only, never audit rows); None for a script that failed. Without a prediction in it
        nothing but the trivial score is computed from it.
    output_dir : Path
        The script's ``output/`` folder; ``telemetry.jsonl`` in it may be missing or hostile.
    script, incumbent_script : str
        Texts of ``solution.py``; the second is None for a root.
    history : list of StepSummary
        Earlier steps of the trace, oldest first.
    time_limit, cpus, memory_limit
        What the script was given; 0 if unknown.

    Returns
    -------
    DiagnosticPack
        About 20 to 40 ms of CPU for 10,000 rows and 30 columns, and some 200 ms more at the first step of a run, which measures the tables
        (see `benchmarks/diagnosis_overhead.py`).
    """
    telemetry = read_telemetry(output_dir / TELEMETRY)
    facts = read_script(script)
    used, unused = column_use(profile, telemetry, facts)
    names = {column.name for column in profile.columns}
    pack: dict[str, Any] = {}
    if measured is not None:
        pack["trivial_score"] = _trivial(measured)
        tables = tables_of(measured, profile)
        pack["tables"], pack["drift"] = tables.facts, tables.facts.drift
        if measured.prediction is not None:
            codes = column_codes(measured.frame, profile)
            pack["slices"] = _slices(measured, codes)
            pack["spread"] = spread_facts(measured, codes)
            pack["structure"] = residual_structure(signed_residuals(measured), tables)
            pack["label_noise"] = label_noise_facts(measured)
            pack["decisions"] = decision_gains(measured)
            pack["distinct_predictions"] = _distinct(measured)
            pack["residuals"] = residual_facts(measured)
            pack["classes"] = class_facts(measured)
            pack["calibration"] = calibration_facts(measured)
            pack["best_threshold"] = best_threshold(measured)
    return DiagnosticPack(
        step=step, profile=profile, execution=execution, verdict=verdict_kind, verdict_reason=verdict_reason, score=score,
        folds=telemetry.folds, curve=sorted(telemetry.curve), used_columns=used, unused_columns=unused,
        importance=_known(telemetry.importance, names), text_as_category=texts_as_categories(profile, telemetry, facts, used),
        phases=_phases(telemetry), warnings=warnings_in(execution.log_tail), peak_memory_bytes=execution.peak_memory_bytes,
        history=history, diff=unified_diff(incumbent_script, script), weights=telemetry.weights,
        agreement=agreement_facts(telemetry.agreement, measured), time_limit=time_limit, cpus=cpus, memory_limit=memory_limit,
        malformed_telemetry=telemetry.malformed, **pack,
    )  # fmt: skip


def _slices(measured: "Measured", codes: ColumnCodes) -> list[SliceFacts]:
    return [] if measured.row_losses is None else worst_slices(np.asarray(measured.row_losses), codes)


def _distinct(measured: "Measured") -> int:
    """Distinct values of one column of the predictions, up to 3."""
    first = np.asarray(measured.prediction).reshape(len(measured.truth), -1)[:, 0]
    seen = len(np.unique(first[:2000]))  # a cheap look first: most predictions have many values
    return 3 if seen >= 3 else min(3, len(np.unique(first)))


def _known(importance: dict[str, float], names: set[str]) -> dict[str, float]:
    """The part that is about input columns, scaled to add up to 1."""
    kept = {name: value for name, value in importance.items() if name in names}
    total = sum(kept.values())
    return {name: value / total for name, value in kept.items()} if total > 0 else {}


def _phases(telemetry: Telemetry) -> dict[str, Seconds]:
    """Reported phases; the folds' seconds stand in for a fit phase that was not reported."""
    fit = sum(fold.seconds or 0.0 for fold in telemetry.folds)
    return telemetry.phases if telemetry.phases or not fit else {"fit": fit}


_trivial_scores: dict[int, tuple["weakref.ref[Any]", str, float | None]] = {}
_lock = threading.Lock()


def _trivial(measured: "Measured") -> float | None:
    """`trivial_score`, computed once for a run: it depends on nothing but the truth and the metric."""
    key = id(measured.truth)
    with _lock:
        held = _trivial_scores.get(key)
        if held is not None and held[0]() is measured.truth and held[1] == measured.metric.name:
            return held[2]
        made = trivial_score(measured)
        _trivial_scores[key] = (weakref.ref(measured.truth, lambda _: _trivial_scores.pop(key, None)), measured.metric.name, made)
        return made
