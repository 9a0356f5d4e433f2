"""One step judged end to end: planted faults are refused with their kind, honest steps are not."""

import json

import numpy as np
import pandas as pd
import pytest

from gome_graph.records import Outcome, Stage, StepId, VerdictKind
from gome_graph.validation import Incumbent, audit_score, judge_permuted, permuted_label_job, validate
from gome_graph.validation.alignment import Audit, examine
from gome_graph.validation.influence import influence
from gome_graph.validation.policy import ValidationPolicy
from gome_graph.validation.signals import depends_on_inputs, signal

TASKS = ("binary", "labels", "classes", "number")
FULL = Stage.FULL


@pytest.fixture(params=TASKS)
def task(request):
    return request.getfixturevalue(request.param)


def judge(task, kit, raw, folder, **more):
    return validate(task, kit.write(task, raw, folder), kit.ran(), stage=FULL, **more)


def incumbent(task, kit, folder, columns="ab") -> Incumbent:
    return Incumbent(StepId("t0-0"), kit.write(task, kit.script(task, task.input_dir(FULL), columns=columns), folder), 10.0)


def reruns(task, kit, folder, **how):
    """A rerun that runs the same script on the input it is given."""

    def rerun(input_dir):
        return kit.ran(Stage.SAMPLE), kit.write(task, kit.script(task, input_dir, **how), folder, Stage.SAMPLE)

    return rerun


def test_the_first_honest_solution_is_accepted(task, kit, tmp_path):
    found = judge(task, kit, kit.script(task, task.input_dir(FULL)), tmp_path / "w")
    assert found.verdict.accepted, found.verdict.reason
    assert not found.suspicious
    assert found.score.rows == len(task.truth)
    assert found.score.standard_error > 0


def test_a_real_improvement_is_accepted_with_its_numbers(task, kit, tmp_path):
    found = judge(task, kit, kit.script(task, task.input_dir(FULL)), tmp_path / "new", incumbent=incumbent(task, kit, tmp_path / "old"))
    verdict = found.verdict
    assert verdict.accepted, verdict.reason
    assert verdict.against == "t0-0"
    assert verdict.gain > 0
    assert verdict.gain_in_noise == pytest.approx(verdict.gain / verdict.gain_error)
    assert verdict.p_better >= verdict.threshold
    assert "P(better)" in verdict.reason


def test_a_worse_solution_is_not_better(task, kit, tmp_path):
    old = incumbent(task, kit, tmp_path / "old", "abcd")
    found = judge(task, kit, kit.script(task, task.input_dir(FULL), columns="ab"), tmp_path / "new", incumbent=old)
    assert found.verdict.kind is VerdictKind.NOT_BETTER
    assert found.verdict.gain < 0


def test_the_same_predictions_again_are_not_better(task, kit, tmp_path):
    old = incumbent(task, kit, tmp_path / "old", "abcd")
    found = judge(task, kit, kit.script(task, task.input_dir(FULL)), tmp_path / "new", incumbent=old)
    assert found.verdict.kind is VerdictKind.NOT_BETTER


def test_a_claimed_score_is_never_read(task, kit, tmp_path):
    old = incumbent(task, kit, tmp_path / "old", "abcd")
    output = kit.write(task, kit.script(task, task.input_dir(FULL), columns="ab"), tmp_path / "new")
    (output / "telemetry.jsonl").write_text('{"kind": "fold", "fold": 0, "valid_score": 1.0}\n')
    assert validate(task, output, kit.ran(log_tail="final score 1.0"), stage=FULL, incumbent=old).verdict.kind is VerdictKind.NOT_BETTER


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.OK])
def test_how_a_script_ended_keeps_its_kind(binary, kit, tmp_path, outcome):
    found = validate(binary, tmp_path / "output", kit.ran(outcome=outcome, error_class="ValueError", error_message="x"), stage=FULL)
    assert found.verdict.kind.value == outcome.value
    assert found.score is None


def test_shuffled_rows_are_misaligned(task, kit, tmp_path):
    raw = kit.script(task, task.input_dir(FULL))
    raw.oof = raw.oof[np.random.default_rng(0).permutation(len(raw.oof))]
    assert judge(task, kit, raw, tmp_path / "w").verdict.kind is VerdictKind.MISALIGNED


def test_rows_shuffled_in_both_files_are_misaligned(task, kit, tmp_path):
    raw = kit.script(task, task.input_dir(FULL))
    rng = np.random.default_rng(0)
    raw.oof, raw.sub = rng.permutation(raw.oof), rng.permutation(raw.sub)
    assert judge(task, kit, raw, tmp_path / "w").verdict.kind is VerdictKind.MISALIGNED


