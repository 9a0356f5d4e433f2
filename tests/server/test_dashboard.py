"""The dashboard: what its pages show, what its buttons do."""

import json
import time
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from fake_run import HOSTILE, FakeRun, build
from serving import served
from test_page import Page

from gome_graph.records import Component, EventKind, Experience, Hypothesis, StepId, VerdictKind
from gome_graph.run import RunDirectory
from gome_graph.run.steering import read_wishes

PAGES = ("/", "/runs/ended", "/runs/ended/steps/t0-0", "/runs/ended/steps/t0-2", "/runs/ended/diff", "/runs/ended/memory", "/runs/open")


def test_runs_are_listed_with_state_and_scores(client: httpx.Client) -> None:
    text = client.get("/").text
    for words in ("ended", "open", "done", "crashed", "0.45600 ± 0.00510", "log_loss"):
        assert words in text


def test_a_run_shows_scores_tree_traces_budget_and_what_happened(client: httpx.Client) -> None:
    text = client.get("/runs/ended").text
    for words in ("Score over time", "Tree of steps", "trace 2", "better by", "audit", "Budget", 'class="err', "end: done, log_loss"):
        assert words in text
    assert "Have a say" not in text  # it has ended: there is nothing to say


def test_a_step_shows_diagnosis_evidence_patch_and_verdict(client: httpx.Client) -> None:
    text = client.get("/runs/ended/steps/t0-3").text
    for words in ("slices.0.excess", "wrong if", "P(better)", "noise units", "+ROUNDS", "format", "compare with t0-0"):
        assert words in text


def test_two_scripts_are_compared(client: httpx.Client) -> None:
    text = client.get("/runs/ended/diff", params={"step": "t1-3", "against": "t1-0"}).text
    assert "-ROUNDS = 100" in text
    assert "+ROUNDS = 250" in text
    assert client.get("/runs/ended/diff", params={"step": "t9-9"}).status_code == 404


def test_the_audit_is_sealed_while_the_run_is_open(client: httpx.Client) -> None:
    text = client.get("/runs/open").text
    assert "sealed until the run ends" in text
    assert "Validation against audit" not in text


@pytest.mark.parametrize("page", PAGES)
def test_pages_load_nothing_but_our_own_two_files(client: httpx.Client, page: str) -> None:
    answer = client.get(page)
    found = Page(answer.text)
    assert answer.status_code == 200
    assert {load for load in found.loads if load != "data:,"} <= {"/style.css", "/live.js"}
    assert found.handlers == []
    assert "".join(found.scripts).strip() == ""
    assert " style=" not in answer.text  # the policy would refuse it
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert all(href.startswith(("/", "#", "?")) for href in found.hrefs)


def test_hostile_text_stays_text_on_every_page(tmp_path: Path) -> None:
    fake = FakeRun(tmp_path / "runs" / "evil", task=f"task {HOSTILE}")
    fake.start()
    fake.steps(3)
    fake.begin(0, 3, VerdictKind.CRASHED, title=f"{HOSTILE}</title></script>")
    fake.execute(0, 3, VerdictKind.CRASHED)
    fake.judge(0, 3, VerdictKind.CRASHED, None)
    (fake.run.root / "hints.jsonl").write_text(json.dumps({"trace": None, "text": HOSTILE}) + "\n")
    with served(fake.run.root.parent) as address, httpx.Client(base_url=address, timeout=30) as client:
        for page in ("/", "/runs/evil", "/runs/evil/steps/t0-3", "/runs/evil/diff?step=t0-3", f"/runs/evil/memory?text={quote(HOSTILE)}"):
            answer = client.get(page)
            found = Page(answer.text)
            assert answer.status_code == 200
            assert "".join(found.scripts).strip() == ""
            assert found.images == 0
            assert found.handlers == []
        assert "&lt;script&gt;alert(" in client.get("/runs/evil").text


def test_a_damaged_run_does_not_hide_the_others(client: httpx.Client, root: Path) -> None:
    (root / "open" / "run.json").write_text("{")
    text = client.get("/").text
    assert "damaged" in text
    assert "0.45600 ± 0.00510" in text
    assert client.get("/runs/open").status_code == 500
    assert "cannot be shown" in client.get("/runs/open").text


