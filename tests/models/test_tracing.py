"""LangSmith sees what a model is asked, by its usual environment variables and nothing else."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.models.server import say, serving

ASK = """
import sys
from pathlib import Path
from tests.models.conftest import Run, ask
from gome_graph.models import retrying

run = Run(Path(sys.argv[1]))
run.folder.mkdir()
session = run.open("openai:tiny", base_url=sys.argv[2])
print(session.ask(ask()).value.cause)
session.close()
"""


INGEST = {
    "use_multipart_endpoint": False, "size_limit": 100, "size_limit_bytes": 1 << 20, "scale_up_nthreads_limit": 1,
    "scale_up_qsize_trigger": 1000, "scale_down_nempty_trigger": 4,
}  # fmt: skip
"""What a LangSmith server says of itself."""


def test_langsmith_is_told_by_its_usual_variables(tmp_path: Path) -> None:
    told: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(json.dumps({"batch_ingest_config": INGEST}).encode())

        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._reply(b"{}")

        do_PATCH = do_POST

        def _reply(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    variables = {
        "LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "lsv2_pt_planted0123456789", "LANGSMITH_PROJECT": "shop",
        "LANGSMITH_ENDPOINT": f"http://127.0.0.1:{collector.server_address[1]}", "LANGSMITH_DISABLE_RUN_COMPRESSION": "true",
    }  # fmt: skip
    good = {"cause": "too shallow", "part": "model", "confidence": 0.7, "notes": []}
    with serving([say(good)]) as server:
        done = subprocess.run(
            [sys.executable, "-c", ASK, str(tmp_path / "run"), server.url], env={**os.environ, **variables}, cwd=Path(__file__).parents[2],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    collector.shutdown()
    collector.server_close()
    assert done.stdout.strip() == "too shallow", done.stderr
    everything = b"".join(told)
    for word in (b"gome diagnose", b"What limits the score?", b"diagnose@00000000", b"shop"):
        assert word in everything
