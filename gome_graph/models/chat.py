"""Any LangChain chat model as a backend: structured output in the best way it can, errors sorted, waits bounded."""

import contextvars
import inspect
import json
import sys
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from gome_graph.models.backend import Failure, FailureKind, Reply, Request
from gome_graph.models.failures import Unsupported, classify
from gome_graph.models.schemas import schema_note, strict
from gome_graph.records import Seconds

POLL: Seconds = 0.2
FLUSH_SECONDS: Seconds = 5.0
"""Longest wait for traces at the end of a run: they are worth less than its end in time."""

CLIENT_SLACK: Seconds = 2.0
"""The client's own time-out, if it has one, is to come first: it closes the connection."""


class Method(StrEnum):
    """Ways to get an answer that fits a schema, best first."""

    JSON_SCHEMA = "json_schema"
    """The decoder is held to the schema."""
    TOOL = "function_calling"
    """The schema is a tool's argument."""
    JSON_MODE = "json_mode"
    """The decoder is held to JSON; the schema is told in words."""
    WORDS = "words"
    """Nothing but words."""


class ChatBackend:
    """A LangChain chat model. Which methods it can do is found out by asking, and remembered.

    Parameters
    ----------
    name
        ``provider:model``.
    chat
        The chat model; its own retries should be off.
    timeout_option
        Argument of its ``invoke`` that bounds one request in seconds, if it has such a one. Without it a request that hangs is left
        behind in its thread.
    """

    patient = False

    def __init__(self, name: str, chat: Any, *, timeout_option: str | None = None) -> None:
        self.name = name
        self._chat = chat
        self._timeout_option = timeout_option
        self._methods = list(Method)
        self._lock = threading.Lock()

    def complete(self, request: Request) -> Reply:
        """See `Backend.complete`."""
        while True:
            method = self._methods[0]
            try:
                return self._try(request, method)
            except Unsupported as error:
                self._drop(method, error)

    def _drop(self, method: Method, error: Unsupported) -> None:
        with self._lock:
            if method is Method.WORDS:
                raise Failure(FailureKind.REJECTED, str(error))
            if self._methods[0] is method:  # else another trace found out at the same time
                self._methods = self._methods[1:]

    def _try(self, request: Request, method: Method) -> Reply:
        start = time.monotonic()
        try:
            raw = bounded(lambda: self._invoke(request, method), request.timeout, request.stopped)
        except Failure:
            raise
        except Exception as error:
            raise classify(error, structured=method is not Method.WORDS) from None
        return _reply(raw, time.monotonic() - start)

    def _invoke(self, request: Request, method: Method) -> Any:
        options: dict[str, Any] = {} if request.max_output is None else {"max_tokens": request.max_output}
        if self._timeout_option is not None:
            options[self._timeout_option] = request.timeout
        told = method in (Method.JSON_MODE, Method.WORDS)
        messages = _messages(request, schema_note(request.schema) if told else "")
        chat = self._chat if method is Method.WORDS else self._structured(request, method)
        return chat.invoke(messages, _label(request), **options)

    def _structured(self, request: Request, method: Method) -> Any:
        """The chat model with the form of the answer bound to it.

        LangChain gives model and parser in a row; the parser is left out: it throws away what it does not like, and its way of keeping the
        raw answer (``include_raw``) waits in threads that a process cannot leave behind.
        """
        make = self._chat.with_structured_output
        options: dict[str, Any] = {}
        names = inspect.signature(make).parameters
        if "method" in names:
            options["method"] = method.value
        elif method is not Method.JSON_SCHEMA:
            raise Unsupported(f"{self.name} has one way of structured output, which it does not do")
        tight = strict(request.schema) if method in (Method.JSON_SCHEMA, Method.TOOL) else None
        if tight is not None and "strict" in names:
            options["strict"] = True
        try:
            made = make(tight or request.schema, **options)
        except (NotImplementedError, TypeError, ValueError) as error:
            raise Unsupported(str(error)) from None
        if not hasattr(made, "first"):
            raise Unsupported(f"{self.name} hides the model's own answer")
        return made.first


