"""Every layout people use is read alike; every mistake is one sentence."""

import bz2
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gome_graph.errors import TaskError
from gome_kge.data import KnowledgeGraph, PairIndex, load_graph
from gome_kge.data.graph import with_inverses


def named(graph: KnowledgeGraph, split: str) -> set[tuple[str, str, str]]:
    return {(graph.entities[h], graph.relations[r], graph.entities[t]) for h, r, t in graph.split(split).tolist()}


def lines(folder: Path, split: str) -> list[str]:
    return (folder / f"{split}.txt").read_text().splitlines()


def tabs(folder: Path, where: Path) -> None:
    for split in ("train", "valid", "test"):
        (where / f"{split}.tsv").write_text("\n".join(lines(folder, split)))


def csv_header(folder: Path, where: Path) -> None:
    for split, name in (("train", "train"), ("valid", "val"), ("test", "test")):
        rows = [line.split("\t") for line in lines(folder, split)]
        (where / f"{name}.csv").write_text("subject,object,predicate\n" + "\n".join(f'"{h}",{t},{r}' for h, r, t in rows))


def packed(folder: Path, where: Path) -> None:
    (where / "train.txt.gz").write_bytes(gzip.compress((folder / "train.txt").read_bytes()))
    (where / "dev.txt.xz").write_bytes(lzma.compress((folder / "valid.txt").read_bytes()))
    (where / "test.txt.bz2").write_bytes(bz2.compress((folder / "test.txt").read_bytes()))


def zipped(folder: Path, where: Path) -> None:
    for split in ("train", "valid", "test"):
        with zipfile.ZipFile(where / f"{split}.txt.zip", "w") as archive:
            archive.write(folder / f"{split}.txt", "data.txt")


def kbc(folder: Path, where: Path) -> None:
    for split in ("train", "valid", "test"):
        (where / split).write_text("\n".join(lines(folder, split)))


def openke(folder: Path, where: Path) -> None:
    rows = {split: [line.split("\t") for line in lines(folder, split)] for split in ("train", "valid", "test")}
    entities = sorted({x for part in rows.values() for h, _, t in part for x in (h, t)})
    kinds = sorted({r for part in rows.values() for _, r, _ in part})
    for name, names in (("entity2id", entities), ("relation2id", kinds)):
        (where / f"{name}.txt").write_text(f"{len(names)}\n" + "\n".join(f"{x}\t{i}" for i, x in enumerate(names)))
    for split, part in rows.items():
        text = "\n".join(f"{entities.index(h)} {entities.index(t)} {kinds.index(r)}" for h, r, t in part)
        (where / f"{split}2id.txt").write_text(f"{len(part)}\n{text}")


def codex(folder: Path, where: Path) -> None:
    inner = where / "triples"
    inner.mkdir()
    for split in ("train", "valid", "test"):
        (inner / f"{split}.txt").write_text("\n".join(lines(folder, split)))


def jsonl(folder: Path, where: Path) -> None:
    for split in ("train", "valid", "test"):
        rows = [dict(zip(("head", "relation", "tail"), line.split("\t"), strict=True)) for line in lines(folder, split)]
        (where / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))


def parquet(folder: Path, where: Path) -> None:
    polars = pytest.importorskip("polars")
    for split in ("train", "valid", "test"):
        rows = [line.split("\t") for line in lines(folder, split)]
        polars.DataFrame(rows, schema=["head", "relation", "tail"], orient="row").write_parquet(where / f"{split}.parquet")


@pytest.mark.parametrize("layout", [tabs, csv_header, packed, zipped, kbc, openke, codex, jsonl, parquet], ids=lambda f: f.__name__)
def test_every_layout_gives_the_same_graph(folder: Path, tmp_path: Path, layout: Callable[[Path, Path], None]) -> None:
    where = tmp_path / "other"
    where.mkdir()
    layout(folder, where)
    one, other = load_graph(folder), load_graph(where)
    for split in ("train", "valid", "test"):
        assert named(one, split) == named(other, split)


