"""An HTTP client whose replies end: after so many seconds in all, and after so many bytes.

The time-outs of HTTP clients are between bytes, so a server that sends a blank now and then is waited for without end.
"""

import time
from collections.abc import Iterator

import httpx2 as httpx

MOST_BYTES = 8 << 20
"""Far above any answer of a model."""


class BoundedStream(httpx.SyncByteStream):
    """A reply's body that raises once it is too long or too slow.

    Parameters
    ----------
    stream
        The body.
    deadline
        Monotonic second by which it must be over.
    """

    def __init__(self, stream: httpx.SyncByteStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        """The body's pieces."""
        size = 0
        for piece in self._stream:
            size += len(piece)
            if size > MOST_BYTES:
                raise httpx.RemoteProtocolError(f"the reply is longer than {MOST_BYTES >> 20} MB")
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("the reply does not come to an end")
            yield piece

    def close(self) -> None:
        """Close the connection's stream."""
        self._stream.close()


class BoundedTransport(httpx.BaseTransport):
    """Puts a `BoundedStream` around each reply.

    Parameters
    ----------
    inner
        Does the work.
    seconds
        Longest time for one reply where the request names no shorter one.
    """

    def __init__(self, inner: httpx.BaseTransport, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and bound what comes back."""
        asked = (request.extensions.get("timeout") or {}).get("read") or self._seconds
        deadline = time.monotonic() + min(asked, self._seconds)
        response = self._inner.handle_request(request)
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = BoundedStream(response.stream, deadline)
        return response

    def close(self) -> None:
        """Close the pool."""
        self._inner.close()


def bounded_client(seconds: float) -> httpx.Client:
    """A client for one model; proxies of the environment are honoured."""
    proxied = {
        pattern: BoundedTransport(httpx.HTTPTransport(proxy=url), seconds) if url else None
        for pattern, url in _proxies().items()
    }  # fmt: skip
    return httpx.Client(transport=BoundedTransport(httpx.HTTPTransport(), seconds), mounts=proxied, trust_env=False)


def _proxies() -> dict[str, str | None]:
    """URL patterns with their proxies, as ``HTTPS_PROXY`` and its kind say; None: go straight."""
    from urllib.request import getproxies

    found = getproxies()
    patterns: dict[str, str | None] = {f"{scheme}://": found[scheme] for scheme in ("http", "https") if scheme in found}
    for host in (part.strip() for part in found.get("no", "").split(",")):
        if host:
            patterns[f"all://{'*' if host.startswith('.') else ''}{host}"] = None
    return patterns
