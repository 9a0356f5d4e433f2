"""Flags about language models: what does not fit together is one sentence, exit code 2, and no run directory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Gome = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    path.write_text("a,y\n" + "".join(f"{n},{n % 2}\n" for n in range(200)))
    return path


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--model", "gpt-5"], "'gpt-5' is not provider:model"),
        (["--model", "coder=openai:gpt-5"], "no role 'coder'; roles are diagnose, propose, code, judge"),
        (["--model", "openai:a", "--model", "openai:b"], "both for all roles"),
        (["--model", "code=mailbox:x"], "no model is for diagnose, propose, judge"),
        (["--model", "nonsense:x"], "no model provider called 'nonsense'; there are: mailbox"),
        (["--fallback", "openai:a"], "no --model is given"),
        (["--max-cost", "1"], "no --model is given"),
        (["--reasoner", "llm"], "name it with --model"),
        (["--model", "mailbox:x", "--reasoner", "rules"], "asks no language model"),
        (["--model", "mailbox:x", "--least-gain", "1"], "--least-gain is about the rules reasoner"),
        (["--model", "mailbox:x", "--max-cost", "-1"], "--max-cost -1"),
        (["--model", "mailbox:x", "--max-cost", "nan"], "--max-cost nan"),
        (["--model", "mailbox:x", "--base-url", "localhost:1"], "no web address"),
        (["--model", "mailbox:x", "--base-url", "http://"], "no web address"),
        (["--model", "mailbox:x", "--base-url", "http://here:99999/v1"], "no web address"),
        (["--model", "mailbox:train.csv"], "train.csv is a file, not a folder"),
        (["--model", "mailbox:x", "--record", "train.csv/record.jsonl"], "train.csv is a file, not a folder"),
        (["--model", "mailbox:x", "--record", "."], "is there already"),
        (["--model", "mailbox:x", "--base-url", "https://me:secret@host/v1"], "user name or password"),
        (["--model", "mailbox:x", "--prices", "none.toml"], "--prices"),
        (["--model", "replay:none.jsonl"], "cannot be read"),
        (["--model", "replay:train.csv"], "does not begin like a record"),
        (["--model", "replay:train.csv", "--fallback", "mailbox:x"], "leave out other --model and --fallback"),
        (["--model", "mailbox:x", "--record", "train.csv"], "is there already"),
    ],
)
def test_what_does_not_fit_is_told(gome: Gome, table: Path, flags: list[str], words: str) -> None:
    said = gome("run", "--train", table, "--target", "y", "--out", "run", *flags)
    assert said.code == 2
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not Path("run").exists()


def test_an_unknown_price_is_told_before_money_is_spent(gome: Gome, table: Path) -> None:
    flags = ["--model", "openai:my-own", "--base-url", "http://127.0.0.1:1/v1", "--max-cost", "1"]
    said = gome("run", "--train", table, "--target", "y", "--out", "run", *flags)
    assert said.code == 2
    assert '"openai:my-own" = { in = 1.0, out = 4.0 }' in said.err


def test_a_model_implies_the_reasoner_that_asks_it(gome: Gome, table: Path) -> None:
    said = gome("run", "--train", table, "--target", "y", "--model", "mailbox:letters", "--fallback", "mailbox:more", "--dry-run", "--json")
    assert said.code == 0, said.err
    settings = json.loads(said.out)["settings"]
    assert settings["reasoner"] == "llm"
    assert settings["models"] == [f"mailbox:{Path('letters').absolute()}"]
    assert not Path("letters").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--strategy", "steepest"], "no strategy called 'steepest'; there are: auto"),
        (["--reasoner", "rules@q"], "--reasoner 'rules@q': what follows the @"),
        (["--reasoner", "rules@1.5"], "from 0 to 1"),
        (["--reasoner", "oracle"], "no reasoner called 'oracle'"),
        (["--model", "mailbox:x", "--reasoner", "llm@0.5"], "llm cannot be told how often it is right"),
        (["--executor", "moon"], "no executor called 'moon'"),
    ],
)
def test_parts_that_are_not_there_are_refused_before_anything_is_said(gome: Gome, table: Path, flags: list[str], words: str) -> None:
    said = gome("run", "--train", table, "--target", "y", "--out", "run", *flags)
    assert said.code == 2
    assert said.out == ""
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not Path("run").exists()
