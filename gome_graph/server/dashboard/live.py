"""Live updates as server-sent events: what the journal says is passed on within a quarter of a second."""

import json
from collections.abc import AsyncIterator, Callable

import anyio
import anyio.to_thread
from starlette.responses import StreamingResponse

from gome_graph.server.dashboard.runs import Followed, Runs

POLL_SECONDS = 0.25
"""How often a journal's size is looked at; an unchanged one costs two system calls."""
LIST_SECONDS = 1.0
"""The same for the list of runs, where all journals are looked at."""
KEEP_ALIVE_SECONDS = 15.0
"""A line is sent at least this often, so that a browser that went away is noticed."""
LONGEST_SECONDS = 3600.0
"""A stream ends then; the browser opens the next one by itself."""

MEDIA = "text/event-stream"


def message(name: str, data: object, number: int | None = None) -> str:
    """One server-sent event. JSON has no line breaks, so nothing in `data` can begin a field.

    Examples
    --------
    >>> message("line", {"text": "a\\nb"}, 3)
    'event: line\\nid: 3\\ndata: {"text": "a\\\\nb"}\\n\\n'
    """
    identity = f"id: {number}\n" if number is not None else ""
    return f"event: {name}\n{identity}data: {json.dumps(data, ensure_ascii=True)}\n\n"


async def _watch(look: Callable[[], list[str]], every: float) -> AsyncIterator[str]:
    """What `look` finds, again and again, until the browser goes away (the server then ends this)."""
    quiet = total = 0.0
    yield "retry: 1000\n\n"
    while total < LONGEST_SECONDS:
        found = await anyio.to_thread.run_sync(look)
        for text in found:
            yield text
        if quiet >= KEEP_ALIVE_SECONDS and not found:
            yield ": still here\n\n"
        quiet = 0.0 if found or quiet >= KEEP_ALIVE_SECONDS else quiet + every
        total += every
        await anyio.sleep(every)


def stream_run(followed: Followed, after: int) -> StreamingResponse:
    """Events ``line`` (n, at, text, kind: one thing that happened), ``journal`` (n: something happened) and ``state``.

    Parameters
    ----------
    after
        Number of the last event that the page knows.
    """
    seen: dict[str, object] = {"n": after, "state": None}

    def look() -> list[str]:
        last, state, lines = followed.pulse()
        known = int(str(seen["n"]))
        known = -1 if last < known else known  # the journal began anew
        texts = [message("line", {"n": line.n, "at": line.at, "text": line.text, "kind": line.kind}) for line in lines if line.n > known]
        if last > known:
            texts.append(message("journal", {"n": last}, last))
        if state != seen["state"]:
            texts.append(message("state", {"state": state}))
        seen.update(n=last, state=state)
        return texts

    return StreamingResponse(_watch(look, POLL_SECONDS), media_type=MEDIA, headers={"X-Accel-Buffering": "no"})


def stream_list(runs: Runs) -> StreamingResponse:
    """Event ``journal`` whenever any run has moved, come or gone."""
    seen: list[object] = [None]

    def look() -> list[str]:
        now = [(followed.key, *followed.signature()) for followed in runs.all()]
        changed, seen[0] = seen[0] is not None and now != seen[0], now
        return [message("journal", {"runs": len(now)})] if changed else []

    return StreamingResponse(_watch(look, LIST_SECONDS), media_type=MEDIA, headers={"X-Accel-Buffering": "no"})
