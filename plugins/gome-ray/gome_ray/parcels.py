"""Folders as arrays of bytes: what goes to a node and what comes back. Regular files and folders alone, in both directions."""

import hashlib
import io
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Parcel = NDArray[np.uint8]
"""A tar archive. An array, because Ray hands arrays to the workers of a node without copying them."""

UNUSED_SECONDS = 86_400.0
"""Inputs on a node that nobody has asked for so long are removed."""


def pack(folder: Path, *, without: Iterable[str] = ()) -> Parcel:
    """A folder's files. `without` are names of its own entries that stay behind."""
    left = set(without)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path in sorted(folder.iterdir()):
            if path.name not in left:
                archive.add(path, arcname=path.name, filter=_regular)
    return np.frombuffer(out.getbuffer(), dtype=np.uint8)


def unpack(parcel: Parcel, folder: Path) -> None:
    """Put a parcel's files into a folder. Nothing in it can lead out of the folder (tarfile's "data" filter refuses it)."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(parcel.data)) as archive:
        archive.extractall(folder, filter="data")


def fingerprint(folder: Path) -> str:
    """Names, sizes and times of a folder's files: the same as long as nobody writes to it."""
    digest = hashlib.sha256(str(folder).encode())
    for path in sorted(folder.rglob("*")):
        found = path.stat()
        digest.update(f"{path.relative_to(folder)}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:24]


def place_once(parcel: Parcel, name: str, cache: Path) -> Path:
    """The folder of a parcel on this node: unpacked by the first script that needs it, shared by all later ones."""
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o711)  # entered by name alone: a script's user knows the one that it is given
    folder = cache / name
    if not folder.is_dir():
        fresh = Path(tempfile.mkdtemp(dir=cache, prefix=".fresh-"))
        fresh.chmod(0o755)
        unpack(parcel, fresh)
        try:
            fresh.rename(folder)
        except OSError:  # another worker was quicker
            shutil.rmtree(fresh, ignore_errors=True)
    (cache / f"{name}.used").touch()
    _sweep(cache)
    return folder


def _sweep(cache: Path) -> None:
    old = time.time() - UNUSED_SECONDS
    for mark in cache.glob("*.used"):
        try:
            if mark.stat().st_mtime < old:
                mark.unlink()
                shutil.rmtree(mark.with_suffix(""), ignore_errors=True)
        except OSError:
            continue


def _regular(entry: tarfile.TarInfo) -> Any:
    return entry if entry.isreg() or entry.isdir() else None
