"""The journal's unit: one line of ``journal.jsonl``."""

from enum import StrEnum
from typing import Any

from gome_graph.records.base import Record, Seconds, StepId

JOURNAL_VERSION = 1


class EventKind(StrEnum):
    """What can happen in a run. The keys that `Event.data` then holds are named beside each kind."""

    RUN_STARTED = "run_started"
    """task, metric, higher_is_better, seed, traces, budget_seconds, reasoner, strategy, executor, memory, protections, versions, inferred,
    metric_source, derived_from (run and step, in a derived run)"""
    TASK_PREPARED = "task_prepared"
    """rows, test_rows, audit_rows, folds, split, profile"""
    RESUMED = "resumed"
    """spent_seconds"""
    STEP_STARTED = "step_started"
    """hypothesis (Hypothesis), parent (StepId | None), family; merged (list[StepId]) where it takes over members of other steps"""
    EXECUTED = "executed"
    """execution (Execution)"""
    VALIDATED = "validated"
    """verdict (Verdict)"""
    DIAGNOSED = "diagnosed"
    """base (StepId), diagnosis (Diagnosis), findings (list[Finding])"""
    RECALLED = "recalled"
    """momentum: considered, and a line for each of successes and failures"""
    UPDATED = "updated"
    """hypothesis (Hypothesis), patch (Patch summary: edits, whole, share_changed); probes (title, score, seconds, outcome) where
    directions were measured on the sample first"""
    REASONED = "reasoned"
    """what (``fallback``, ``coded``, ``chosen``, ``dropped`` …) and details: how a reasoner came to its answer"""
    REMEMBERED = "remembered"
    """key (of the experience, without its run), verdict; predicted_gain and confidence (of the diagnosis; None for a root), achieved_gain
    (both gains in noise units)"""
    BEST = "best"
    """score (Score): a new best over all traces; its submission is on disk"""
    ANSWERED = "answered"
    """role, model, template, tokens_in, tokens_out, cost (US dollars | None), tries, repaired, seconds: a language model's valid answer,
    with what all its tries used"""
    MODEL_TROUBLE = "model_trouble"
    """role, model, problem, detail, then (what is done about it)"""
    HINT = "hint"
    """text: words of the user that traces know from here on"""
    PINNED = "pinned"
    """wish (its number), reason: a person wants this step handed out"""
    VETOED = "vetoed"
    """wish (its number), verdict (Verdict): a person refused this step, or it was built on one that was refused"""
    PAUSED = "paused"
    """why: ``asked`` or ``review``; the run waits for a person"""
    DECIDED = "decided"
    """action (``continue`` or ``finish``), pin, veto, hints: the answer to a pause"""
    WARNING = "warning"
    """text"""
    TRACE_ENDED = "trace_ended"
    """reason, steps"""
    FINALISING = "finalising"
    """selected (list[StepId]), seeds, seconds_left"""
    FINAL_RUN = "final_run"
    """seed, score, outcome: one re-run of a top-k solution"""
    RUN_FINISHED = "run_finished"
    """a `RunResult`: status, reason, score, first_score, audit (Score | None), spent_seconds, files …"""


class Event(Record):
    """One journalled fact. `n`, `kind`, `trace`, `step` and `data` say what; `at` and `elapsed` say when."""

    v: int = JOURNAL_VERSION
    n: int
    """Sequence number in this journal, from 0."""
    kind: EventKind
    trace: int | None = None
    step: StepId | None = None
    at: str
    """UTC time, ISO 8601."""
    elapsed: Seconds
    """Budget seconds spent when it was written."""
    data: dict[str, Any] = {}
