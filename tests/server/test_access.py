"""Who may talk to the dashboard."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import served

TOKEN = "0123456789abcdef-long-enough"
SECRET = "nobody may read this"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "localhost.evil.example", "127.0.0.1.nip.io", ""])
def test_other_names_for_this_machine_are_refused(client: httpx.Client, host: str) -> None:
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code in (400, 403)
    assert "ended" not in answer.text


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:9"])
def test_loopback_names_are_answered(client: httpx.Client, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1", "http://127.0.0.1", "https://[::1]"])
def test_buttons_of_other_pages_do_nothing(address: str, root: Path, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    answer = httpx.post(f"{address}/runs/open/hint", data={"text": "x"}, headers=headers)
    assert answer.status_code == 403
    assert not (root / "open" / "hints.jsonl").exists()


def test_a_browser_that_says_cross_site_is_refused(client: httpx.Client) -> None:
    assert client.post("/runs/open/hint", data={"text": "x"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_token_is_asked_of_every_page(root: Path) -> None:
    with served(root, TOKEN) as address, httpx.Client(base_url=address, timeout=30) as client:
        for page in ("/", "/runs/ended", "/runs/ended/events", "/events", "/runs/ended/files/solution.py", "/?token=wrong", "/runs/nope"):
            answer = client.get(page)
            assert answer.status_code == 401, page
            assert "spaceship" not in answer.text
        assert client.post("/runs/open/hint", data={"text": "x"}, headers={"Origin": address}).status_code == 401
        assert client.get("/", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}", "Host": "example.org"}).status_code == 200


def test_the_link_with_the_token_signs_in_and_leaves_the_address(root: Path) -> None:
    with served(root, TOKEN) as address, httpx.Client(base_url=address, timeout=30) as client:
        answer = client.get(f"/runs/ended?token={TOKEN}&said=x")
        assert (answer.status_code, answer.headers["location"]) == (303, "/runs/ended?said=x")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert client.get("/runs/ended").status_code == 200


TRAVERSALS = (
    "/runs/..", "/runs/%2e%2e", "/runs/..%2fsecret", "/runs/%2e%2e%2fsecret", "/runs/ended/files/..%2f..%2fsecret.txt",
    "/runs/ended/files/%2e%2e/secret.txt", "/runs/ended/files/run.json", "/runs/ended/files/vault",
    "/runs/ended/steps/..%2f..%2fvault",
    "/runs/ended/steps/%2e%2e", "/runs/ended/diff?step=../../secret.txt", "/runs/%00",
    "/runs/ended/files/solution.py%00.txt", "//secret.txt",
)  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out(address: str, root: Path, path: str) -> None:
    (root.parent / "secret.txt").write_text(SECRET)
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as raw:  # httpx would tidy the path up
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b"")).decode()
    assert answer.split()[1] in ("404", "400")
    assert SECRET not in answer


def test_a_link_to_a_folder_elsewhere_is_no_run(client: httpx.Client, root: Path, tmp_path: Path) -> None:
    from fake_run import build

    build(tmp_path / "elsewhere" / "hidden", per_trace=1)
    (root / "astray").symlink_to(tmp_path / "elsewhere" / "hidden")
    assert "astray" not in client.get("/").text
    assert client.get("/runs/astray").status_code == 404


def test_a_linked_submission_is_not_handed_out(client: httpx.Client, root: Path) -> None:
    (root.parent / "secret.txt").write_text(SECRET)
    (root / "ended" / "submission.csv").unlink()
    (root / "ended" / "submission.csv").symlink_to(root.parent / "secret.txt")
    assert client.get("/runs/ended/files/submission.csv").status_code == 404


def gome_ui(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "gome_graph.cli", "ui", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          check=False)  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--host", "0.0.0.0"], "give a --token"), (["--host", "::"], "give a --token"),
     (["--host", "0.0.0.0", "--token", "short"], "16 or more"),
     (["--host", "no.such.host.invalid"], "no address of this machine")],
)  # fmt: skip
def test_it_is_not_bound_elsewhere_without_a_good_token(root: Path, arguments: list[str], words: str) -> None:
    said = gome_ui(root, *arguments)
    assert said.returncode == 2
    assert words in said.stderr
    assert "Traceback" not in said.stderr


def test_bad_folders_and_ports_are_said_in_one_sentence(root: Path, tmp_path: Path) -> None:
    assert "is not a folder" in gome_ui(tmp_path / "nope").stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = gome_ui(root, "--port", taken.getsockname()[1])
    assert said.returncode == 2
    assert "another --port" in said.stderr


def test_the_real_command_serves_and_ends_with_ctrl_c(root: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gome_graph.cli", "ui", str(root), "--port", "0", "--json"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        told: dict[str, Any] = json.loads(process.stdout.readline())
        assert "ended" in httpx.get(told["address"], timeout=30).text
        with httpx.stream("GET", f"{told['address']}runs/open/events") as stream:
            next(stream.iter_lines())
            process.send_signal(signal.SIGINT)  # an open stream must not keep it
            process.wait(15)
    finally:
        process.kill()
        process.wait()
