"""What a container prints, taken from the daemon as it comes, and held up where it floods."""

import json
import os
import select
import struct
import time
from typing import Any

from gome_graph.execution.toolkit import CappedLog

HEADER = struct.Struct(">BxxxL")
"""Docker's frames: which stream (1 stdout, 2 stderr), then the length of what follows."""
CHUNK = 1 << 20
READ_PAUSE = 0.01
"""Seconds to wait after a read: a flood is taken in large pieces and held up."""
REPORT_BYTES = 4096
"""The end of stderr, which holds the report of process 1."""


class Stream:
    """The attached connection of one container.

    Parameters
    ----------
    socket
        As docker-py hands it out; kept, for closing it ends the container's stdin.
    limit
        Bytes of stdout and of stderr to keep.
    word
        Marks the report.
    """

    def __init__(self, socket: Any, limit: int, word: str) -> None:
        self._socket = socket
        self._handle: int = socket.fileno()
        os.set_blocking(self._handle, False)
        self._mark = f"\n{word} ".encode()
        self._buffer = bytearray()
        self._last = b""
        self.stdout, self.stderr = CappedLog(limit), CappedLog(limit)
        self.ended = False

    def take(self, seconds: float) -> None:
        """Wait at most so long for output, and take it in."""
        if self.ended:
            return
        ready, _, _ = select.select([self._handle], [], [], max(0.0, seconds))
        if not ready:
            return
        try:
            chunk = os.read(self._handle, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.ended = True
            return
        self._buffer += chunk
        self._split()
        time.sleep(READ_PAUSE)

    def _split(self) -> None:
        while len(self._buffer) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._buffer)
            if len(self._buffer) < HEADER.size + length:
                return
            piece = bytes(self._buffer[HEADER.size : HEADER.size + length])
            del self._buffer[: HEADER.size + length]
            if kind != 2:
                self.stdout.write(piece)
                continue
            piece = self._last + piece
            self.stderr.write(piece[:-REPORT_BYTES])
            self._last = piece[-REPORT_BYTES:]

    def report(self) -> dict[str, Any]:
        """What process 1 told at its end, taken out of stderr; empty if it told nothing."""
        said, mark, line = self._last.rpartition(self._mark)
        self.stderr.write(said if mark else self._last)
        self._last = b""
        try:
            found = json.loads(line) if mark else {}
        except ValueError:  # "failed …": it could not start the script
            found = {"failed": line.decode(errors="replace").strip()}
        return found if isinstance(found, dict) else {}

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()
