"""Validation of one step: format -> alignment -> comparison -> verdict with its numbers."""

import contextlib
import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gome_graph.records import Check, Execution, Outcome, Score, Seconds, Stage, StepId, Verdict, VerdictKind
from gome_graph.task import PreparedTask
from gome_graph.task.metrics.base import Array
from gome_graph.validation.alignment import Audit, Examination, examine
from gome_graph.validation.comparison import Comparison, compare_influences
from gome_graph.validation.format import Refused, read_output
from gome_graph.validation.influence import Influence, influence
from gome_graph.validation.policy import ValidationPolicy
from gome_graph.validation.probes import judge_permuted, permuted_label_job
from gome_graph.validation.scoring import score_from, score_predictions
from gome_graph.validation.sentences import comparison_text, score_text

if TYPE_CHECKING:
    import pandas as pd

Rerun = Callable[[Path], tuple[Execution, Path]]
"""Runs the step's script on another input folder at sample stage: input folder -> (execution, its output folder)."""

PROBE_SEED = 20_260_301
"""Seed of the permutation of labels; any fixed number serves, since no script sees true and permuted labels side by side."""

LEAST_TEST, MOST_TEST = 60, 3000
"""Test rows below which nothing can be told of their predictions, and above which nothing more is learnt."""

_OUTCOMES = {
    Outcome.CRASHED: VerdictKind.CRASHED,
    Outcome.TIMED_OUT: VerdictKind.TIMED_OUT,
    Outcome.OUT_OF_MEMORY: VerdictKind.OUT_OF_MEMORY,
    Outcome.LIMIT: VerdictKind.LIMIT,
    Outcome.STOPPED: VerdictKind.STOPPED,
}


@dataclass(frozen=True)
class Incumbent:
    """The accepted solution that a step must beat."""

    step: StepId
    output_dir: Path
    """Its ``output/``, full stage."""
    seconds: Seconds
    """Its wall time at full stage."""
    complexity: float = 0.0
    """Any measure of its script that grows with complexity (lines, models fitted); 0 if unknown."""


@dataclass(frozen=True)
class Validation:
    """A verdict and what was measured on the way."""

    verdict: Verdict
    score: Score | None
    prediction: "Array | None"
    """Encoded out-of-fold predictions, if they are well formed."""
    suspicious: bool
    """A permuted-label rerun is due, or was made: the score is too good to be taken on trust."""


def validate(
    prepared: PreparedTask,
    output_dir: Path,
    execution: Execution,
    *,
    stage: Stage,
    incumbent: Incumbent | None = None,
    policy: ValidationPolicy | None = None,
    rerun: Rerun | None = None,
    complexity: float = 0.0,
    probe_doubts: bool = True,
) -> Validation:
    """Judge what a script left in `output_dir`.

    At smoke, sample and final stage an ``accepted`` verdict means: well formed. At full stage the
    predictions are examined (see `alignment`) and
    compared with the incumbent's; without an incumbent a valid solution is accepted. A solution that would be accepted, but is the first
    of its
    trace, gains a lot or is not confirmed by unseen rows, is run again on permuted labels (a sample-stage run) if `rerun` is given, and
    refused as leakage if it still beats chance. Without `probe_doubts` only suspicious solutions are run again, not first ones and large
    gains: on a short budget such a rerun costs a step.
    """
    policy = policy or ValidationPolicy()
    kind = _OUTCOMES.get(execution.outcome)
    if kind is not None:
        return _refusal(kind, _outcome_reason(execution), [])
    try:
        output = read_output(prepared, output_dir, stage)
    except Refused as refused:
        return _refusal(refused.kind, refused.reason, refused.checks)
    if stage is not Stage.FULL:
        return _early(prepared, output.oof, output.checks, stage)
    _keep(output_dir, output.oof, output.submission)
    groups = row_groups(prepared)
    found = influence(prepared.metric, prepared.truth, output.oof, prepared.folds, groups)
    audit = _audit(prepared, output.submission)
    before = _load(prepared, incumbent, groups) if incumbent else None
    seen = examine(
        prepared.metric, prepared.truth, output.oof, found, prepared.folds, audit,
        incumbent=before, inputs=lambda: _inputs(prepared), test=_test(prepared, output.submission),
        drifts=prepared.task.split.startswith("time:"), policy=policy,
    )  # fmt: skip
    checks = [*output.checks, *seen.checks]
    if seen.kind is not None:
        score = score_from(prepared.metric, found, prepared.truth, output.oof, prepared.folds) if math.isfinite(found.value) else None
        return _refusal(seen.kind, seen.reason, checks, score=score, prediction=output.oof, suspicious=bool(seen.suspicions))
    score = score_from(prepared.metric, found, prepared.truth, output.oof, prepared.folds)
    result = None
    if incumbent is not None and before is not None:
        simpler = 0 < complexity <= policy.cheaper_ratio * incumbent.complexity
        result = compare_influences(
            prepared.metric, found, before[0], prepared.folds,
            cost_new=execution.whole_seconds, cost_old=incumbent.seconds, simpler=simpler, policy=policy,
        )  # fmt: skip
        if result.gain_in_noise > policy.suspicious_gain:
            seen.suspicions.append(f"a gain of {result.gain_in_noise:.0f} noise units")
        elif result.gain > policy.doubtful_gain * score.standard_error:
            seen.doubts.append("a gain above the noise of the score itself")
    else:
        seen.doubts.append("a first solution")
    if (seen.suspicions or (seen.doubts and rerun is not None and probe_doubts)) and (result is None or result.accepted):
        refusal = _permuted(prepared, seen, rerun, policy)
        checks = [*output.checks, *seen.checks]
        if refusal is not None:
            return _refusal(VerdictKind.LEAKAGE, refusal, checks, score=score, prediction=output.oof, suspicious=True)
    verdict = (
        _first(score, checks)
        if result is None or incumbent is None or before is None
        else _compared(score, before[0], incumbent, result, checks)
    )
    return Validation(verdict, score, output.oof, bool(seen.suspicions))