def test_rows_shuffled_in_the_submission_alone_are_misaligned(task, kit, tmp_path):
    raw = kit.script(task, task.input_dir(FULL))
    raw.sub = np.random.default_rng(0).permutation(raw.sub)
    assert judge(task, kit, raw, tmp_path / "w").verdict.kind in (VerdictKind.MISALIGNED, VerdictKind.LEAKAGE)


def test_rows_in_fold_order_are_misaligned(task, kit, tmp_path):
    raw = kit.script(task, task.input_dir(FULL))
    raw.oof = raw.oof[np.argsort(task.folds, kind="stable")]
    assert judge(task, kit, raw, tmp_path / "w").verdict.kind is VerdictKind.MISALIGNED


def test_one_shuffled_fold_is_found(task, kit, tmp_path):
    raw = kit.script(task, task.input_dir(FULL))
    rows = np.flatnonzero(task.folds == 2)
    raw.oof[rows] = np.random.default_rng(0).permutation(raw.oof[rows])
    found = judge(task, kit, raw, tmp_path / "w")
    assert found.verdict.kind is VerdictKind.MISALIGNED
    assert "fold 2" in found.verdict.reason


def test_constant_predictions_are_misaligned(task, kit, tmp_path):
    raw = kit.script(task, task.input_dir(FULL))
    raw.oof = np.broadcast_to(raw.oof.mean(axis=0), raw.oof.shape).copy()
    assert judge(task, kit, raw, tmp_path / "w").verdict.kind is VerdictKind.MISALIGNED


def test_the_most_frequent_label_everywhere_is_a_poor_solution_and_any_other_is_an_error(labels, kit, tmp_path):
    raw = kit.script(labels, labels.input_dir(FULL))
    frequent = int(np.bincount(labels.truth).argmax())
    found = {}
    for code in range(len(labels.format.classes)):
        same = kit.Raw(*(np.tile(np.eye(len(labels.format.classes))[code], (len(part), 1)) for part in (raw.oof, raw.sub)))
        found[code] = judge(labels, kit, same, tmp_path / str(code)).verdict.kind
    assert found.pop(frequent) is VerdictKind.ACCEPTED
    assert set(found.values()) == {VerdictKind.MISALIGNED}


def test_predictions_that_point_the_wrong_way_are_misaligned(binary, kit, tmp_path):
    raw = kit.script(binary, binary.input_dir(FULL))
    found = judge(binary, kit, kit.Raw(-raw.oof, -raw.sub), tmp_path / "w")
    assert found.verdict.kind is VerdictKind.MISALIGNED


def test_training_on_the_rows_predicted_is_leakage(task, kit, tmp_path):
    leaking = kit.script(task, task.input_dir(FULL), leak=True)
    found = judge(task, kit, leaking, tmp_path / "w", rerun=reruns(task, kit, tmp_path / "again", leak=True))
    assert found.verdict.kind is VerdictKind.LEAKAGE


def test_a_forged_oof_is_leakage(task, kit, tmp_path):
    raw = kit.script(task, task.input_dir(FULL))
    raw.oof = task.truth.astype(float) if task.format.kind == "number" else np.eye(len(task.format.classes))[task.truth]

    def rerun(input_dir):
        shown = task.format.truth(pd.read_csv(input_dir / "train.csv", dtype=str))
        forged = kit.script(task, input_dir)
        forged.oof = shown if task.format.kind == "number" else np.eye(len(task.format.classes))[shown]
        return kit.ran(Stage.SAMPLE), kit.write(task, forged, tmp_path / "again", Stage.SAMPLE)

    found = judge(task, kit, raw, tmp_path / "w", rerun=rerun)
    assert found.verdict.kind is VerdictKind.LEAKAGE


def test_a_leak_is_told_apart_from_a_crash_and_carries_no_audit_number(number, kit, tmp_path):
    found = judge(number, kit, kit.script(number, number.input_dir(FULL), leak=True), tmp_path / "w")
    hidden = audit_score(number, tmp_path / "w" / "output")
    assert found.verdict.kind is VerdictKind.LEAKAGE
    text = json.dumps(found.verdict.model_dump(mode="json"))
    assert f"{hidden.value:.3f}" not in text
    assert not any(c.isdigit() for c in next(check.detail for check in found.verdict.checks if check.name == "audit gap"))


def test_a_suspicious_honest_script_survives_the_permuted_rerun(number, kit, tmp_path):
    eager = ValidationPolicy(suspicious_gain=0.1)
    found = judge(
        number, kit, kit.script(number, number.input_dir(FULL)), tmp_path / "new",
        incumbent=incumbent(number, kit, tmp_path / "old"), policy=eager, rerun=reruns(number, kit, tmp_path / "again"),
    )  # fmt: skip
    assert found.suspicious
    assert found.verdict.accepted
    assert any(check.name == "permuted labels" and check.passed for check in found.verdict.checks)


