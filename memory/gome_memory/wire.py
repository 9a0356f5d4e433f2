"""How a memory and its index service find each other and speak: a private unix socket, length-prefixed JSON.

The socket lives in a directory of this user alone (mode 0700, owner checked), under a short hashed name because a socket's
path is limited to 108 bytes. Each request carries the key of the index directory (mode 0600), so that a sandboxed script
that could reach the socket but not the memory gets no answer.
"""

import hashlib
import json
import os
import secrets
import socket
import stat
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

from gome_memory.errors import IndexUnavailable

PROTOCOL = 1
MAX_MESSAGE = 64 << 20
_HEAD = struct.Struct(">I")


def index_directory(memory: Path, embedding: str) -> Path:
    """Where the index of one embedding lives: indexes of different embeddings do not meet."""
    plain = "".join(c if c.isalnum() or c in "-_" else "_" for c in embedding)[:40]
    suffix = "" if plain == embedding else "-" + hashlib.sha256(embedding.encode()).hexdigest()[:8]
    return memory / "index" / (plain + suffix)


def socket_path(index: Path) -> Path:
    """The socket of an index directory; makes the private directory around it.

    Raises
    ------
    IndexUnavailable
        If that directory belongs to somebody else or others may enter it.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    root = Path(base) if base and len(base) < 60 and os.access(base, os.W_OK) else Path(tempfile.gettempdir())
    if len(str(root)) > 60:
        root = Path("/tmp")  # noqa: S108  made private below
    private = root / f"gome-{os.getuid()}"
    try:
        private.mkdir(mode=0o700, exist_ok=True)
        facts = private.lstat()
    except OSError as error:
        raise IndexUnavailable(f"No private directory for the index's socket can be made in {root}: {error}") from error
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise IndexUnavailable(f"{private} is not a private directory of this user; remove it.")
    name = hashlib.sha256(str(index.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return private / f"{name}.sock"


def index_key(index: Path) -> str:
    """The secret of an index directory; made by whoever is first."""
    path = index / "key"
    try:
        index.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            draft = index / f"key.{os.getpid()}.{secrets.token_hex(4)}"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
            try:
                os.link(draft, path)  # unlike rename, the first one wins
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise IndexUnavailable(f"The index directory {index} cannot be used: {error}") from error


def same_user(connection: socket.socket) -> bool:
    """Is the process at the other end one of this user's? (Where the system cannot tell, the private directory must do.)"""
    if sys.platform != "linux":
        return True
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return bool(uid == os.getuid())


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send one message."""
    body = json.dumps(message).encode("ascii")
    connection.sendall(_HEAD.pack(len(body)) + body)


def receive(connection: socket.socket) -> dict[str, Any]:
    """The next message; `EOFError` if the other end has gone, `OSError` if it is too slow, `ValueError` if it is nonsense."""
    (length,) = _HEAD.unpack(_exactly(connection, _HEAD.size))
    if length > MAX_MESSAGE:
        raise ValueError(f"a message of {length} bytes")
    message = json.loads(_exactly(connection, length))
    if not isinstance(message, dict):
        raise ValueError("a message that is not an object")
    return message


def _exactly(connection: socket.socket, length: int) -> bytes:
    parts = []
    while length:
        part = connection.recv(min(length, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
