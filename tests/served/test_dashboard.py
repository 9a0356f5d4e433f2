"""The dashboard beside the API of a real LangGraph server."""

import sys
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "report"))

from fake_run import build

from tests.served.conftest import Server


@pytest.mark.slow
def test_the_dashboard_stands_beside_the_api(server: Server) -> None:
    build(server.folder / "runs" / "ended", per_trace=2)
    with httpx.Client(base_url=server.url, timeout=60, follow_redirects=True) as client:
        assert "Score over time" in client.get("/ui/runs/ended").text
        assert client.get("/ui/style.css").headers["content-type"].startswith("text/css")
        assert client.get("/ui/", headers={"Host": "evil.example"}).status_code == 403
        assert client.post("/ui/runs/ended/stop").status_code == 403  # from no page of the dashboard
        found = client.post("/assistants/search", json={}).json()
        assert [assistant["graph_id"] for assistant in found] == ["gome"]