def audit_score(prepared: PreparedTask, output_dir: Path) -> Score | None:
    """Score of the audit rows in a full-stage ``submission.csv``, for final selection and the report only; None if there is no audit
    part."""
    kept = _kept(output_dir.parent / "submission.npy")
    if kept is None or len(kept) != len(prepared.test_ids(Stage.FULL)):
        try:
            kept = read_output(prepared, output_dir, Stage.FULL).submission
        except Refused:
            return None
    audit = _audit(prepared, kept)
    if audit is None or not math.isfinite(audit.found.value):
        return None
    return score_predictions(prepared.metric, audit.truth, audit.prediction, np.zeros(len(audit.truth), dtype=np.int64))


def row_groups(prepared: PreparedTask) -> "Array | None":
    """Group of each full-stage training row if the split is grouped; None if rows are independent."""
    column = prepared.profile.group_column
    if column is None or not prepared.task.split.startswith("group:"):
        return None
    frame = prepared.train_frame()
    return frame[column].astype(str).to_numpy() if column in frame else None


def _refusal(
    kind: VerdictKind,
    reason: str,
    checks: list[Check],
    *,
    score: Score | None = None,
    prediction: "Array | None" = None,
    suspicious: bool = False,
) -> Validation:
    return Validation(Verdict(kind=kind, reason=reason, score=score, checks=checks), score, prediction, suspicious)


def _outcome_reason(execution: Execution) -> str:
    if execution.outcome is Outcome.CRASHED and execution.error_class:
        return f"The script ended with {execution.error_class}: {execution.error_message or 'no message'}"
    return execution.detail or f"The script's run ended as {execution.outcome.value} after {execution.wall_seconds:.1f} s."


def _early(prepared: PreparedTask, oof: Array, checks: list[Check], stage: Stage) -> Validation:
    rows = prepared.rows(stage)
    truth, folds = (prepared.final_truth, prepared.final_folds) if stage is Stage.FINAL else (prepared.truth, prepared.folds)
    score = score_predictions(prepared.metric, truth[rows], oof, folds[rows])
    kept = score if math.isfinite(score.value) and math.isfinite(score.standard_error) else None
    reason = f"Well formed on {len(rows)} rows at {stage.value} stage" + (f", {score_text(kept)}." if kept else ".")
    return Validation(Verdict(kind=VerdictKind.ACCEPTED, reason=reason, score=kept, checks=checks), kept, oof, False)


def _first(score: Score, checks: list[Check]) -> Verdict:
    return Verdict(
        kind=VerdictKind.ACCEPTED,
        reason=f"First valid solution of the trace: {score_text(score)} on {score.rows:,} rows.",
        score=score,
        checks=[*checks, Check(name="comparison", passed=True, detail="no incumbent to beat")],
    )


def _compared(score: Score, old: Influence, incumbent: Incumbent, result: Comparison, checks: list[Check]) -> Verdict:
    numbers = comparison_text(score, old.value, result)
    if result.near_tie:
        kind, reason = (
            VerdictKind.ACCEPTED,
            f"A near tie that is clearly cheaper or simpler: {numbers}, P(not worse) {result.p_not_worse:.2f}.",
        )
    elif result.accepted:
        kind, reason = VerdictKind.ACCEPTED, f"Better: {numbers} >= {result.threshold:.2f}."
    else:
        kind, reason = VerdictKind.NOT_BETTER, f"Not surely better: {numbers} < {result.threshold:.2f}."
    finite = math.isfinite(result.gain)
    return Verdict(
        kind=kind, reason=reason, score=score, against=incumbent.step, gain=result.gain if finite else None,
        gain_error=result.gain_error if finite else None, gain_in_noise=result.gain_in_noise,
        p_better=result.p_better, threshold=result.threshold,
        checks=[*checks, Check(name="comparison", passed=result.accepted, detail=numbers)],
    )  # fmt: skip


