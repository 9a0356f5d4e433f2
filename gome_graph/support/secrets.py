"""Keys: read from the environment or ``.env``, and kept out of everything that is written."""

import os
import re
from pathlib import Path

NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?$|(^|_)(PASS|PAT|AUTH)$", re.IGNORECASE)
"""Names of environment variables that hold secrets."""

SHORTEST = 8
"""Shorter values are no keys, and words that long would be struck out of honest text."""

STRUCK = "[secret]"

LOOKS_LIKE = re.compile(r"\b(?:sk|pk|ls|lsv2|gsk|xai|hf|ghp|github_pat|AIza)[-_][A-Za-z0-9_\-]{16,}|\bBearer\s+[A-Za-z0-9._\-]{16,}")
"""Shapes of keys that providers hand out; they turn up in servers' error messages."""


def load_keys(folder: Path | None = None) -> list[str]:
    """Put what ``.env`` of the folder says into the environment, where it is not set already; returns the names.

    Scripts, the memory's service and other children do not inherit it: their environments are built from nothing.
    """
    path = (folder or Path.cwd()) / ".env"
    if not path.is_file():
        return []
    from dotenv import dotenv_values

    found = {name: value for name, value in dotenv_values(path).items() if value and not os.environ.get(name)}
    os.environ.update(found)
    return sorted(found)


def known_secrets() -> list[str]:
    """Values of the environment that must not be written anywhere, longest first."""
    values = {value for name, value in os.environ.items() if NAMES.search(name) and len(value) >= SHORTEST}
    return sorted(values, key=len, reverse=True)


def redact(text: str) -> str:
    """The text without keys."""
    for value in known_secrets():
        text = text.replace(value, STRUCK)
    return LOOKS_LIKE.sub(STRUCK, text)


def without_secrets(environment: dict[str, str]) -> dict[str, str]:
    """An environment for a child process that needs no key."""
    return {name: value for name, value in environment.items() if not NAMES.search(name)}