def test_a_torn_line_of_the_journal_is_shown_once_it_is_whole(client: httpx.Client, root: Path) -> None:
    journal = root / "open" / "journal.jsonl"
    whole = json.dumps({"n": 900, "kind": "warning", "at": "", "elapsed": 250, "data": {"text": "half and half"}}) + "\n"
    with journal.open("a") as file:
        file.write(whole[:30])
        file.flush()
        assert "half and half" not in client.get("/runs/open").text
        file.write(whole[30:])
    assert "half and half" in client.get("/runs/open").text


def test_a_run_begun_anew_under_the_same_name_is_read_anew(client: httpx.Client, root: Path) -> None:
    import shutil

    assert "t0-3" in client.get("/runs/ended").text
    shutil.rmtree(root / "ended")
    build(root / "ended", per_trace=1)
    text = client.get("/runs/ended").text
    assert "t0-3" not in text
    assert "t0-0" in text


def test_a_run_of_200_steps_opens_within_a_second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build(tmp_path / "runs" / "long", per_trace=67)
    with served(tmp_path / "runs") as address, httpx.Client(base_url=address, timeout=30) as client:
        client.get("/style.css")
        begin = time.perf_counter()
        answer = client.get("/runs/long")
        first = time.perf_counter() - begin
        begin = time.perf_counter()
        client.get("/runs/long")
        second = time.perf_counter() - begin
    assert answer.text.count('scope="row"') > 200
    with capsys.disabled():
        print(f"\n201 steps: first opened in {first:.3f} s, again in {second:.3f} s, {len(answer.content):,} bytes (bar 1 s)")
    assert second < 1.0
    assert first < 2.0  # the bar is 1 s; the machine may be busy


def test_a_list_of_many_ended_runs_reads_no_journal(tmp_path: Path) -> None:
    import shutil

    build(tmp_path / "runs" / "r000", per_trace=2)
    for number in range(1, 120):
        shutil.copytree(tmp_path / "runs" / "r000", tmp_path / "runs" / f"r{number:03d}")
    for journal in (tmp_path / "runs").glob("*/journal.jsonl"):
        journal.write_text("damaged\n")
    with served(tmp_path / "runs") as address:
        text = httpx.get(address, timeout=30).text
    assert text.count(">done<") == 120
    assert "0.46200 ± 0.00510" in text


def test_stop_and_hint_do_what_the_commands_do(going: FakeRun) -> None:
    with served(going.run.root.parent) as address, httpx.Client(base_url=address, headers={"Origin": address}, timeout=30) as client:
        said = client.post("/runs/going/hint", data={"text": " split  Cabin ", "trace": "1"}, follow_redirects=True)
        assert "Noted." in said.text
        assert going.run.hints() == [{"trace": 1, "text": "split Cabin"}]
        assert "split Cabin" in said.text
        refused = client.post("/runs/going/hint", data={"text": "x", "trace": "7"})
        assert (refused.status_code, "traces 0 to 1" in refused.text) == (400, True)
        assert client.post("/runs/going/hint", data={"text": "  "}).status_code == 400
        assert client.post("/runs/going/hint", content=b"text=" + b"x" * 100_000).status_code == 413
        assert "Asked to stop" in client.post("/runs/going/stop", follow_redirects=True).text
        assert going.run.stop_path.exists()


def test_steps_are_chosen_and_refused_and_the_run_paused(going: FakeRun) -> None:
    with served(going.run.root.parent) as address, httpx.Client(base_url=address, headers={"Origin": address}, timeout=30) as client:
        assert "Hand this one out" in client.get("/runs/going/steps/t0-0").text
        said = client.post("/runs/going/steps/t0-0/pin", data={"reason": " simplest  of them "}, follow_redirects=True)
        assert "is to be handed out" in said.text
        assert client.post("/runs/going/steps/t1-0/veto").status_code == 303
        wishes = [(wish.kind.value, wish.step, wish.reason) for wish in read_wishes(going.run.wishes_path)]
        assert wishes == [("pin", "t0-0", "simplest of them"), ("veto", "t1-0", "")]
        assert client.post("/runs/going/steps/t0-9/pin").status_code == 400
        assert client.post("/runs/going/steps/..%2f..%2fx/pin").status_code == 404
        assert client.post("/runs/going/steps/t0-0/pin", data={"reason": "x" * 3000}).status_code == 400
        assert "Asked to pause" in client.post("/runs/going/pause", follow_redirects=True).text
        assert going.run.pause_path.exists()


