"""OpenTelemetry: a run's spans, as a real collector on loopback receives them."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gome_graph.graph import start, tracing
from gome_graph.graph.tracing import make_spans
from gome_graph.records import Event, EventKind
from gome_graph.run import RunSettings
from gome_graph.task import load_task
from tests.graph.conftest import PlannedReasoner, width

Plan = Callable[[Callable[[int, int], str | None]], PlannedReasoner]
otlp = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")


class Collector:
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                import gzip

                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                request = otlp.ExportTraceServiceRequest.FromString(body)
                outer.spans += [span for r in request.resource_spans for scope in r.scope_spans for span in scope.spans]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def named(self, name: str) -> Any:
        (span,) = [span for span in self.spans if span.name == name]
        return span


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    found = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
    yield found
    found.server.shutdown()
    found.server.server_close()


def facts(span: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}


def test_a_run_is_a_trace_of_its_steps(collector: Collector, plan: Plan, folder: Path, tmp_path: Path) -> None:
    scripts = [width(1.0), width(0.3)]
    plan(lambda trace, step: scripts[step] if step < 2 else None)
    settings = RunSettings(budget_seconds=120, traces=1, max_steps=2, reasoner="planned", memory="none")
    start(load_task(folder), settings, out=tmp_path / "run")
    run, first, second = collector.named("gome run line"), collector.named("step t0-0"), collector.named("step t0-1")
    assert first.parent_span_id == second.parent_span_id == run.span_id
    assert facts(run)["gome.status"] == "done"
    assert facts(second)["gome.verdict"] == "accepted"
    executions = [span for span in collector.spans if span.name == "execute"]
    assert first.span_id in {span.parent_span_id for span in executions}
    assert all(span.end_time_unix_nano > span.start_time_unix_nano for span in executions)


def test_a_model_call_follows_the_conventions(collector: Collector) -> None:
    spans = make_spans()
    assert spans is not None
    begun = {"task": "shop", "metric": "auc", "seed": 0}
    answered = {"role": "code", "model": "openai:gpt-5", "template": "code@1", "tokens_in": 900, "tokens_out": 70, "cost": 0.01, "tries": 2,
                "repaired": False, "seconds": 1.5}  # fmt: skip
    trouble = {"role": "code", "model": "openai:gpt-5", "problem": "overloaded", "detail": "503", "then": "tried again in 1.0 s"}
    for number, (kind, data) in enumerate(
        [(EventKind.RUN_STARTED, begun), (EventKind.MODEL_TROUBLE, trouble), (EventKind.ANSWERED, answered)]
    ):
        inside = {} if kind is EventKind.RUN_STARTED else {"trace": 0, "step": "t0-1"}
        spans(Event(n=number, kind=kind, at="2026-01-01T00:00:10+00:00", elapsed=1.0, data=data, **inside))
    spans.close()
    call, step = collector.named("chat gpt-5"), collector.named("step t0-1")
    assert call.parent_span_id == step.span_id
    told = facts(call)
    assert (told["gen_ai.provider.name"], told["gen_ai.request.model"]) == ("openai", "gpt-5")
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"], told["gome.tries"]) == (900, 70, 2)
    assert call.end_time_unix_nano - call.start_time_unix_nano == 1_500_000_000
    assert [event.name for event in step.events] == ["model trouble"]


def test_without_the_variables_nothing_is_imported_or_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracing.SWITCHES:
        monkeypatch.delenv(name, raising=False)
    assert make_spans() is None
