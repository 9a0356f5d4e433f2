"""The live view, plain lines, and what machines get."""

import io
import itertools
from pathlib import Path

import pytest
from fake_run import FakeRun, build
from hypothesis import given, settings
from hypothesis import strategies as st

from gome_graph.cli.display.live import LiveDisplay
from gome_graph.cli.display.plain import PlainDisplay
from gome_graph.cli.display.screen import draw
from gome_graph.records import Event, VerdictKind
from gome_graph.report.story import RunView, fold
from gome_graph.run import RunDirectory


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return list(build(tmp_path_factory.mktemp("runs") / "run", per_trace=6).events())


def picture(view: RunView, width: int, height: int, **more: object) -> str:
    return "\n".join(line.plain for line in draw(view, width, height, elapsed=view.elapsed, **more))  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(width=st.integers(20, 200), height=st.integers(6, 60), share=st.floats(0, 1))
def test_the_picture_fits_any_terminal(journal: list[Event], width: int, height: int, share: float) -> None:
    view = fold(journal[: int(share * len(journal))])
    lines = draw(view, width, height, elapsed=12.0, news=["x" * 300] * 50)
    assert len(lines) <= height
    assert all(line.cell_len <= width and "\n" not in line.plain for line in lines)


def test_best_score_and_baseline_stay_on_top(journal: list[Event]) -> None:
    text = picture(fold(journal), 80, 24)
    assert text.splitlines()[1].startswith("best  0.45600 ± 0.00510  t0-3   baseline 0.46200   18 steps")


def test_a_trace_shows_step_diagnosis_and_last_verdict(tmp_path: Path) -> None:
    fake = FakeRun(tmp_path / "run", traces=1)
    fake.start()
    fake.begin(0, 0)
    fake.execute(0, 0, VerdictKind.ACCEPTED)
    fake.judge(0, 0, VerdictKind.ACCEPTED, 0.46)
    fake.begin(0, 1)
    text = picture(fold(fake.run.events()), 80, 24)
    assert "t0-1  executing  Split Cabin into deck, number and side" in text
    assert "because A compound column is used as one category" in text
    assert "t0-0 0.46000 ± 0.00510  accepted" in text


def test_a_crash_shows_its_reason(tmp_path: Path) -> None:
    fake = FakeRun(tmp_path / "run", traces=1)
    fake.start()
    fake.begin(0, 0)
    fake.execute(0, 0, VerdictKind.CRASHED)
    fake.judge(0, 0, VerdictKind.CRASHED, None)
    assert "no score  crashed" in picture(fold(fake.run.events()), 80, 24)


def test_traces_beyond_the_height_are_summed_up(tmp_path: Path) -> None:
    view = fold(build(tmp_path / "run", traces=20, per_trace=1, finished=False).events())
    text = picture(view, 80, 14)
    assert "… and 12 more traces (0 ended)" in text
    assert len(text.splitlines()) <= 14


def test_stopping_and_missing_walls_are_said(journal: list[Event]) -> None:
    view = fold(journal[:20])
    assert "Ctrl-C again" in picture(view, 80, 24, stopping=True)
    view.protections = {"mechanism": "none"}
    assert "NO SANDBOX" in picture(view, 80, 24)


class Terminal(io.StringIO):
    """Keeps what a terminal would get."""


def test_the_terminal_gets_less_than_10_kB_a_second(tmp_path: Path) -> None:
    """A busy run of eight traces on a large terminal, an event every 30 ms, redrawn as the painter would."""
    events = list(build(tmp_path / "run", traces=8, per_trace=8).events())
    clock = itertools.count(0.0, 0.03)
    now = [0.0]
    screen = Terminal()
    display = LiveDisplay(screen, lambda: (200, 50), lambda: now[0])
    due = 0.0
    for event in events:
        now[0] = next(clock)
        display.event(event)
        if now[0] >= due:
            spent = display.redraw()
            due = now[0] + max(0.5, spent / 8_000)
    assert now[0] > 8
    rate = display.bytes_written / now[0]
    print(f"{rate:.0f} bytes a second over {now[0]:.0f} s")
    assert rate < 10_000


def test_nothing_is_written_when_nothing_has_changed(journal: list[Event]) -> None:
    display = LiveDisplay(Terminal(), lambda: (80, 24), lambda: 5.0)
    for event in journal:
        display.event(event)
    assert display.redraw() > 0
    display._tick -= 1
    assert display.redraw() == 0


def test_a_resize_draws_everything_anew(journal: list[Event]) -> None:
    size = [(80, 24)]
    screen = Terminal()
    display = LiveDisplay(screen, lambda: size[0], lambda: 5.0)
    for event in journal:
        display.event(event)
    display.redraw()
    screen.truncate(0)
    size[0] = (50, 12)
    display.redraw()
    assert screen.getvalue().lstrip("\x00").startswith("\x1b[2J")


def test_the_last_picture_stays_on_the_ordinary_screen(journal: list[Event]) -> None:
    screen = Terminal()
    display = LiveDisplay(screen, lambda: (80, 24))
    with display.open(lambda: False):
        for event in journal:
            display.event(event)
    before, after = screen.getvalue().split("\x1b[?1049l")
    assert "\x1b[?1049h" in before
    assert "0.45600" in after
    assert "t0-5" in after


def test_a_terminal_that_goes_away_does_not_end_the_run(journal: list[Event]) -> None:
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise OSError("the terminal is gone")

    display = LiveDisplay(Gone(), lambda: (80, 24))
    with display.open(lambda: False):
        for event in journal:
            display.event(event)
    assert display.view.phase == "ended"


def test_plain_lines_say_what_matters_without_escapes(journal: list[Event]) -> None:
    out = io.StringIO()
    display = PlainDisplay(out)
    with display.open(lambda: False):
        for event in journal:
            display.event(event)
    text = out.getvalue()
    assert "\x1b" not in text
    for words in ("t0-0 draft: Boost trees", "ACCEPTED 0.45600 ± 0.00510; gain +0.00600 ± 0.00160, P(better) 96 %",
                  "diagnosis: ", "crashed",
                  "trace 1 ended: the budget for steps is used up", "end: done, log_loss 0.45600"):  # fmt: skip
        assert words in text


def test_the_live_view_and_the_journal_agree(finished: RunDirectory) -> None:
    display = LiveDisplay(Terminal(), lambda: (80, 24))
    for event in finished.events():
        display.event(event)
    assert display.view == fold(finished.events())


def test_machines_get_each_event_as_a_line_and_the_result_last(
    finished: RunDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--json-events``: what is printed is the journal, line for line, then the result."""
    import json

    from gome_graph.cli import output
    from gome_graph.cli.running import carry_out, last_words, summary
    from gome_graph.run import RunResult

    monkeypatch.setattr(output.mode, "json", True)

    def begin(observers: object, stopped: object) -> RunResult:
        for event in finished.events():
            for observer in observers:  # type: ignore[attr-defined]
                observer(event)
        return RunResult.model_validate(finished.record()["result"])

    result = carry_out(begin, finished.root, json_events=True)
    last_words(result)
    output.result(summary(result))
    lines = capsys.readouterr().out.splitlines()
    assert "\n".join(lines[:-1]) + "\n" == finished.journal_path.read_text(encoding="utf-8")
    last = json.loads(lines[-1])
    assert (last["status"], last["exit_code"]) == ("done", 0)
    assert last["files"]["report"] == str(finished.report_path)