def test_an_ended_run_takes_no_wishes(client: httpx.Client, root: Path) -> None:
    assert "Hand this one out" not in client.get("/runs/ended/steps/t0-0").text
    assert client.post("/runs/ended/steps/t0-0/pin").status_code == 400
    assert not (root / "ended" / "wishes.jsonl").exists()


def test_what_does_not_run_cannot_be_stopped(client: httpx.Client, root: Path) -> None:
    assert client.post("/runs/ended/stop").status_code == 400
    assert not (root / "ended" / "stop").exists()
    assert client.get("/runs/ended/stop").status_code == 405


def experience(number: int, verdict: VerdictKind, title: str) -> Experience:
    return Experience(
        key=f"ended/0/t0-{number}", run="ended", trace=0, step=StepId(f"t0-{number}"), task="spaceship",
        hypothesis=Hypothesis(title=title, rationale="because", component=Component.FEATURES), gain_in_noise=float(number),
        verdict=verdict,
    )  # fmt: skip


def test_the_memory_can_be_searched_and_paged(client: httpx.Client, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memories = pytest.importorskip("gome_memory")
    monkeypatch.setenv("GOME_PLUGINS", "memory")
    memory = memories.open_memory(root / "ended" / "memory", index="exact", embedding="hash")
    memory.remember_all(experience(n, VerdictKind.ACCEPTED, f"Encode column {n}") for n in range(60))
    memory.remember(experience(99, VerdictKind.CRASHED, f"Use 100% of _it_ {HOSTILE}"))
    memory.close()
    text = client.get("/runs/ended/memory").text
    assert "61 experiences, page 1 of 2" in text
    assert text.index("Use 100% of _it_") < text.index("Encode column 59") < text.index("Encode column 58")
    assert "Encode column 3<" in client.get("/runs/ended/memory?page=2").text
    only = client.get("/runs/ended/memory", params={"verdict": "crashed", "text": "100% of _it_"}).text
    assert "1 experiences" in only
    assert "None fits" in client.get("/runs/ended/memory", params={"text": "100%_of"}).text


def test_a_run_without_memory_says_so(client: httpx.Client) -> None:
    assert "Nothing is remembered yet" in client.get("/runs/open/memory").text


def test_the_report_is_shown_in_a_sandbox(client: httpx.Client) -> None:
    answer = client.get("/runs/ended/report")
    assert answer.status_code == 200
    assert "sandbox" in answer.headers["content-security-policy"]


def test_the_script_and_submission_can_be_fetched(client: httpx.Client, root: Path) -> None:
    answer = client.get("/runs/ended/files/solution.py")
    assert answer.text == (root / "ended" / "solution.py").read_text()
    assert answer.headers["content-disposition"].startswith("attachment")


def test_the_app_works_below_a_path(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.testclient import TestClient

    from gome_graph.server.dashboard import create_app

    with TestClient(Starlette(routes=[Mount("/ui", create_app(root))]), base_url="http://localhost") as client:
        found = Page(client.get("/ui/runs/open").text)
        assert {load for load in found.loads if load != "data:,"} == {"/ui/style.css", "/ui/live.js"}
        assert all(href.startswith(("/ui/", "#")) for href in found.hrefs)
        for href in set(found.hrefs):
            if href.startswith("/ui/"):
                assert client.get(href).status_code == 200, href
        origin = {"Origin": "http://localhost"}
        answer = client.post("/ui/runs/open/hint", data={"text": "look"}, headers=origin, follow_redirects=False)
        assert answer.headers["location"] == "/ui/runs/open?said=hint"
    assert RunDirectory.open(root / "open").hints() == [{"trace": None, "text": "look"}]


def test_what_language_models_used_stands_beside_the_time(going: FakeRun) -> None:
    going.journal.add(EventKind.ANSWERED, trace=0, role="code", model="x:y", tries=2, tokens_in=1200, tokens_out=345, cost=0.0123)
    with served(going.run.root.parent) as address:
        text = httpx.get(f"{address}/runs/going", timeout=30).text
    assert "Language models" in text
    assert "1,200" in text
    assert "x:y" in text
