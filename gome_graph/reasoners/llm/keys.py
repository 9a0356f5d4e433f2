"""Fingerprints in scripts that the rules wrote: renewed once a model has changed the code behind them.

The rules' scripts take over predictions of members whose code has not changed, by a key that names all that lies behind them
(`gome_graph.run.kept`). A model that edits such a script changes what a key stands for without changing the key; left as it is, the script
would hand out the predictions of the old code.
"""

import hashlib
import re

KEY = re.compile(r"(?<=[\"'])[0-9a-f]{16}(?=[\"'])")


def has_keys(script: str) -> bool:
    """True if the script names fingerprints."""
    return KEY.search(script) is not None


def renewed(script: str) -> str:
    """The script with every fingerprint replaced by one that depends on the whole text; the same text gives the same ones."""
    body = hashlib.sha256(KEY.sub("", script).encode()).hexdigest()
    return KEY.sub(lambda found: hashlib.sha256(f"{found[0]}|{body}".encode()).hexdigest()[:16], script)