def test_npz_round_trip(graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = tmp_path / "ring.npz"
    np.savez(
        path, train=graph.train, valid=graph.valid, test=graph.test, entities=np.array(graph.entities), relations=np.array(graph.relations)
    )
    assert named(load_graph(path), "test") == named(graph, "test")


def test_a_single_file_is_split_so_that_nothing_becomes_unseen(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.tsv"
    path.write_text("".join((folder / f"{split}.txt").read_text() for split in ("train", "valid", "test")))
    graph = load_graph(path)
    assert len(graph.valid) == len(graph.test) > 5
    assert set(graph.test[:, [0, 2]].ravel()) <= set(graph.train[:, [0, 2]].ravel())
    assert any("held out" in note for note in graph.notes)
    assert np.array_equal(load_graph(path).test, graph.test)


def spoil(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("spoiled", "sentence"),
    [
        (lambda f: spoil(f, "train.txt", ""), "train.txt is empty"),
        (lambda f: spoil(f, "test.txt", "one two three four five\n"), "test.txt has an unknown format"),
        (lambda f: spoil(f, "test.txt", "p0\tnext\tp1\np0\tnext\n"), "unknown format|line 2 has 2 columns"),
        (lambda f: spoil(f, "valid.txt", "p0\tnext\tp1\np1\tnext\tnan\n"), r"line 2 has no tail \('nan'\)"),
        (lambda f: spoil(f, "test.txt", (f / "train.txt").read_text()), "also stand in train"),
        (lambda f: (f / "train.txt").unlink(), "no train file"),
        (lambda f: (f / "test.txt").write_bytes(b"\xff\xfe\x00\x01" * 9), "no text in UTF-8"),
        (lambda f: (f / "test.txt").rename(f / "test.txt.gz"), "test.txt.gz cannot be read"),
        (lambda f: spoil(f, "train.txt", "p0\tnext\tp1\n"), "at least 10 are needed"),
    ],
)
def test_a_mistake_in_the_data_is_one_sentence(folder: Path, spoiled: Callable[[Path], None], sentence: str) -> None:
    spoiled(folder)
    with pytest.raises(TaskError, match=sentence):
        load_graph(folder)


def test_a_folder_without_triples_says_what_it_looked_for(tmp_path: Path) -> None:
    (tmp_path / "readme.pdf").write_text("x")
    with pytest.raises(TaskError, match="name them train, valid and test"):
        load_graph(tmp_path)
    with pytest.raises(TaskError, match="There is no"):
        load_graph(tmp_path / "none")


def test_overlap_can_be_dropped_from_train(folder: Path) -> None:
    train = (folder / "train.txt").read_text()
    (folder / "train.txt").write_text(train + (folder / "test.txt").read_text())
    graph = load_graph(folder, overlap="drop")
    assert not named(graph, "train") & named(graph, "test")
    assert any("8 train triples that also stand in test" in note for note in graph.notes)


def test_unseen_entities_and_relations_are_noted(folder: Path) -> None:
    with (folder / "test.txt").open("a") as file:
        file.write("stranger\tnext\tp1\np0\tlikes\tp1\n")
    notes = " ".join(load_graph(folder).notes)
    assert "1 of the 10 test triples have an entity that train never shows" in notes
    assert "1 relations of test never stand in train" in notes


def test_nan_ids_in_an_archive_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", train=np.array([[0, 0, np.nan]] * 20))
    with pytest.raises(TaskError, match="NaN"):
        load_graph(tmp_path / "x.npz")


def test_the_index_agrees_with_a_dictionary(graph: KnowledgeGraph, rng: np.random.Generator) -> None:
    triples = with_inverses(graph.train, graph.n_relations)
    index = PairIndex.tails(triples, 2 * graph.n_relations)
    truth: dict[tuple[int, int], set[int]] = {}
    for h, r, t in triples.tolist():
        truth.setdefault((h, r), set()).add(t)
    assert len(index) == len(truth)
    pairs = np.array([*truth, (0, 2 * graph.n_relations - 1), (graph.n_entities - 1, 0)])
    rows = index.rows(pairs[:, 0], pairs[:, 1])
    at, values = index.gather(rows)
    for i, (h, r) in enumerate(pairs.tolist()):
        assert set(values[at == i].tolist()) == truth.get((h, r), set())
    found = np.flatnonzero(rows >= 0)
    drawn = index.draw(rows[found], rng)
    assert all(t in truth[tuple(pairs[i])] for i, t in zip(found.tolist(), drawn.tolist(), strict=True))
