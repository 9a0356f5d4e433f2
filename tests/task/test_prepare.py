"""The prepared copy: what scripts see at each stage, and what they never see."""

import json
import stat
import time

import numpy as np
import pandas as pd
import pytest

from gome_graph.errors import RunError, TaskError
from gome_graph.records import ColumnKind, Stage, TargetKind
from gome_graph.task import FormatError, PreparedTask, load_task, prepare
from tests.task.make import make_tables, write_task

EARLY = (Stage.SMOKE, Stage.SAMPLE, Stage.FULL)


def table(prepared, stage, name):
    return pd.read_csv(prepared.input_dir(stage) / name, dtype=str, keep_default_na=False)


@pytest.fixture
def prepared(plain_folder, tmp_path):
    return prepare(load_task(plain_folder), tmp_path / "run" / "prepared", seed=0)


def files(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_input_folder_holds_the_promised_files(prepared):
    for stage in Stage:
        names = sorted(path.name for path in prepared.input_dir(stage).iterdir())
        assert names == ["description.md", "folds.csv", "sample_submission.csv", "test.csv", "train.csv"]


def test_arrays_match_the_tables_a_script_sees(prepared):
    for stage in Stage:
        ids, truth, folds = prepared.train_ids, prepared.truth, prepared.folds
        if stage is Stage.FINAL:
            ids, truth, folds = prepared.final_ids, prepared.final_truth, prepared.final_folds
        rows = prepared.rows(stage)
        train = table(prepared, stage, "train.csv")
        assert train["id"].tolist() == ids[rows].tolist()
        assert prepared.format.truth(train).tolist() == truth[rows].tolist()
        shown = table(prepared, stage, "folds.csv")
        assert shown["id"].tolist() == train["id"].tolist()
        assert shown["fold"].astype(int).tolist() == folds[rows].tolist()
        assert table(prepared, stage, "test.csv")["id"].tolist() == prepared.test_ids(stage).tolist()
        assert table(prepared, stage, "sample_submission.csv")["id"].tolist() == prepared.test_ids(stage).tolist()


def test_audit_rows_are_in_test_without_labels_until_the_final_stage(prepared, plain_folder):
    original = pd.read_csv(plain_folder / "train.csv", dtype=str).set_index("id")
    audit = prepared.vault.audit_ids.tolist()

    assert len(audit) == prepared.profile.audit_rows == 60
    assert len(prepared.train_ids) == prepared.profile.rows == 540
    assert set(audit).isdisjoint(prepared.train_ids)
    full = table(prepared, Stage.FULL, "test.csv").set_index("id")
    assert list(full.columns) == ["x", "town", "cabin"]
    assert full.loc[audit].equals(original.loc[audit, ["x", "town", "cabin"]])
    assert prepared.format.truth(original.loc[audit]).tolist() == prepared.vault.audit_truth.tolist()
    places = [full.index.get_loc(name) for name in audit]
    assert np.mean(np.array(places) < 90) == pytest.approx(0.5, abs=0.25)  # mixed in, not appended
    assert set(audit) <= set(prepared.final_ids.tolist())
    assert set(prepared.test_ids(Stage.FINAL)).isdisjoint(audit)


def test_the_test_rows_for_comparison_are_the_real_ones_without_labels(prepared):
    shown = prepared.test_frame()
    assert set(shown["id"]) == set(prepared.test_ids(Stage.FINAL))
    assert set(shown["id"]).isdisjoint(prepared.vault.audit_ids)
    assert set(shown.columns).isdisjoint(prepared.format.targets)
    assert prepared.test_frame() is shown


def test_audit_labels_are_reachable_only_in_vault_and_final_folder(prepared):
    vault = prepared.root / "vault"
    assert stat.S_IMODE(vault.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in vault.iterdir())
    assert stat.S_IMODE(prepared.input_dir(Stage.FINAL).stat().st_mode) == 0o700
    audit = set(prepared.vault.audit_ids.tolist())
    for stage in EARLY:
        assert audit.isdisjoint(table(prepared, stage, "train.csv")["id"])
        assert audit.isdisjoint(table(prepared, stage, "folds.csv")["id"])
        assert set(table(prepared, stage, "sample_submission.csv")["label"]) == {
            prepared.format.classes[np.bincount(prepared.truth).argmax()]
        }


def test_canary_in_the_answers_reaches_no_prepared_file(bench_folder, tmp_path):
    answers = bench_folder / "private" / "answers.csv"
    answers.write_text(answers.read_text().replace("yes", "canary-4711"))
    prepared = prepare(load_task(bench_folder), tmp_path / "prepared", seed=0)
    assert not any(b"canary-4711" in content for content in files(prepared.root).values())


def test_stages_grow_and_cover_classes_and_folds(prepared):
    sizes = [len(prepared.rows(stage)) for stage in EARLY]
    assert sizes == [60, 200, 540]
    for stage in EARLY:
        rows = prepared.rows(stage)
        assert (np.diff(rows) > 0).all()
        assert set(prepared.folds[rows]) == {0, 1, 2, 3, 4}
        assert set(prepared.truth[rows]) == {0, 1}


def test_same_seed_same_bytes_and_other_seed_other_rows(plain_folder, tmp_path):
    task = load_task(plain_folder)
    first, second, other = (prepare(task, tmp_path / name, seed=seed) for name, seed in (("a", 7), ("b", 7), ("c", 8)))
    assert files(first.root) == files(second.root)
    assert set(first.vault.audit_ids) != set(other.vault.audit_ids)


def test_preparing_again_reopens_and_a_changed_table_prepares_anew(plain_folder, tmp_path):
    root = tmp_path / "prepared"
    prepare(load_task(plain_folder), root, seed=0)
    (root / "mark").write_text("x")
    prepare(load_task(plain_folder), root, seed=0)
    assert (root / "mark").exists()

    train = pd.read_csv(plain_folder / "train.csv", dtype=str)
    train.iloc[:-1].to_csv(plain_folder / "train.csv", index=False)
    again = prepare(load_task(plain_folder), root, seed=0)
    assert not (root / "mark").exists()
    assert len(again.final_ids) == 599


def test_failure_leaves_nothing_behind(plain_folder, tmp_path, monkeypatch):
    def full_disk(*_args, **_kwargs):
        raise OSError("no space left")

    monkeypatch.setattr("gome_graph.task.preparing.profile_task", full_disk)
    with pytest.raises(OSError, match="no space"):
        prepare(load_task(plain_folder), tmp_path / "run" / "prepared", seed=0)
    assert list((tmp_path / "run").iterdir()) == []


def test_reopening_gives_the_same_task(prepared):
    again = PreparedTask.open(prepared.root)
    assert (again.task, again.profile, again.format) == (prepared.task, prepared.profile, prepared.format)
    assert again.brief() == prepared.brief()
    assert again.metric.name == "accuracy"


def test_open_says_when_there_is_nothing(tmp_path):
    with pytest.raises(RunError, match="holds no prepared task"):
        PreparedTask.open(tmp_path)


def test_brief_and_profile_describe_the_task(prepared):
    brief = prepared.brief()
    assert (brief.prediction, brief.id_column, brief.prediction_columns, brief.metric) == ("label", "id", ["label"], "accuracy")
    kinds = {column.name: column.kind for column in brief.profile.columns}
    assert kinds == {"x": ColumnKind.NUMBER, "town": ColumnKind.CATEGORY, "cabin": ColumnKind.COMPOUND}
    assert brief.profile.target.kind is TargetKind.BINARY
    assert brief.profile.target.classes == ["no", "yes"]
    assert sum(brief.profile.target.class_shares) == pytest.approx(1)


def test_real_submission_has_the_sample_order_and_no_audit_rows(prepared, plain_folder):
    ids = prepared.test_ids(Stage.FULL)
    sample = pd.read_csv(plain_folder / "sample_submission.csv", dtype=str)
    shuffled = sample.iloc[::-1]
    shuffled.to_csv(plain_folder / "sample_submission.csv", index=False)
    predicted = {name: "yes" if i % 3 else "no" for i, name in enumerate(ids)}

    out = prepared.real_submission(pd.DataFrame({"id": ids, "label": [predicted[name] for name in ids]}))

    assert list(out.columns) == ["id", "label"]
    assert out["id"].tolist() == shuffled["id"].tolist()
    assert out["label"].tolist() == [predicted[name] for name in shuffled["id"]]


def test_real_submission_refuses_missing_rows(prepared):
    ids = prepared.test_ids(Stage.FINAL)
    with pytest.raises(FormatError, match="1 of 120 ids are missing"):
        prepared.real_submission(pd.DataFrame({"id": ids[1:], "label": "no"}))


def test_labels_are_handed_out_in_the_spelling_of_the_sample(tmp_path):
    train, test, answers = make_tables()
    train["label"] = train["label"] == "yes"
    home = write_task(tmp_path / "t", train, test, answers.assign(label=0), description="metric: accuracy")
    prepared = prepare(load_task(home), tmp_path / "prepared", seed=0)
    ids = prepared.test_ids(Stage.FINAL)

    out = prepared.real_submission(pd.DataFrame({"id": ids, "label": np.resize(["True", "False"], len(ids))}))

    assert set(table(prepared, Stage.FULL, "sample_submission.csv")["label"]) <= {"True", "False"}
    assert set(out["label"]) == {"0", "1"}


def test_ids_with_leading_zeros_survive_the_whole_way(prepared):
    assert prepared.train_ids[0].startswith("0")
    assert prepared.train_frame()["id"].tolist() == prepared.train_ids.tolist()
    assert prepared.train_frame()["x"].dtype == np.float64


def test_task_without_ids_gets_row_numbers_and_loses_them_again(tmp_path):
    train, test, answers = make_tables()
    home = write_task(tmp_path / "t", train.drop(columns="id"), test.drop(columns="id"), answers[["label"]].assign(label="no"))
    prepared = prepare(load_task(home), tmp_path / "prepared", seed=0)

    assert prepared.brief().id_column == "row_id"
    assert "row_id" not in [column.name for column in prepared.profile.columns]
    assert table(prepared, Stage.FINAL, "test.csv")["row_id"].tolist() == [str(i) for i in range(600, 720)]
    ids = prepared.test_ids(Stage.FULL)
    out = prepared.real_submission(pd.DataFrame({"row_id": ids, "label": ["yes" if int(i) % 2 else "no" for i in ids]}))
    assert list(out.columns) == ["label"]
    assert out["label"].tolist() == ["no", "yes"] * 60


def test_sample_that_only_numbers_the_rows_keeps_its_numbers(tmp_path):
    train, test, _ = make_tables()
    sample = pd.DataFrame({"row_id": range(len(test)), "label": "no"})
    home = write_task(tmp_path / "t", train.drop(columns="id"), test.drop(columns="id"), sample)
    prepared = prepare(load_task(home), tmp_path / "prepared", seed=0)

    ids = prepared.test_ids(Stage.FINAL)
    out = prepared.real_submission(pd.DataFrame({prepared.format.id_column: ids, "label": "yes"}))

    assert out["row_id"].tolist() == [str(i) for i in range(120)]
    assert list(out.columns) == ["row_id", "label"]


def test_numbering_that_starts_again_in_test_does_not_mix_rows_up(tmp_path):
    train, test, answers = make_tables()
    train["id"], test["id"] = range(1, 601), range(1, 121)
    train["x"] = np.arange(600) * 7
    home = write_task(tmp_path / "t", train, test, answers.assign(id=test["id"], label="no"))
    for row in train["id"]:
        (home / "train_pictures").mkdir(exist_ok=True)
        (home / "train_pictures" / f"{row}.txt").write_text(f"train {row}")
    for row in test["id"]:
        (home / "test_pictures").mkdir(exist_ok=True)
        (home / "test_pictures" / f"{row}.txt").write_text(f"test {row}")
    prepared = prepare(load_task(home), tmp_path / "prepared", seed=0)

    ids = prepared.test_ids(Stage.FULL).tolist()
    assert len(ids) == len(set(ids)) == 180
    assert set(prepared.vault.audit_ids).isdisjoint(prepared.train_ids)
    original = dict(zip(train["x"].astype(str), train["id"], strict=True))
    for stage in EARLY:
        folder = prepared.input_dir(stage)
        shown = table(prepared, stage, "test.csv")
        audit = set(prepared.vault.audit_ids.tolist())
        assert sorted(path.stem for path in (folder / "test_pictures").iterdir()) == sorted(shown["id"])
        assert sorted(path.stem for path in (folder / "train_pictures").iterdir()) == sorted(table(prepared, stage, "train.csv")["id"])
        for name, x in zip(shown["id"], shown["x"], strict=True):
            if name in audit:
                assert (folder / "test_pictures" / f"{name}.txt").read_text() == f"train {original[x]}"
    assert prepared.profile.side_files == 720
    assert len(list((prepared.input_dir(Stage.FINAL) / "train_pictures").iterdir())) == 600


def test_side_files_are_given_but_not_what_tells_the_answers(plain_folder, tmp_path):
    (plain_folder / "notes.txt").write_text("about the columns")
    (plain_folder / "towns.csv").write_text("town,people\nBonn,1\n")
    (plain_folder / "old_train.csv").write_text("id,label\n0001,yes\n")
    (plain_folder / "test_labels.csv").write_text("id,l\n0700,yes\n")
    for hidden in ("private", "runs", ".git"):
        (plain_folder / hidden).mkdir()
        (plain_folder / hidden / "x.txt").write_text("x")
    (plain_folder / "link.txt").symlink_to("/etc/hostname")
    task = load_task(plain_folder)
    prepared = prepare(task, tmp_path / "prepared", seed=0)

    names = {path.name for path in prepared.input_dir(Stage.FULL).rglob("*")}
    assert {"notes.txt", "towns.csv"} <= names
    assert names.isdisjoint({"old_train.csv", "test_labels.csv", "x.txt", "link.txt"})
    assert any(sentence.startswith("old_train.csv is kept from the scripts") for sentence in task.inferred)
    assert prepared.profile.side_files == 2


def test_scripts_get_copies_of_side_files_not_the_originals(plain_folder, tmp_path):
    (plain_folder / "notes.txt").write_text("original")
    prepared = prepare(load_task(plain_folder), tmp_path / "prepared", seed=0)
    assert (prepared.input_dir(Stage.FULL) / "notes.txt").stat().st_ino != (plain_folder / "notes.txt").stat().st_ino


def test_dropped_columns_are_nowhere_and_train_only_ones_are_listed(plain_folder, tmp_path):
    train = pd.read_csv(plain_folder / "train.csv", dtype=str).assign(later="1", town=lambda t: t["town"])
    train.to_csv(plain_folder / "train.csv", index=False)
    prepared = prepare(load_task(plain_folder, drop=["cabin"]), tmp_path / "prepared", seed=0)
    assert prepared.profile.train_only == ["later"]
    for stage in Stage:
        assert list(table(prepared, stage, "train.csv").columns) == ["id", "x", "town", "label", "later"]
        assert list(table(prepared, stage, "test.csv").columns) == ["id", "x", "town"]


def test_labels_in_the_test_table_are_not_shown(tmp_path):
    train, test, answers = make_tables()
    home = write_task(tmp_path / "t", train, test.assign(label=answers["label"]))
    prepared = prepare(load_task(home, target="label"), tmp_path / "prepared", seed=0)
    assert all("label" not in table(prepared, stage, "test.csv").columns for stage in Stage)


def test_tiny_data_has_no_audit_part(tmp_path):
    train, test, answers = make_tables(rows=499)
    prepared = prepare(load_task(write_task(tmp_path / "t", train, test, answers)), tmp_path / "prepared", seed=0)
    assert prepared.profile.audit_rows == 0
    assert len(prepared.vault.audit_ids) == len(prepared.vault.audit_truth) == 0
    assert len(prepared.train_ids) == 499
    assert sorted(prepared.test_ids(Stage.FULL)) == sorted(test["id"])


def test_audit_part_has_at_least_fifty_rows(plain_folder, tmp_path):
    prepared = prepare(load_task(plain_folder), tmp_path / "prepared", seed=0, audit=0.01)
    assert prepared.profile.audit_rows == 50
    assert prepare(load_task(plain_folder), tmp_path / "none", seed=0, audit=0.0).profile.audit_rows == 0


@pytest.mark.parametrize("rows", [30, 700])
def test_task_without_a_test_table(tmp_path, rows):
    train, _, _ = make_tables(rows=rows)
    train.to_csv(tmp_path / "mine.csv", index=False)
    prepared = prepare(load_task(tmp_path / "mine.csv", target="label"), tmp_path / "prepared", seed=0)

    assert not prepared.has_test
    assert prepared.test_frame() is None
    assert prepared.profile.test_rows == 0
    assert prepared.profile.audit_rows == (70 if rows == 700 else 0)
    for stage in Stage:
        shown = table(prepared, stage, "test.csv")
        assert list(shown.columns) == ["id", "x", "town", "cabin"]
        assert len(shown) > 0
    assert len(prepared.final_ids) == rows
    with pytest.raises(TaskError, match="has no test table"):
        prepared.real_submission(pd.DataFrame())


def test_groups_are_kept_apart_in_folds_and_audit(tmp_path):
    train, test, answers = make_tables()
    train["team"] = [f"g{i // 6}" for i in range(len(train))]
    test["team"] = "other"
    home = write_task(tmp_path / "t", train, test, answers, toml='split = "group:team"\ntarget = "label"\nmetric = "accuracy"\n')
    prepared = prepare(load_task(home), tmp_path / "prepared", seed=0)

    team = train.set_index("id")["team"]
    kept, audit = team[prepared.train_ids.tolist()], team[prepared.vault.audit_ids.tolist()]
    assert set(kept).isdisjoint(audit)
    assert 50 <= len(audit) <= 90
    assert all(len(set(prepared.folds[(kept == name).to_numpy()])) == 1 for name in set(kept))
    assert prepared.profile.group_column == "team"


def test_time_split_audits_the_latest_rows(tmp_path):
    train, test, answers = make_tables()
    days = pd.date_range("2020-01-01", periods=len(train)).strftime("%Y-%m-%d").to_numpy()
    train["day"] = np.random.default_rng(0).permutation(days)
    test["day"] = "2022-01-01"
    home = write_task(tmp_path / "t", train, test, answers, toml='split = "time:day"\ntarget = "label"\nmetric = "accuracy"\n')
    prepared = prepare(load_task(home), tmp_path / "prepared", seed=0)

    day = train.set_index("id")["day"]
    kept, audit = day[prepared.train_ids.tolist()], day[prepared.vault.audit_ids.tolist()]
    assert kept.max() < audit.min()
    assert kept[prepared.folds == 0].max() < kept[prepared.folds == 1].min()


def test_class_with_a_single_member_does_not_crash(tmp_path):
    train, test, answers = make_tables()
    train.loc[0, "label"] = "once"
    prepared = prepare(load_task(write_task(tmp_path / "t", train, test, answers)), tmp_path / "prepared", seed=0)
    assert "0000" in prepared.train_ids
    assert prepared.format.classes == ["no", "once", "yes"]
    assert (prepared.truth == 1).sum() == 1


def test_many_classes_get_a_larger_smoke_stage(tmp_path):
    train, test, _ = make_tables(rows=900)
    train["label"] = [f"species {i % 99}" for i in range(900)]
    home = write_task(tmp_path / "t", train, test, description="metric: multi-class log loss")
    prepared = prepare(load_task(home), tmp_path / "prepared", seed=0)
    rows = prepared.rows(Stage.SMOKE)
    assert len(rows) == 198
    assert len(set(prepared.truth[rows])) == 99
    assert prepared.format.kind == "probabilities"
    assert table(prepared, Stage.FULL, "sample_submission.csv").shape == (210, 100)


def test_several_numeric_targets(tmp_path):
    train, test, answers = make_tables()
    train["u"], train["v"] = np.abs(np.random.default_rng(1).normal(size=(2, 600)))
    home = write_task(tmp_path / "t", train.drop(columns="label"), test, answers.assign(u=0.5, v=0.5).drop(columns="label"))
    prepared = prepare(load_task(home, metric="mean column-wise RMSLE"), tmp_path / "prepared", seed=0)
    assert prepared.truth.shape == (540, 2)
    assert prepared.profile.target.kind is TargetKind.MULTI_REGRESSION
    out = prepared.real_submission(pd.DataFrame({"id": prepared.test_ids(Stage.FULL), "u": 1.0, "v": 2.0}))
    assert out.shape == (120, 3)


def test_id_that_carries_information_is_an_input_too(tmp_path):
    train, test, answers = make_tables()
    for frame in (train, test, answers):
        frame["id"] = [f"{int(i) // 3:04d}_{int(i) % 3:02d}" for i in frame["id"]]
    prepared = prepare(load_task(write_task(tmp_path / "t", train, test, answers)), tmp_path / "prepared", seed=0)
    column = prepared.profile.columns[0]
    assert (column.name, column.kind, column.separator) == ("id", ColumnKind.COMPOUND, "_")


def test_text_with_quotes_commas_and_line_ends_survives(tmp_path):
    train, test, answers = make_tables()
    train["story"] = test["story"] = None
    tricky = 'He said, "no",\nthen left;\tü'
    train["story"], test["story"] = tricky, tricky
    prepared = prepare(load_task(write_task(tmp_path / "t", train, test, answers)), tmp_path / "prepared", seed=0)
    assert set(table(prepared, Stage.FULL, "train.csv")["story"]) == {tricky}


def test_profile_is_json_without_audit_labels(prepared):
    text = json.dumps(prepared.profile.model_dump(mode="json"))
    assert not any(f'"{name}"' in text for name in prepared.vault.audit_ids)


def test_preparing_is_cheap(tmp_path):
    rng = np.random.default_rng(0)
    train, test, answers = make_tables(rows=8000, test_rows=2000)
    for i in range(10):
        train[f"n{i}"], test[f"n{i}"] = rng.normal(size=8000).round(4), rng.normal(size=2000).round(4)
    task = load_task(write_task(tmp_path / "t", train, test, answers))
    start = time.process_time()
    prepared = prepare(task, tmp_path / "prepared", seed=0)
    assert time.process_time() - start < 1.0  # 0.3 on a quiet machine

    start = time.process_time()
    PreparedTask.open(prepared.root).brief()
    assert time.process_time() - start < 0.05


def test_sample_with_labels_where_probabilities_are_asked_is_replaced_by_a_valid_one(plain_folder, tmp_path):
    prepared = prepare(load_task(plain_folder, metric="auc"), tmp_path / "prepared", seed=0)
    for stage in Stage:
        sample = prepared.format.read(prepared.input_dir(stage) / "sample_submission.csv")
        assert set(prepared.format.predictions(sample, prepared.test_ids(stage))) == {0.5}


def test_time_split_by_something_that_is_no_time(plain_folder, tmp_path):
    (plain_folder / "task.toml").write_text('split = "time:town"\n')
    with pytest.raises(TaskError, match="which is neither date nor number"):
        prepare(load_task(plain_folder), tmp_path / "prepared", seed=0)


def test_files_of_audit_rows_lie_where_the_profile_says(tmp_path):
    train, test, answers = make_tables()
    train["id"] = [str(n) for n in range(1, 601)]
    test["id"] = answers["id"] = [str(n) for n in range(1, 121)]
    home = write_task(tmp_path / "t", train, test, answers.assign(label="no"))
    for side, rows in (("train", train["id"]), ("test", test["id"])):
        (home / side).mkdir()
        for row in rows:
            (home / side / f"{row:0>5}.json").write_text(json.dumps({"side": side, "row": row}))
    prepared = prepare(load_task(home), tmp_path / "prepared", seed=0)

    (files,) = prepared.profile.row_files
    for stage in Stage:
        for name, pattern in (("train.csv", files.train), ("test.csv", files.test)):
            for row in table(prepared, stage, name)["id"]:
                assert (prepared.input_dir(stage) / pattern.format(row)).is_file(), (stage, name, row)
