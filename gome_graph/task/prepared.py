"""The prepared copy of a task on disk: what scripts see, and what only the controller sees."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import RunError, TaskError
from gome_graph.records import Stage, TaskProfile
from gome_graph.support.files import read_json
from gome_graph.task.metrics import Metric, find_metric
from gome_graph.task.spec import Task
from gome_graph.task.submission import SubmissionFormat

if TYPE_CHECKING:
    import pandas as pd

    from gome_graph.hooks import TaskBrief

LAYOUT = 2
"""Version of the folder's layout."""
RECORD = "prepared.json"
ARRAYS = "arrays"
VAULT = "vault"
TEST_ROWS = 20_000
"""Test rows that are kept for comparing train and test: enough for any drift worth naming, whatever the size of the table."""


@dataclass(frozen=True)
class Vault:
    """The audit part: for final selection and the report only, after the traces have ended."""

    audit_ids: NDArray[np.str_]
    """Ids under which the audit rows stand in ``test.csv`` at smoke, sample and full stage (at the latter, all of them)."""
    audit_truth: NDArray[Any]
    """Their encoded labels, same order."""


class PreparedTask:
    """A task made ready for scripts. Build it with `prepare`, reopen it with `PreparedTask.open`; tables load on first use.

    Attributes
    ----------
    root, task, profile, metric, format
        The folder, and what was found out about the task.
    train_ids, truth, folds
        Id (text), encoded labels and fold of each row of the full-stage ``train.csv``, in its order.
    final_ids, final_truth, final_folds
        The same for the final stage, where the audit rows are back in train.
    vault
        The audit labels.
    """

    def __init__(self, root: Path, record: dict[str, Any]) -> None:
        self.root = root
        self.seed: int = record["seed"]
        self.sample_lead: str | None = record["sample_lead"]
        self.task = Task.model_validate(record["task"])
        self.profile = TaskProfile.model_validate(record["profile"])
        self.format = SubmissionFormat.model_validate(record["format"])
        self.metric: Metric = find_metric(self.task.metric)

    @classmethod
    def open(cls, root: Path) -> "PreparedTask":
        """Reopen what `prepare` wrote to `root`; `RunError` if it is not there or of another version."""
        try:
            record = read_json(root / RECORD)
        except (OSError, ValueError) as error:
            raise RunError(f"{root} holds no prepared task ({error}); start the run again.") from error
        if record.get("layout") != LAYOUT:
            raise RunError(f"{root} was prepared by another version of gome; start the run again.")
        return cls(root.resolve(), record)

    def _array(self, name: str, folder: str = ARRAYS) -> NDArray[Any]:
        return np.asarray(np.load(self.root / folder / f"{name}.npy", allow_pickle=False))

    @cached_property
    def train_ids(self) -> NDArray[np.str_]:
        return self._array("train_ids")

    @cached_property
    def truth(self) -> NDArray[Any]:
        return self._array("truth")

    @cached_property
    def folds(self) -> NDArray[np.int64]:
        return self._array("folds")

    @cached_property
    def final_ids(self) -> NDArray[np.str_]:
        return self._array("final_ids")

    @cached_property
    def final_folds(self) -> NDArray[np.int64]:
        return self._array("final_folds")

    @cached_property
    def final_truth(self) -> NDArray[Any]:
        return self._array("final_truth", VAULT)

    @cached_property
    def vault(self) -> Vault:
        return Vault(self._array("audit_ids", VAULT), self._array("audit_truth", VAULT))

    @cached_property
    def audit_places(self) -> NDArray[np.int64]:
        """Where the audit rows stand in the full stage's ``test.csv``; -1 for one that is not there."""
        import pandas as pd

        return np.asarray(pd.Index(self.test_ids(Stage.FULL)).get_indexer(self.vault.audit_ids), dtype=np.int64)

    @property
    def has_test(self) -> bool:
        """False for a task without a test table: then ``test.csv`` holds the audit rows alone and nothing is handed out."""
        return self.task.test is not None

    def input_dir(self, stage: Stage) -> Path:
        """The folder a script sees as ``input/`` at that stage."""
        return self.root / stage.value

    def rows(self, stage: Stage) -> NDArray[np.int64]:
        """Positions into `train_ids` of the rows of that stage's ``train.csv``, in its order (FINAL: into `final_ids`)."""
        if stage is Stage.FINAL:
            return np.arange(len(self.final_ids), dtype=np.int64)
        if stage is Stage.FULL:
            return np.arange(len(self.train_ids), dtype=np.int64)
        return self._array(f"rows_{stage.value}")

    def test_ids(self, stage: Stage) -> NDArray[np.str_]:
        """Ids that ``submission.csv`` must hold at that stage, in the order of ``test.csv``; audit rows are among them but at FINAL."""
        return self._array(f"test_ids_{stage.value}")

    def real_submission(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """The file to hand out, from a script's full- or final-stage ``submission.csv`` (read by `SubmissionFormat.read`).

        Audit rows are dropped; rows, id column, column names and the spelling of labels are those of the sample submission. Raises
        `FormatError` if rows are missing or malformed, `TaskError` if the task has no test table.
        """
        import pandas as pd

        if not self.has_test:
            raise TaskError(f"Task {self.task.name!r} has no test table, so there is no submission to write; name one with --test.")
        ids = self.test_ids(Stage.FINAL)
        id_column = self.format.id_column
        assert id_column is not None
        if id_column in frame.columns:
            frame = frame[frame[id_column].astype(str).isin(set(ids.tolist()))]
        values = self.format.predictions(frame, ids)
        values = values.reshape(len(ids), -1)
        sample = self._sample
        if sample is not None and self.task.id is not None and self.sample_lead == self.task.id:
            place = {name: i for i, name in enumerate(ids.tolist())}
            values = values[[place[name] for name in sample[self.sample_lead]]]
            ids = sample[self.sample_lead].to_numpy(dtype=object)
        out: dict[str, Any] = {}
        if self.sample_lead is not None and sample is not None:
            out[self.sample_lead] = sample[self.sample_lead].to_numpy(dtype=object)
        elif self.task.id is not None and sample is None:
            out[self.task.id] = ids
        for i, name in enumerate(self.format.columns):
            out[name] = self._spelled(values[:, i])
        return pd.DataFrame(out)[list(sample.columns) if sample is not None else list(out)]

    @cached_property
    def _sample(self) -> "pd.DataFrame | None":
        """The sample submission: read once, asked for each time a better step is published."""
        from gome_graph.task.tables import read_table

        return None if self.task.sample_submission is None else read_table(self.task.sample_submission)

    def _spelled(self, column: NDArray[Any]) -> NDArray[Any]:
        if self.format.kind != "label":
            return column
        spelling: NDArray[Any] = np.array(self.format.written or self.format.classes, dtype=object)
        return np.asarray(spelling[column])

    @cached_property
    def _frame(self) -> "pd.DataFrame":
        import pandas as pd

        id_column = self.format.id_column
        kept_text = {id_column: str} if id_column is not None else {}
        frame = pd.read_csv(self.input_dir(Stage.FULL) / "train.csv", dtype=kept_text, low_memory=False)
        if id_column is not None:
            frame[id_column] = self.train_ids.astype(object)
        return frame

    def train_frame(self) -> "pd.DataFrame":
        """The full-stage training table, loaded on first use; the id column is text. Do not change it."""
        return self._frame

    @cached_property
    def _test(self) -> "pd.DataFrame | None":
        import pandas as pd

        if not self.has_test:
            return None
        id_column = self.format.id_column
        # the final stage's table: audit rows are back in train there, and here they would pass for test rows that do not drift
        frame = pd.read_csv(
            self.input_dir(Stage.FINAL) / "test.csv", dtype={id_column: str} if id_column is not None else {}, low_memory=False
        )
        if len(frame) > TEST_ROWS:
            frame = frame.iloc[np.linspace(0, len(frame) - 1, TEST_ROWS).astype(np.int64)].reset_index(drop=True)
        return frame

    def test_frame(self) -> "pd.DataFrame | None":
        """Rows of the test table that is handed out for, without audit rows, thinned evenly to `TEST_ROWS`; None without a test table.

        Loaded on first use. Do not change it.
        """
        return self._test

    def brief(self) -> "TaskBrief":
        """What a reasoner may know: no labels, no audit rows, no answers."""
        from gome_graph.hooks import TaskBrief

        return TaskBrief(
            name=self.task.name, description=self.task.description, metric=self.metric.name, higher_is_better=self.metric.higher_is_better,
            prediction=self.format.kind, id_column=self.format.id_column, prediction_columns=self.format.columns, train_file="train.csv",
            test_file="test.csv", sample_submission_file="sample_submission.csv", folds_file="folds.csv", profile=self.profile,
            limits=self.task.limits,
        )  # fmt: skip
