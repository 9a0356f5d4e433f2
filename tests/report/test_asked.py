"""What language models used, as the live view, the lines, ``gome show`` and the report tell it."""

from pathlib import Path

from fake_run import FakeRun

from gome_graph.cli.display.screen import draw
from gome_graph.records import EventKind
from gome_graph.report import fold, write_report
from gome_graph.report.words import line_of
from gome_graph.run import RunDirectory

ANSWER = {"model": "openai:gpt-5", "template": "code@1", "tries": 2, "repaired": False, "seconds": 3.0}
TROUBLE = {"role": "code", "model": "openai:gpt-5", "problem": "rate_limited", "detail": "<b>429</b>", "then": "tried again in 2.0 s"}


def asking_run(root: Path) -> RunDirectory:
    fake = FakeRun(root, traces=1)
    fake.start()
    fake.steps(2)
    add = fake.journal.add
    add(EventKind.ANSWERED, trace=0, step="t0-1", role="diagnose", tokens_in=1000, tokens_out=200, cost=0.01, **{**ANSWER, "tries": 1})
    add(EventKind.MODEL_TROUBLE, trace=0, step="t0-1", **TROUBLE)
    add(EventKind.ANSWERED, trace=0, step="t0-1", role="code", tokens_in=3000, tokens_out=800, cost=0.02, **ANSWER)
    add(EventKind.ANSWERED, trace=0, step="t0-1", role="judge", tokens_in=500, tokens_out=50, cost=None, **ANSWER)
    fake.finish("done")
    return fake.run


def test_tokens_and_money_are_summed_by_role(tmp_path: Path) -> None:
    asked = fold(asking_run(tmp_path / "run").events()).asked
    assert (asked.tokens, round(asked.cost or 0, 4)) == (5550, 0.03)
    assert asked.by_role["code"].tries == 2
    assert asked.by_role["judge"].cost is None
    assert asked.troubles == {"rate limited": 1}
    assert asked.line() == "5,550 tokens, $0.0300"


def test_the_live_view_shows_them_by_role(tmp_path: Path) -> None:
    view = fold(asking_run(tmp_path / "run").events())
    lines = [line.plain for line in draw(view, 150, 24, elapsed=1.0)]
    (line,) = [line for line in lines if line.startswith("asked")]
    assert "5,550 tokens, $0.0300   diagnose 1,200, code 3,800, judge 550" in line
    assert "1 trouble, last: openai:gpt-5 (code): rate limited; tried again in 2.0 s" in line


def test_a_trouble_is_one_line_of_news(tmp_path: Path) -> None:
    run = asking_run(tmp_path / "run")
    view = fold(run.events())
    (event,) = [event for event in run.events() if event.kind is EventKind.MODEL_TROUBLE]
    assert line_of(view, event) == "t0-1 openai:gpt-5 (code): rate limited; tried again in 2.0 s: <b>429</b>"


def test_the_report_has_a_table_and_a_run_without_models_has_none(tmp_path: Path) -> None:
    page = write_report(asking_run(tmp_path / "run")).read_text()
    table = page[page.index('id="models"') :]
    assert "<td>code</td>" in table
    assert "3,000" in table
    assert "$0.0200" in table
    assert "rate limited 1" in table
    fake = FakeRun(tmp_path / "plain", traces=1)
    fake.start()
    fake.steps(1)
    fake.finish("done")
    assert 'id="models"' not in write_report(fake.run).read_text()
