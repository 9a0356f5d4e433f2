"""OpenTelemetry spans of a run, told from its journal: the run, its steps, and in each what was asked, executed and judged.

On where the usual variables say so (``OTEL_EXPORTER_OTLP_ENDPOINT``, or the one for traces) and the extra ``otel`` is installed. Names of
attributes of model calls follow OpenTelemetry's conventions for generative AI; no prompt and no answer is sent.
"""

import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from gome_graph.records import Event, EventKind, StepId

log = logging.getLogger(__name__)

SWITCHES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
FLUSH_MILLISECONDS = 3000
"""Longest wait for a collector at the end of a run."""


def make_spans() -> "Spans | None":
    """The spans of a run, if the environment asks for them; None, and nothing imported, if it does not."""
    if not any(os.environ.get(name) for name in SWITCHES) or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = _exporter()
    except ImportError as error:
        log.warning("no OpenTelemetry traces: %s; install them with: pip install 'gome-graph[otel]'", error)
        return None
    service = os.environ.get("OTEL_SERVICE_NAME", "gome")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Spans(provider)


def _exporter() -> Any:
    if os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        return Grpc()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


class Spans:
    """An observer of the journal that keeps spans open and closes them. Called under the journal's lock, so it needs none of its own.

    Parameters
    ----------
    provider
        A tracer provider of OpenTelemetry's SDK.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("gome")
        self._run: Any = None
        self._steps: dict[StepId, Any] = {}

    def __call__(self, event: Event) -> None:
        """Take one event in."""
        if event.kind is EventKind.RUN_STARTED:
            self._start_run(event)
        elif event.step is not None and event.trace is not None:
            self._in_step(event)
        elif event.kind is EventKind.TRACE_ENDED and event.trace is not None:
            for step in [step for step in self._steps if step.startswith(f"t{event.trace}-")]:
                self._steps.pop(step).end(_nanoseconds(event))
        elif event.kind is EventKind.WARNING and self._run is not None:
            self._run.add_event("warning", {"text": str(event.data.get("text", ""))}, _nanoseconds(event))
        if event.kind is EventKind.RUN_FINISHED and self._run is not None:
            self._end_run(event)

    def close(self) -> None:
        """End what is open, and let spans on their way arrive."""
        for span in [*self._steps.values(), *([self._run] if self._run is not None else [])]:
            span.end()
        self._steps, self._run = {}, None
        self._provider.force_flush(FLUSH_MILLISECONDS)
        self._provider.shutdown()

    def _start_run(self, event: Event) -> None:
        names = ("task", "metric", "seed", "traces", "budget_seconds", "reasoner", "strategy", "executor", "memory")
        facts = {f"gome.{name}": event.data[name] for name in names if name in event.data}
        self._run = self._tracer.start_span(f"gome run {event.data.get('task', '')}", attributes=facts, start_time=_nanoseconds(event))

    def _end_run(self, event: Event) -> None:
        data = event.data
        facts = {"gome.status": data.get("status"), "gome.step": event.step, "gome.score": (data.get("score") or {}).get("value"),
                 "gome.steps": data.get("steps"), "gome.accepted": data.get("accepted")}  # fmt: skip
        self._run.set_attributes(_known(facts))
        self._run.end(_nanoseconds(event))
        self._run = None

    def _in_step(self, event: Event) -> None:
        teller = _TELLERS.get(event.kind)
        if teller is None:
            return
        step = event.step
        span = self._steps.get(step) if step else None
        if span is None and step is not None:
            begun = _nanoseconds(event, -float(event.data.get("seconds", 0.0)) if event.kind is EventKind.ANSWERED else 0.0)
            span = self._child(f"step {step}", self._run, begun, {"gome.step": step, "gome.trace": event.trace})
            self._steps[step] = span
        teller(self, span, event)
        if event.kind is EventKind.REMEMBERED and step is not None:
            self._steps.pop(step).end(_nanoseconds(event))

    def _child(self, name: str, parent: Any, start: int, facts: dict[str, Any]) -> Any:
        from opentelemetry import trace

        context = trace.set_span_in_context(parent) if parent is not None else None
        return self._tracer.start_span(name, context=context, attributes=_known(facts), start_time=start)

    def _answered(self, span: Any, event: Event) -> None:
        data = event.data
        provider, _, model = str(data.get("model", "")).partition(":")
        facts = {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": provider, "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": data.get("tokens_in"), "gen_ai.usage.output_tokens": data.get("tokens_out"),
            "gome.role": data.get("role"), "gome.template": data.get("template"), "gome.tries": data.get("tries"),
            "gome.cost_usd": data.get("cost"),
        }  # fmt: skip
        start = _nanoseconds(event, -float(data.get("seconds", 0.0)))
        self._child(f"chat {model}", span, start, facts).end(_nanoseconds(event))

    def _executed(self, span: Any, event: Event) -> None:
        execution = event.data.get("execution") or {}
        seconds = float(execution.get("wall_seconds") or 0.0)
        facts = {"gome.outcome": execution.get("outcome"), "gome.cpu_seconds": execution.get("cpu_seconds"),
                 "gome.peak_memory_bytes": execution.get("peak_memory_bytes")}  # fmt: skip
        self._child("execute", span, _nanoseconds(event, -seconds), facts).end(_nanoseconds(event))

    def _started(self, span: Any, event: Event) -> None:
        hypothesis = event.data.get("hypothesis") or {}
        span.set_attributes(_known({"gome.hypothesis": hypothesis.get("title"), "gome.family": event.data.get("family")}))

    def _validated(self, span: Any, event: Event) -> None:
        verdict = event.data.get("verdict") or {}
        facts = {"gome.verdict": verdict.get("kind"), "gome.score": (verdict.get("score") or {}).get("value"),
                 "gome.gain_in_noise": verdict.get("gain_in_noise")}  # fmt: skip
        span.set_attributes(_known(facts))

    def _trouble(self, span: Any, event: Event) -> None:
        words = {name: str(event.data.get(name, "")) for name in ("role", "model", "problem", "detail", "then")}
        span.add_event("model trouble", words, _nanoseconds(event))

    def _nothing(self, span: Any, event: Event) -> None:
        """The event only opens or closes the step."""


_TELLERS: dict[EventKind, Callable[[Spans, Any, Event], None]] = {
    EventKind.STEP_STARTED: Spans._started,
    EventKind.ANSWERED: Spans._answered,
    EventKind.MODEL_TROUBLE: Spans._trouble,
    EventKind.EXECUTED: Spans._executed,
    EventKind.VALIDATED: Spans._validated,
    EventKind.REMEMBERED: Spans._nothing,
}


def _nanoseconds(event: Event, shift: float = 0.0) -> int:
    """The event's time since the epoch, in the unit of spans."""
    return int((datetime.fromisoformat(event.at) + timedelta(seconds=shift)).timestamp() * 1e9)


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}
