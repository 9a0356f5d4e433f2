"""Sentence embeddings that packages ship with their weights."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gome_graph.reasoners.rules import embeddings
from gome_graph.reasoners.rules.catalog.embeddings import TECHNIQUES
from gome_graph.reasoners.rules.embeddings import encoders, prose
from gome_graph.reasoners.rules.packages import installed
from gome_graph.reasoners.rules.writer import write_script
from gome_graph.records import TargetKind
from tests.reasoners.planted import NUMBERS, TEXT, brief, recipe, view
from tests.reasoners.synthetic import check_outputs, make_task, outputs, run_script
from tests.reasoners.test_writer import one

TECHNIQUE = TECHNIQUES[0]
WORDS = brief(TEXT, TargetKind.MULTICLASS, "log_loss", prediction="probabilities")


def pretend(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As if exactly these packages were installed."""
    monkeypatch.setattr(embeddings, "installed", lambda package: package in names)


def test_the_cheapest_encoder_that_is_installed_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "wordllama", *embeddings.PACKAGES["minilm"])
    assert encoders(WORDS.profile, prose(WORDS.profile)) == ["wordllama", "minilm"]
    pretend(monkeypatch, *embeddings.PACKAGES["minilm"])
    assert encoders(WORDS.profile, prose(WORDS.profile)) == ["minilm"]


def test_an_encoder_that_would_take_too_long_or_is_missing_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    assert not TECHNIQUE.variants(view(WORDS, recipe("lightgbm")))
    pretend(monkeypatch, *embeddings.PACKAGES["minilm"])
    many = replace(WORDS, profile=WORDS.profile.model_copy(update={"rows": 200_000}))
    assert not TECHNIQUE.variants(view(many, recipe("lightgbm")))


def test_where_all_members_read_words_alone_one_that_reads_the_vectors_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "wordllama")
    added = TECHNIQUE.variants(view(WORDS, recipe("tfidf_linear")))[0].recipe
    kept = TECHNIQUE.variants(view(brief([*NUMBERS, *TEXT]), recipe("lightgbm")))[0].recipe

    assert [member.model for member in added.members] == ["tfidf_linear", "linear"]
    assert added.blend == "greedy"
    assert [member.model for member in kept.members] == ["lightgbm"]


@pytest.mark.parametrize("encoder", ["wordllama", "minilm"])
def test_scripts_with_embeddings_are_formatted_and_lint_free(tmp_path: Path, encoder: str) -> None:
    task = make_task(tmp_path, text=True)
    made = one("lightgbm").with_feature("text_embedding", ["note"], encoder=encoder, components=8)
    (tmp_path / "solution.py").write_text(write_script(made, task), encoding="utf-8")
    lint = ["check", "--isolated", "--select", "E4,E7,E9,F,I,B006,UP", "--target-version", "py311"]
    for command in (lint, ["format", "--isolated", "--line-length", "100", "--diff"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("encoder", ["wordllama", "minilm"])
def test_a_script_embeds_texts_with_what_is_installed(tmp_path: Path, encoder: str) -> None:
    if not all(installed(package) for package in embeddings.PACKAGES[encoder]):
        pytest.skip(f"{encoder} is not installed")
    task = make_task(tmp_path, TargetKind.BINARY, "probability", "roc_auc", text=True, rows=60)
    made = one("lightgbm", params={"n_estimators": 5}).with_feature("text_embedding", ["note"], encoder=encoder, components=4)

    done = run_script(tmp_path, write_script(made, task))

    assert done.returncode == 0, done.stderr[-2000:]
    check_outputs(tmp_path, task)
    used = next(line["used"] for line in outputs(tmp_path)[2] if line["kind"] == "columns")
    assert {"meaning_1", "meaning_4"} <= set(used)
