"""The gradient's raw material: measured facts of a step, and deterministic findings in them.

`build_pack` gathers the facts, `findings` asks every diagnoser (plugins included), `check_evidence` keeps a reasoner honest.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gome_graph.diagnosis.builtin import builtin_diagnosers
    from gome_graph.diagnosis.pack import TELEMETRY, build_pack
    from gome_graph.diagnosis.run import check_evidence, findings
    from gome_graph.diagnosis.telemetry import read_telemetry

__all__ = ["TELEMETRY", "build_pack", "builtin_diagnosers", "check_evidence", "findings", "read_telemetry"]

_HOME = {
    "TELEMETRY": "pack", "build_pack": "pack", "builtin_diagnosers": "builtin", "check_evidence": "run", "findings": "run",
    "read_telemetry": "telemetry",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load on first use: numpy stays out of ``gome --help``."""
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"gome_graph.diagnosis.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
