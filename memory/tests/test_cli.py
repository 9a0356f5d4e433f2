"""``gome memory``: what a person and a script see."""

import json
from pathlib import Path

import pytest

from gome_graph.cli.app import run_cli
from gome_graph.testing.memories import experience
from gome_memory.store import Store


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOME_PLUGINS", "memory")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    store = Store(tmp_path / "run" / "memory")
    store.write([experience(n, gain=n / 2, accepted=n % 2 == 0, task=f"task{n % 3}", reason=f"reason {n}") for n in range(6)])
    store.close()
    return tmp_path / "run" / "memory"


def ask(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = run_cli(["memory", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_list_shows_the_largest_gain_first(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "list", "--path", memory)
    assert code == 0
    lines = [line for line in out.splitlines() if line.startswith("run/0/")]
    assert [line.split()[0] for line in lines] == [f"run/0/t0-{n}" for n in (5, 4, 3, 2, 1, 0)]
    assert "+2.50" in lines[0]


def test_list_takes_a_run_directory_and_filters(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "list", "--run", memory.parent, "--verdict", "accepted", "--top", 2, "--json")
    assert code == 0
    assert [item["key"] for item in json.loads(out)["experiences"]] == ["run/0/t0-4", "run/0/t0-2"]
    _, out, _ = ask(capsys, "list", "--path", memory, "--task", "task1", "--json")
    assert [item["key"] for item in json.loads(out)["experiences"]] == ["run/0/t0-4", "run/0/t0-1"]


def test_list_says_when_nothing_fits(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "list", "--path", memory, "--task", "other")
    assert (code, out.strip()) == (0, f"No experiences with task other in {memory}.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["list"], "Say which memory"),
        (["list", "--path", "/nowhere"], "There is no memory in /nowhere"),
        (["list", "--path", "MEMORY", "--verdict", "good"], "--verdict 'good' is none that there is"),
        (["show", "t9-9", "--path", "MEMORY"], "There is no experience 't9-9'"),
        (["forget", "t9-9", "--path", "MEMORY", "--yes"], "There is no experience 't9-9'"),
        (["forget", "t0-1", "--path", "MEMORY", "--json"], "add --yes to forget"),
        (["restore", "t0-1", "--path", "MEMORY"], "is not a forgotten experience"),
        (["import", "/nowhere.jsonl", "--path", "MEMORY"], "/nowhere.jsonl cannot be read"),
        (["export", "/proc/x.jsonl", "--path", "MEMORY"], "/proc/x.jsonl cannot be written"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_2(
    memory: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    code, _, err = ask(capsys, *[str(memory) if word == "MEMORY" else word for word in arguments])
    assert code == 2
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_looking_at_a_memory_that_is_not_there_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(capsys, "list", "--path", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_show_takes_the_end_of_a_key(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "show", "t0-4", "--path", memory)
    assert code == 0
    assert "run/0/t0-4" in out
    assert "reason 4" in out
    _, out, _ = ask(capsys, "show", "run/0/t0-4", "--path", memory, "--json")
    assert json.loads(out)["gain_in_noise"] == 2.0


def test_forget_can_be_tried_done_and_undone(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def listed(*flags: str) -> list[str]:
        return [item["key"] for item in json.loads(ask(capsys, "list", "--path", memory, "--json", *flags)[1])["experiences"]]

    assert ask(capsys, "forget", "t0-4", "--path", memory, "--dry-run")[0] == 0
    assert "run/0/t0-4" in listed()
    assert ask(capsys, "forget", "t0-4", "--path", memory, "--yes")[0] == 0
    assert "run/0/t0-4" not in listed()
    assert listed("--forgotten") == ["run/0/t0-4"]
    assert ask(capsys, "restore", "t0-4", "--path", memory)[0] == 0
    assert "run/0/t0-4" in listed()


def test_forget_asks_first(memory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.confirm", _refuse)
    code, _, _ = ask(capsys, "forget", "t0-4", "--path", memory)
    assert code == 1
    store = Store(memory)
    assert store.get("run/0/t0-4") is not None
    store.close()


def _refuse(*_: object, **__: object) -> bool:
    import typer

    raise typer.Abort


def test_export_and_import_carry_everything(memory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, "export", tmp_path / "lessons.jsonl", "--path", memory)[0] == 0
    code, out, _ = ask(capsys, "import", tmp_path / "lessons.jsonl", "--path", tmp_path / "copy", "--json")
    assert (code, json.loads(out)["experiences"]) == (0, 6)
    one, other = Store(memory, read_only=True), Store(tmp_path / "copy", read_only=True)
    assert one.select() == other.select()


@pytest.mark.parametrize(("line", "sentence"), [("{", "line 2 is not JSON"), ('{"key": "a"}', "line 2: run: Field required")])
def test_a_broken_line_imports_nothing(memory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, sentence: str) -> None:
    ask(capsys, "export", tmp_path / "lessons.jsonl", "--path", memory)
    good = (tmp_path / "lessons.jsonl").read_text().splitlines()[0]
    (tmp_path / "broken.jsonl").write_text(f"{good}\n{line}\n")
    code, _, err = ask(capsys, "import", tmp_path / "broken.jsonl", "--path", tmp_path / "copy")
    assert code == 2
    assert sentence in err
    assert not (tmp_path / "copy").exists()


def test_rebuild_reports_what_it_built(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "rebuild", "--path", memory, "--embedding", "hash", "--json")
    assert (code, json.loads(out)["experiences"], json.loads(out)["hypotheses"]) == (0, 6, 6)


def test_offers_come_through_the_hooks() -> None:
    from gome_graph.hooks.manager import load_plugins

    plugins = load_plugins(["memory"])
    assert {offer.name for offer in plugins.offers("memory")} == {"chroma", "exact"}
    assert {offer.name for offer in plugins.offers("embedding")} == {"minilm", "hash"}
    embedding = plugins.make("embedding", "hash")
    assert sum(value * value for value in embedding(["a text"])[0]) == pytest.approx(1.0)


def test_the_memory_is_made_by_name(tmp_path: Path) -> None:
    from gome_graph.hooks.manager import load_plugins

    memory = load_plugins(["memory"]).make("memory", "exact", path=tmp_path / "memory")
    memory.remember(experience(1))
    assert memory.name == "exact"
    memory.close()
