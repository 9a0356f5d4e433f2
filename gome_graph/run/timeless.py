"""A journal without what a clock or the machine decides: what two runs of the same decisions agree in."""

import json
from collections.abc import Iterable
from typing import Any

from gome_graph.records import Event

MEASURED = frozenset({
    "at", "elapsed", "seconds", "wall_seconds", "cpu_seconds", "kept_seconds", "spent_seconds", "seconds_left", "peak_memory_bytes",
    "run_dir", "files", "log_tail", "protections", "versions",
})  # fmt: skip
"""Keys, wherever they stand: times, sizes, places, and what describes the machine."""


def timeless(events: Iterable[Event]) -> list[str]:
    """One canonical line of JSON for each event; equal lists mean equal decisions."""
    return [json.dumps(_bare(event.model_dump(mode="json")), sort_keys=True, ensure_ascii=False) for event in events]


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key not in MEASURED}
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value