def _permuted(prepared: PreparedTask, seen: Examination, rerun: Rerun | None, policy: ValidationPolicy) -> str | None:
    """Run the script on permuted labels; the reason to refuse it, or None."""
    why = ", ".join(dict.fromkeys([*seen.suspicions, *seen.doubts]))
    if rerun is None:
        seen.checks.append(Check(name="permuted labels", passed=True, detail=f"due because of {why}, but not run"))
        return None
    job = permuted_label_job(prepared, prepared.root / "probes" / "permuted", seed=PROBE_SEED)
    execution, output_dir = rerun(job.input_dir)
    if not execution.ok:
        seen.checks.append(
            Check(
                name="permuted labels", passed=True, detail=f"rerun because of {why}; it {execution.outcome.value}, which decides nothing"
            )
        )
        return None
    try:
        oof = read_output(prepared, output_dir, Stage.SAMPLE).oof
    except Refused as refused:
        seen.checks.append(
            Check(name="permuted labels", passed=True, detail=f"rerun because of {why}; its output was refused: {refused.reason}")
        )
        return None
    leaks, noise = judge_permuted(prepared.metric, job.truth, oof, policy)
    detail = f"rerun on permuted labels because of {why}: {noise:+.1f} standard deviations from chance"
    seen.checks.append(Check(name="permuted labels", passed=not leaks, detail=detail))
    if not leaks:
        return None
    return (
        f"The script scores {noise:.0f} standard deviations better than chance on permuted labels, so it uses the labels of the "
        f"rows it predicts; "
        "fit encoders and models on the other folds only."
    )


def _inputs(prepared: PreparedTask) -> "pd.DataFrame":
    frame = prepared.train_frame()
    hidden = {*prepared.format.targets, *prepared.profile.train_only, prepared.format.id_column}
    return frame[[c for c in frame.columns if c not in hidden]]


def _test(prepared: PreparedTask, submission: "Array | None") -> "Callable[[], tuple[Array, pd.DataFrame]] | None":
    """Predictions and inputs of the first test rows, read when asked for."""
    if submission is None or len(submission) < LEAST_TEST:
        return None

    def rows() -> "tuple[Array, pd.DataFrame]":
        import pandas as pd

        frame = pd.read_csv(prepared.input_dir(Stage.FULL) / "test.csv", nrows=MOST_TEST, low_memory=False)
        return submission[: len(frame)], frame.drop(columns=[prepared.format.id_column or ""], errors="ignore")

    return rows


def _audit(prepared: PreparedTask, submission: "Array | None") -> Audit | None:
    """The audit rows' part of the predictions for ``test.csv``."""
    ids = prepared.vault.audit_ids
    if submission is None or not len(ids):
        return None
    where = prepared.audit_places
    if (where < 0).any():
        return None
    prediction, truth = submission[where], prepared.vault.audit_truth
    return Audit(truth, prediction, influence(prepared.metric, truth, prediction, np.zeros(len(truth), dtype=np.int64)))


def _load(prepared: PreparedTask, incumbent: Incumbent, groups: "Array | None") -> tuple[Influence, Audit | None]:
    """The incumbent's predictions, from the arrays kept when it was validated, else parsed again."""
    folder = incumbent.output_dir.parent
    oof, submission = _kept(folder / "oof.npy"), _kept(folder / "submission.npy")
    if oof is None or len(oof) != len(prepared.truth):
        output = read_output(prepared, incumbent.output_dir, Stage.FULL)
        oof, submission = output.oof, output.submission
        _keep(incumbent.output_dir, oof, submission)
    return influence(prepared.metric, prepared.truth, oof, prepared.folds, groups), _audit(prepared, submission)


def _keep(output_dir: Path, oof: Array, submission: "Array | None") -> None:
    """Write the arrays beside ``output/``. They replace whatever a script may have put there; which rows are audit rows is not told."""
    for name, array in (("oof.npy", oof), ("submission.npy", submission)):
        if array is None or array.dtype.kind not in "iuf":
            continue
        handle, draft = tempfile.mkstemp(dir=output_dir.parent, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                np.save(file, array, allow_pickle=False)
            Path(draft).replace(output_dir.parent / name)
        except OSError:
            with contextlib.suppress(OSError):
                Path(draft).unlink()


def _kept(path: Path) -> "Array | None":
    if path.is_symlink() or not path.is_file():
        return None
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError):
        return None
