"""What buttons do: the same as ``gome stop``, ``pause``, ``instruct``, ``pin`` and ``veto``. Each answers with the page it came from."""

from collections.abc import Callable
from urllib.parse import parse_qsl

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gome_graph.errors import GomeError
from gome_graph.report.steer import ask_pause, ask_stop, give_hint, wish
from gome_graph.run.steering import WishKind
from gome_graph.server.dashboard.rendering import page
from gome_graph.server.dashboard.runs import Followed

LARGEST_FORM = 64 << 10
"""Bytes of a form: a hint and a few words."""

SAID = {
    "stop": "Asked to stop. It ends within seconds and keeps the best so far.",
    "pause": "Asked to pause. It rests when the steps in hand are done.",
    "pin": "Noted: this step is to be handed out.",
    "veto": "Noted: this step is refused, and what was built on it.",
    "hint": "Noted. Traces see it before their next step.",
}
"""What a page says after a button was pressed; the address carries the key alone."""

Act = Callable[[Request, Followed, dict[str, str]], Response]


async def carry_out(act: Act, request: Request, followed: Followed) -> Response:
    """Read the form, act, and say what is wrong if something is."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            raise HTTPException(413, "The form is too large.")
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return await anyio.to_thread.run_sync(act, request, followed, form)
    except GomeError as error:
        return page(request, "sorry.html.j2", 400, title="That did not work", text=str(error))


def back(request: Request, followed: Followed, said: str, place: str = "") -> Response:
    """To the page of the run (or a `place` below it), with a sentence of `SAID`."""
    base = request.scope.get("root_path", "").rstrip("/")
    return RedirectResponse(f"{base}/runs/{followed.key}{place}?said={said}", 303)


def stop(request: Request, followed: Followed, form: dict[str, str]) -> Response:
    """End the run, best so far kept."""
    ask_stop(followed.run)
    return back(request, followed, "stop")


def pause(request: Request, followed: Followed, form: dict[str, str]) -> Response:
    """Let the run rest after the steps in hand."""
    ask_pause(followed.run)
    return back(request, followed, "pause")


def wished(kind: WishKind) -> Act:
    """Choose or refuse the step that the address names."""

    def act(request: Request, followed: Followed, form: dict[str, str]) -> Response:
        step = request.path_params["step"]
        made = wish(followed.run, step, kind, form.get("reason", ""))
        return back(request, followed, kind.value, f"/steps/{made.step}")

    return act


def hint(request: Request, followed: Followed, form: dict[str, str]) -> Response:
    """Words for all traces or one."""
    trace = form.get("trace", "")
    give_hint(followed.run, form.get("text", ""), int(trace) if trace.isdigit() and len(trace) < 4 else None)
    return back(request, followed, "hint")
