"""Symptom of files that nobody reads."""

from pathlib import Path

import numpy as np
import pandas as pd

from gome_graph.records import Finding, RowFiles
from tests.diagnosis.worlds import World, pack_of, symptoms
from tests.reasoners.files import CRYSTALS, VISITS

READING = 'rows = [Path(f"input/train/{i}/atoms.xyz").read_text() for i in train["id"]]\nX = train[["size"]]'
NOT_READING = 'X = train[["size"]]'


def found_in(folder: Path, script: str, files: list[RowFiles]) -> dict[str, Finding]:
    world = World(pd.DataFrame({"size": np.arange(200.0)}), np.arange(200.0), "rmse")
    data = world.measured(np.arange(200.0) + 1, script)
    return symptoms(pack_of(folder, world, data, profile=world.profile.model_copy(update={"row_files": files})), data)


def test_files_that_are_not_read_are_found_by_their_kind(tmp_path: Path) -> None:
    found = found_in(tmp_path, NOT_READING, [CRYSTALS])["unused_side_files"]
    assert found.severity == 0.9
    assert "train/{}/atoms.xyz" in found.summary
    assert "atoms" in found.direction


def test_files_that_are_read_or_not_there_are_no_symptom(tmp_path: Path) -> None:
    assert "unused_side_files" not in found_in(tmp_path, READING, [CRYSTALS])
    assert "unused_side_files" not in found_in(tmp_path, NOT_READING, [])


def test_a_further_table_that_is_not_read_is_found(tmp_path: Path) -> None:
    world = World(pd.DataFrame({"size": np.arange(200.0)}), np.arange(200.0), "rmse")
    profile = world.profile.model_copy(update={"linked_tables": [VISITS]})
    seen = []
    for script in (NOT_READING, 'visits = pd.read_csv("input/more/visits.csv")\nX = train[["size"]]'):
        data = world.measured(np.arange(200.0) + 1, script)
        seen.append(symptoms(pack_of(tmp_path, world, data, profile=profile), data).get("unused_side_files"))
    assert seen[0] is not None
    assert "more/visits.csv" in seen[0].summary
    assert seen[1] is None
