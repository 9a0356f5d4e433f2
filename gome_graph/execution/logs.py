"""What a script printed: kept within a cap, and read for its last error."""

import re
from collections import deque
from dataclasses import dataclass, field

TAIL_CHARACTERS = 4000
MESSAGE_CHARACTERS = 500
_TRACEBACK = "Traceback (most recent call last):"
_ERROR_LINE = re.compile(r"^(?:\s*\|\s)?([A-Za-z_][\w.]*)(?:: (.*))?$")
_SYNTAX_ERROR = re.compile(r"^(SyntaxError|IndentationError|TabError): (.*)$", re.MULTILINE)


@dataclass
class CappedLog:
    """The first and the last half of a stream, at most `limit` bytes in memory however much arrives."""

    limit: int
    total: int = 0
    """Bytes that arrived."""
    _head: bytearray = field(default_factory=bytearray)
    _tail: deque[bytes] = field(default_factory=deque)
    _tail_size: int = 0

    def write(self, chunk: bytes) -> None:
        """Take the next piece of the stream."""
        self.total += len(chunk)
        half = self.limit // 2
        room = half - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if not chunk:
            return
        self._tail.append(chunk[-half:] if half else b"")
        self._tail_size += len(self._tail[-1])
        while self._tail and self._tail_size - len(self._tail[0]) >= half:
            self._tail_size -= len(self._tail.popleft())

    def content(self) -> bytes:
        """What is kept, with a line in the middle that says how much was left out."""
        tail = b"".join(self._tail)[-(self.limit // 2) :] if self.limit > 1 else b""
        missing = self.total - len(self._head) - len(tail)
        gap = f"\n[... {missing:,} bytes left out ...]\n".encode() if missing else b""
        return bytes(self._head) + gap + tail

    def text(self) -> str:
        """The content as text; what is no UTF-8 is replaced."""
        return self.content().decode("utf-8", errors="replace")


@dataclass(frozen=True)
class ScriptError:
    """The last error a log tells of."""

    kind: str
    """Exception class without its module."""
    message: str


def last_error(log: str) -> ScriptError | None:
    """The exception at the end of the last Python traceback in `log` (or its syntax error), or None if there is none.

    Examples
    --------
    >>> last_error("Traceback (most recent call last):\\n  File ...\\nValueError: no such column")
    ScriptError(kind='ValueError', message='no such column')
    """
    start = log.rfind(_TRACEBACK)
    if start < 0:  # a script that does not parse has none
        found = _SYNTAX_ERROR.search(log)
        return ScriptError(found[1], found[2][:MESSAGE_CHARACTERS]) if found else None
    for line in log[start + len(_TRACEBACK) :].splitlines():
        if line.startswith((" ", "\t")) or not line.strip():
            continue
        match = _ERROR_LINE.match(line)
        if match:
            return ScriptError(match[1].rpartition(".")[2], (match[2] or "")[:MESSAGE_CHARACTERS])
    return None


def log_tail(stdout: str, stderr: str) -> str:
    """The last lines of stderr, or of stdout if stderr is empty: at most 4,000 characters, whole lines where possible."""
    text = (stderr if stderr.strip() else stdout).rstrip()
    if len(text) <= TAIL_CHARACTERS:
        return text
    text = text[-TAIL_CHARACTERS:]
    first, newline, rest = text.partition("\n")
    return rest if newline and len(first) < TAIL_CHARACTERS // 2 else text
