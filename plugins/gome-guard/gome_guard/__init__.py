"""gome_guard: no incident twice.

Curated regression samples validate, safeguard and improve a logged policy, and are the promotion gate of gome's own steps. The public names
load on first use.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "gome_guard.records": ("Evidence", "Feedback", "Incident", "Interval", "Part", "RPSample", "Status", "Tier", "content_id"),
    "gome_guard.bank": ("AuditEvent", "Bank"),
    "gome_guard.log": ("Log", "align", "build"),
    "gome_guard.tables": ("frame_rows", "parse", "read_rows"),
    "gome_guard.checks": ("Support", "check_feedback", "check_incidents", "support"),
    "gome_guard.ope.evaluate": ("Evaluation", "SegmentEstimate", "evaluate"),
    "gome_guard.ope.multiplicity": ("holm",),
    "gome_guard.gate.from_bank": ("judge",),
    "gome_guard.gate.repair": ("repair",),
    "gome_guard.gate.serve": ("compose", "failing_actions"),
    "gome_guard.gate.table": ("OverrideTable", "make_table"),
    "gome_guard.ope.intervals": ("confidence_sequence", "interval", "proportion"),
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = [*sorted(_HOME), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gome_guard' has no attribute {name!r}")
