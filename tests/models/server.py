"""A real HTTP server on loopback that speaks OpenAI's chat interface and does as a script says, the bad things included."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
"""A request's JSON."""


@dataclass
class Act:
    """What the server does with one request. Without anything else it answers `text`."""

    text: str = ""
    status: int = 200
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    finish: str = "stop"
    refusal: str | None = None
    hang: float = 0.0
    """Seconds of silence before anything is sent."""
    cut: bool = False
    """Close the connection in the middle of the reply."""
    raw: bytes | None = None
    """Sent instead of JSON."""
    drip: bool = False
    """Send blanks for ever."""
    usage: tuple[int, int] = (100, 20)
    as_tool: bool = False
    """Answer by calling the first tool of the request."""


def say(value: object, **more: Any) -> Act:
    """Answer with a JSON value."""
    return Act(json.dumps(value), **more)


class Server:
    """Runs acts in order; the last one again and again. `seen` holds the requests."""

    def __init__(self, script: Callable[[Body, int], Act] | list[Act]) -> None:
        self.seen: list[Body] = []
        self.keys: list[str] = []
        self.paths: list[str] = []
        self.ended = threading.Event()
        self._script = script
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.paths.append(self.path)
                act = outer.take(body, self.headers.get("Authorization", ""))
                outer.perform(self, body, act)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def take(self, body: Body, key: str) -> Act:
        with self._lock:
            self.seen.append(body)
            self.keys.append(key)
            number = len(self.seen) - 1
        if callable(self._script):
            return self._script(body, number)
        return self._script[min(number, len(self._script) - 1)]

    def perform(self, handler: BaseHTTPRequestHandler, body: Body, act: Act) -> None:
        try:
            if act.hang and self.ended.wait(act.hang):
                return
            if act.drip:
                self._drip(handler)
                return
            payload = act.raw if act.raw is not None else json.dumps(_reply(body, act)).encode()
            handler.send_response(act.status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(payload)), **act.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(payload[: len(payload) // 2] if act.cut else payload)
            if act.cut:
                handler.close_connection = True
        except OSError:
            handler.close_connection = True

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not self.ended.is_set():
            handler.wfile.write(b"1\r\n \r\n")
            handler.wfile.flush()
            time.sleep(0.05)

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self.ended.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def serving(script: Callable[[Body, int], Act] | list[Act]) -> Iterator[Server]:
    """The server, while the context lasts."""
    server = Server(script)
    server.start()
    try:
        yield server
    finally:
        server.close()


def method_of(body: Body) -> str:
    """How the request asks for the answer's form."""
    kind = (body.get("response_format") or {}).get("type")
    return {"json_schema": "json_schema", "json_object": "json_mode"}.get(kind, "function_calling" if body.get("tools") else "words")


def _reply(body: Body, act: Act) -> Body:
    if act.status >= 400:
        return {"error": {"message": act.error or f"planned {act.status}", "type": "planned", "code": None, "param": None}}
    message: Body = {"role": "assistant", "content": act.text, "refusal": act.refusal}
    if act.refusal is not None:
        message["content"] = None
    if act.as_tool and body.get("tools"):
        call = {"name": body["tools"][0]["function"]["name"], "arguments": act.text}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": call}]}
    tokens_in, tokens_out = act.usage
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body.get("model", "m"),
        "choices": [{"index": 0, "finish_reason": act.finish, "message": message}],
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out},
    }  # fmt: skip
