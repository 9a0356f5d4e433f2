"""Who may talk to the dashboard: the token, the Host and Origin checks, and the headers that tie the browser's hands.

Bound to loopback, it needs no token, but answers only to loopback names: a page of another site that points its own name at 127.0.0.1
(DNS rebinding) is refused by its Host header. Bound elsewhere, every request needs the token, in a cookie that no script can read and
no other site can send. Requests that change something must come from a page of the dashboard itself (Origin).
"""

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
"""Names under which a dashboard without a token answers."""

COOKIE = "gome_token"
SHORTEST_TOKEN = 16
"""Characters of a token: 16 random ones cannot be guessed over a network."""

READING = frozenset({"GET", "HEAD"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Sent with every answer. Only our own files run or style; nothing may frame the pages."""


class Access:
    """ASGI middleware around the whole dashboard.

    Parameters
    ----------
    app
        What it guards.
    token
        None: loopback names alone, no token.
    """

    def __init__(self, app: ASGIApp, token: str | None = None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, sign in, or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        refusal = await self._refusal(request)
        await (refusal or self._app)(scope, receive, _with_headers(send))

    async def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if self._token is None and _name(host) not in LOOPBACK:
            return PlainTextResponse(f"This dashboard answers to localhost, not to {host[:100]!r}.\n", 403)
        if request.method not in READING and not _same_origin(request.headers):
            return PlainTextResponse("Refused: this request does not come from a page of the dashboard.\n", 403)
        if self._token is None or request.url.path.endswith(("/style.css", "/live.js")):
            return None
        return self._sign_in(request)

    def _sign_in(self, request: Request) -> Response | None:
        """The token comes in a link once, and in a cookie from then on; programs send it in a header."""
        offered = request.query_params.get("token")
        if offered is not None and request.method in READING and self._fits(offered):
            rest = [(name, value) for name, value in parse_qsl(request.url.query) if name != "token"]
            answer = RedirectResponse(request.url.path + (f"?{urlencode(rest)}" if rest else ""), 303)
            answer.set_cookie(COOKIE, offered, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/")
            return answer
        scheme, _, header = request.headers.get("authorization", "").partition(" ")
        if self._fits(request.cookies.get(COOKIE, "")) or (scheme.lower() == "bearer" and self._fits(header.strip())):
            return None
        return PlainTextResponse(
            "This dashboard needs its token: open the link that `gome ui` printed, or add ?token=… to the address.\n", 401
        )

    def _fits(self, offered: str) -> bool:
        return self._token is not None and hmac.compare_digest(offered.encode(), self._token.encode())


def _name(host: str) -> str:
    """The host without its port.

    Examples
    --------
    >>> _name("localhost:8000"), _name("[::1]:80"), _name("127.0.0.1")
    ('localhost', '[::1]', '127.0.0.1')
    """
    return (host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]).lower()


def _same_origin(headers: Headers) -> bool:
    """Browsers say with each such request where it comes from; what says nothing is refused too."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host") and headers.get("sec-fetch-site") in (None, "same-origin")


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
