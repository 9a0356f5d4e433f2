"""Call every diagnoser, keep what can be trusted."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

from gome_graph.records import Diagnosis, DiagnosticPack, Evidence, Finding

if TYPE_CHECKING:
    from gome_graph.hooks.manager import Plugins
    from gome_graph.task import Measured

log = logging.getLogger(__name__)

MAX_PER_PLUGIN = 20
"""A plugin that finds more than this in one step is talking too much; the rest is dropped."""


def findings(pack: DiagnosticPack, data: "Measured | None", plugins: "Plugins | pluggy.PluginManager") -> list[Finding]:
    """Findings of every plugin that implements ``gome_diagnose``, most severe first, then by symptom and source.

    Each plugin is called by itself: one that raises, or gives something that is not a `Finding`, is logged by name and left out.
    `data` is None for a step without arrays (a script that failed); plugins are passed it as it is.
    ``source`` is filled in with the plugin's name; evidence that does not resolve in `pack` is dropped and counted in the log.
    """
    manager = plugins if isinstance(plugins, pluggy.PluginManager) else plugins.manager
    arguments = {"pack": pack, "data": data}
    found: list[Finding] = []
    for implementation in manager.hook.gome_diagnose.get_hookimpls():
        name = implementation.plugin_name
        try:
            given: Any = implementation.function(*(arguments[argument] for argument in implementation.argnames)) or []
            kept = list(_at_most(given, MAX_PER_PLUGIN, name))
            if not all(isinstance(item, Finding) for item in kept):
                raise TypeError("gome_diagnose must yield Finding records")
        except Exception as error:  # a plugin may fail in any way; the run goes on without it
            log.warning(
                "plugin %r failed in gome_diagnose and is left out of step %s: %s: %s", name, pack.step, type(error).__name__, error
            )
            continue
        for item in kept:
            resolved, dropped = _resolved(item.evidence, pack)
            if dropped:
                log.warning("plugin %r: %d evidence references of %r do not resolve and are dropped", name, dropped, item.symptom)
            found.append(item.model_copy(update={"source": name, "evidence": resolved}))
    return sorted(found, key=lambda item: (-item.severity, item.symptom, item.source))


def check_evidence(diagnosis: Diagnosis, pack: DiagnosticPack) -> Diagnosis:
    """The diagnosis without the evidence that does not resolve in `pack`, which is counted in ``unresolved_evidence``."""
    kept, dropped = _resolved(diagnosis.evidence, pack)
    if not dropped:
        return diagnosis
    return diagnosis.model_copy(update={"evidence": kept, "unresolved_evidence": diagnosis.unresolved_evidence + dropped})


def _resolved(evidence: list[Evidence], pack: DiagnosticPack) -> tuple[list[Evidence], int]:
    kept = []
    for item in evidence:
        try:
            pack.resolve(item.ref)
        except KeyError:
            continue
        kept.append(item)
    return kept, len(evidence) - len(kept)


def _at_most(items: Iterable[Finding], limit: int, name: str) -> Iterable[Finding]:
    for count, item in enumerate(items):
        if count == limit:
            log.warning("plugin %r found more than %d things in one step; the rest is dropped", name, limit)
            return
        yield item
