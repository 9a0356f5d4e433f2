"""The HTML report."""

import re
import shutil
import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fake_run import HOSTILE, FakeRun, build

from gome_graph.records import VerdictKind
from gome_graph.report import fold, write_report
from gome_graph.report.accounts import audit_rows, calibration, spending
from gome_graph.run import RunDirectory

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page(HTMLParser):
    """Counts elements and collects what would be loaded or run."""

    VOID = frozenset({"meta", "link", "br", "hr", "img", "input", "line", "circle", "path", "rect", "polyline"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.loads: list[str] = []
        self.handlers: list[str] = []
        self.images = 0
        self.ids: list[str] = []
        self.hrefs: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._in_script = tag == "script"
        self.images += tag == "img"
        self.handlers += [name for name in values if name.startswith("on")]
        self.loads += [values[k] or "" for k in ("src", "srcset", "data") if k in values]
        if tag == "link":
            self.loads.append(values.get("href") or "")
        if values.get("id"):
            self.ids.append(values["id"] or "")
        if tag == "a":
            self.hrefs.append(values.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)


def test_the_page_loads_nothing_from_anywhere(finished: RunDirectory) -> None:
    page = Page(write_report(finished).read_text(encoding="utf-8"))
    assert [load for load in page.loads if load != "data:,"] == []
    assert all(href.startswith("#") for href in page.hrefs)


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    fake = FakeRun(tmp_path / "run", task=f"task {HOSTILE}")
    fake.start()
    fake.steps(4)
    fake.begin(0, 4, VerdictKind.CRASHED, title=HOSTILE)
    fake.finish()
    text = write_report(fake.run).read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.scripts) == 1
    assert "owned" not in page.scripts[0]
    assert page.images == 0
    assert page.handlers == []
    assert "&lt;script&gt;alert(" in text


def test_only_our_own_script_may_run(finished: RunDirectory) -> None:
    import base64
    import hashlib

    text = write_report(finished).read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert "default-src 'none'" in policy.group(1)
    digest = base64.b64encode(hashlib.sha256(Page(text).scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy.group(1).replace("&#39;", "'")


def test_every_link_leads_somewhere(finished: RunDirectory) -> None:
    page = Page(write_report(finished).read_text(encoding="utf-8"))
    assert {href[1:] for href in page.hrefs} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_a_finished_run_shows_what_was_asked_for(finished: RunDirectory) -> None:
    text = write_report(finished).read_text(encoding="utf-8")
    for words in ("0.46200", "0.45000", "0.4540", "Validation against audit", "slices.0.excess", "P(better)", "Brier", "bubblewrap",
                  "ROUNDS",
                  "HomePlanet = Earth carries the loss", "the slice&#39;s share of the loss does not fall", "langgraph"):  # fmt: skip
        assert words in text, words


def test_a_run_of_sixty_steps_stays_below_a_megabyte(tmp_path: Path) -> None:
    path = write_report(build(tmp_path / "run", per_trace=20))
    assert path.stat().st_size < 1_000_000


def test_audit_scores_stay_sealed_until_the_end(crashed: RunDirectory) -> None:
    assert audit_rows(crashed, fold(crashed.events())) is None
    text = write_report(crashed).read_text(encoding="utf-8")
    assert "sealed until the run ends" in text
    assert "Validation against audit" not in text


@pytest.mark.parametrize("state", ["empty", "started", "drafting", "crashed"])
def test_unfinished_runs_have_a_page_too(tmp_path: Path, state: str) -> None:
    fake = FakeRun(tmp_path / "run")
    if state != "empty":
        fake.start()
    if state == "drafting":
        fake.begin(0, 0)
    if state == "crashed":
        fake.steps(2)
    text = write_report(fake.run).read_text(encoding="utf-8")
    assert "ended without a result" in text


def test_a_live_run_is_called_running(crashed: RunDirectory) -> None:
    with crashed.lock():
        assert "still running" in write_report(crashed).read_text(encoding="utf-8")


def test_damaged_step_files_do_not_take_the_page_down(finished: RunDirectory) -> None:
    shutil.rmtree(finished.root / "steps" / "t0-3")
    assert "t0-3" in write_report(finished).read_text(encoding="utf-8")


def test_a_run_without_any_sandbox_says_so_loudly(tmp_path: Path) -> None:
    fake = FakeRun(tmp_path / "run")
    fake.protections = {"mechanism": "none", "network_blocked": False, "filesystem_confined": False, "processes_confined": False,
                        "memory_limited": False, "notes": ["bubblewrap is not installed"]}  # fmt: skip
    fake.start()
    text = write_report(fake.run).read_text(encoding="utf-8")
    assert "No sandbox." in text
    assert "bubblewrap is not installed" in text


def test_the_accounts_add_up(finished: RunDirectory) -> None:
    entries = spending(fold(finished.events()))
    assert sum(e.share for e in entries) == pytest.approx(1.0)
    assert sum(e.steps or 0 for e in entries) == 24


def test_calibration_compares_confidence_with_acceptance(finished: RunDirectory) -> None:
    found = calibration(fold(finished.events()))
    assert found is not None
    assert found.count == 21
    assert found.accepted == pytest.approx(6 / 21)
    assert found.brier == pytest.approx((6 * 0.45**2 + 15 * 0.55**2) / 21)
    assert found.resolved == 1.0


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: the page was not opened in a browser")
@pytest.mark.parametrize(("width", "scheme"), [(1200, 1), (390, 0)])
def test_a_browser_draws_the_page(finished: RunDirectory, tmp_path: Path, width: int, scheme: int) -> None:
    picture = tmp_path / "page.png"
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--no-first-run", f"--user-data-dir={profile}", f"--window-size={width},1600", "--enable-logging=stderr",
             f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={picture}", write_report(finished).as_uri()],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 20_000
    assert "CONSOLE" not in done.stderr, done.stderr  # no script error, no violation of the policy