def test_the_permuted_input_differs_in_nothing_but_the_labels(labels, tmp_path):
    job = permuted_label_job(labels, tmp_path / "p", seed=3)
    source = labels.input_dir(Stage.SAMPLE)
    assert sorted(p.name for p in job.input_dir.iterdir()) == sorted(p.name for p in source.iterdir())
    lines, original = ((folder / "train.csv").read_text().splitlines() for folder in (job.input_dir, source))
    assert lines != original
    assert [line.rsplit(",", 1)[0] for line in lines] == [line.rsplit(",", 1)[0] for line in original]
    assert (job.input_dir / "test.csv").read_bytes() == (source / "test.csv").read_bytes()
    shown = [labels.format.classes.index(line.rsplit(",", 1)[1]) for line in lines[1:]]
    assert shown == job.truth.tolist()


def test_chance_on_permuted_labels_is_no_leak(labels):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 200)
    assert not judge_permuted(labels.metric, truth, rng.integers(0, 3, 200), ValidationPolicy())[0]
    assert judge_permuted(labels.metric, truth, np.where(rng.random(200) < 0.5, truth, 0), ValidationPolicy())[0]


def test_predictions_are_kept_for_the_next_comparison(number, kit, tmp_path):
    old = incumbent(number, kit, tmp_path / "old")
    validate(number, old.output_dir, kit.ran(), stage=FULL)
    (old.output_dir / "oof.csv").unlink()
    found = judge(number, kit, kit.script(number, number.input_dir(FULL)), tmp_path / "new", incumbent=old)
    assert found.verdict.accepted
    assert np.load(tmp_path / "new" / "oof.npy", allow_pickle=False).shape == number.truth.shape


def test_arrays_planted_by_a_script_are_replaced(number, kit, tmp_path):
    raw = kit.script(number, number.input_dir(FULL))
    output = kit.write(number, raw, tmp_path / "w")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "w" / "oof.npy").symlink_to(victim)
    validate(number, output, kit.ran(), stage=FULL)
    assert victim.read_text() == "precious"
    np.testing.assert_allclose(np.load(tmp_path / "w" / "oof.npy"), raw.oof)


def test_audit_score_is_that_of_the_audit_rows(number, kit, tmp_path):
    raw = kit.script(number, number.input_dir(FULL))
    output = kit.write(number, raw, tmp_path / "w")
    score = audit_score(number, output)
    where = [number.test_ids(FULL).tolist().index(i) for i in number.vault.audit_ids.tolist()]
    assert score.value == pytest.approx(number.metric.score(number.vault.audit_truth, raw.sub[where]))
    assert score.rows == len(number.vault.audit_ids)


def test_a_weak_honest_model_of_noise_is_not_called_misaligned(number):
    rng = np.random.default_rng(0)
    inputs = number.train_frame()[list("abcd")]
    truth, folds = rng.normal(size=len(inputs)), number.folds
    overfit = inputs["a"].to_numpy() + 0.5 * inputs["b"].to_numpy() ** 2
    found = influence(number.metric, truth, overfit, folds)
    seen = examine(number.metric, truth, overfit, found, folds, None, inputs=lambda: inputs, policy=ValidationPolicy())
    assert seen.kind is None


def test_inputs_are_recognised_in_predictions_of_their_rows_only(number):
    inputs = number.train_frame()[list("abcd")]
    prediction = np.tanh(inputs["c"].to_numpy())
    assert depends_on_inputs(prediction, inputs)
    assert not depends_on_inputs(np.random.default_rng(1).permutation(prediction), inputs)


def test_a_gap_under_a_time_split_raises_suspicion_only(number):
    rng = np.random.default_rng(0)
    truth, folds = rng.normal(size=600), np.arange(600) % 5
    oof = truth + 0.1 * rng.normal(size=600)
    later = rng.normal(size=80)
    poor = later + rng.normal(size=80)
    audit = Audit(later, poor, influence(number.metric, later, poor, np.zeros(80, dtype=int)))
    found = influence(number.metric, truth, oof, folds)
    still, moving = (examine(number.metric, truth, oof, found, folds, audit, drifts=d, policy=ValidationPolicy()) for d in (False, True))
    assert still.kind is VerdictKind.LEAKAGE
    assert moving.kind is None
    assert moving.suspicions


def test_signal_is_about_nothing_for_shuffled_predictions(number):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=500)
    assert abs(signal(number.metric, truth, rng.permutation(truth))) < 3.5
    assert signal(number.metric, truth, truth + rng.normal(size=500)) > 10


def test_a_handful_of_labels_says_nothing_of_the_inputs():
    rng = np.random.default_rng(0)
    inputs = pd.DataFrame({"a": rng.normal(size=500)})
    few, many = np.zeros(500, dtype=int), (rng.random(500) < 0.5).astype(int)
    few[:10] = 1
    assert depends_on_inputs(few, inputs)
    assert not depends_on_inputs(many, inputs)