def bounded(work: Callable[[], Any], seconds: Seconds, stopped: Callable[[], bool]) -> Any:
    """The result of `work`, done in a thread of its own, which is left behind when time is over or the run is stopped.

    Raises
    ------
    Failure
        ``TIMED_OUT`` or ``STOPPED``. What `work` raises is raised here.
    """
    done = threading.Event()
    result: list[Any] = []
    trouble: list[Exception] = []
    context = contextvars.copy_context()  # callbacks (LangSmith) find the run they belong to

    def run() -> None:
        try:
            result.append(context.run(work))
        except Exception as error:
            trouble.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name="gome-model", daemon=True).start()
    until = time.monotonic() + seconds + CLIENT_SLACK
    while not done.wait(POLL):
        if stopped():
            raise Failure(FailureKind.STOPPED, "the run is being stopped")
        if time.monotonic() > until:
            raise Failure(FailureKind.TIMED_OUT, f"no answer within {seconds:.0f} s")
    if trouble:
        raise trouble[0]
    return result[0]


def flush_traces() -> None:
    """Give LangSmith's tracer, where one is at work, a moment to send what it holds."""
    tracer = sys.modules.get("langchain_core.tracers.langchain")
    if tracer is None:
        return
    sending = threading.Thread(target=tracer.wait_for_all_tracers, name="gome-traces", daemon=True)
    sending.start()
    sending.join(FLUSH_SECONDS)


def _label(request: Request) -> dict[str, Any]:
    """What LangChain's callbacks (LangSmith) show of a request."""
    facts = {"gome_run": request.run, "trace": request.trace, "step": request.step, "template": request.template, "request": request.key}
    return {"run_name": f"gome {request.role.value}", "tags": ["gome", request.role.value], "metadata": facts}


def _messages(request: Request, note: str) -> list[tuple[str, str]]:
    """As LangChain takes them; without a schema-bound decoder the schema is the last word of the system message."""
    system = "\n\n".join(part for part in (request.system, note) if part)
    turns = [("human" if turn.speaker == "user" else "ai", turn.text) for turn in request.turns]
    return [("system", system), *turns]


def _reply(raw: Any, seconds: Seconds) -> Reply:
    """Text, tool call or refusal of an ``AIMessage``, with the provider's token counts."""
    usage = raw.usage_metadata or {}
    tokens_in, tokens_out = int(usage.get("input_tokens") or 0), int(usage.get("output_tokens") or 0)
    cached = int((usage.get("input_token_details") or {}).get("cache_read") or 0)
    facts = raw.response_metadata or {}
    reason = str(facts.get("finish_reason") or facts.get("stop_reason") or facts.get("done_reason") or "").lower()
    refusal = (raw.additional_kwargs or {}).get("refusal")
    spent = {"tokens_in": tokens_in, "tokens_out": tokens_out}
    if refusal or reason in ("content_filter", "refusal", "safety"):
        raise Failure(FailureKind.REFUSED, str(refusal or "a content filter held the answer back"), **spent)
    if reason in ("length", "max_tokens", "model_length"):
        raise Failure(FailureKind.TRUNCATED, f"the answer was cut off after {tokens_out} tokens", **spent)
    return Reply(_text(raw), tokens_in, tokens_out, cached, seconds)


def _text(raw: Any) -> str:
    if raw.tool_calls:
        return json.dumps(raw.tool_calls[0]["args"], ensure_ascii=False)
    if raw.invalid_tool_calls:
        return str(raw.invalid_tool_calls[0].get("args") or "")
    content = raw.content
    if isinstance(content, str):
        return content
    return "".join(part if isinstance(part, str) else str(part.get("text", "")) for part in content)
