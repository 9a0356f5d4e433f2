"""A report that shows when it was changed: canonical JSON with an HMAC, and the same as a page.

The key is ``GOME_GUARD_KEY``, or the bank's own ``signing.key`` (mode 0600, made when it is first needed). The same verdict and key
give the same bytes.
"""

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any

from gome_graph.errors import TaskError
from gome_graph.support.files import write_text
from gome_guard.gate.from_bank import Verdict

KEY_NAME = "signing.key"
VERSION = 1


def key_of(bank: Path) -> bytes:
    """The signing key of a bank."""
    given = os.environ.get("GOME_GUARD_KEY")
    if given:
        return given.encode()
    path = bank / KEY_NAME
    if not path.is_file():
        write_text(path, secrets.token_hex(32) + "\n", mode=0o600)
    return path.read_text(encoding="ascii").strip().encode()


def signed(verdict: Verdict, bank: Path) -> dict[str, Any]:
    """The report as JSON with its signature."""
    body = {"version": VERSION, "verdict": verdict.model_dump(mode="json")}
    return {**body, "signature": _sign(body, key_of(bank))}


def _sign(body: dict[str, Any], key: bytes) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def verify(path: Path, bank: Path) -> Verdict:
    """The verdict of a JSON report, if it is as it was signed.

    Raises
    ------
    TaskError
        If it was changed, signed with another key, or is no report.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        signature = value.pop("signature")
        verdict = Verdict.model_validate(value["verdict"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise TaskError(f"{path} is not a report of `gome guard` in JSON ({type(error).__name__}).") from error
    if not hmac.compare_digest(signature, _sign(value, key_of(bank))):
        raise TaskError(f"{path} was changed since it was signed, or signed with another key than that of {bank}.")
    return verdict


def write_report(path: Path, verdict: Verdict, bank: Path) -> None:
    """Write ``.json`` or ``.html``, whole or not at all."""
    kind = path.suffix.lower()
    if kind not in (".json", ".html"):
        raise TaskError(f"--out {path} must end in .json or .html.")
    report = signed(verdict, bank)
    if kind == ".json":
        write_text(path, json.dumps(report, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        return
    from jinja2 import Environment, PackageLoader

    page = Environment(loader=PackageLoader("gome_guard", "report"), autoescape=True).get_template("report.html.j2")
    write_text(path, page.render(verdict=verdict, signature=report["signature"]))
