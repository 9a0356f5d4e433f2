"""The parts that a run's settings name: found out to be there before it begins."""

from typing import Any

from gome_graph.errors import PluginError
from gome_graph.graph.builtins import load
from gome_graph.run import RunSettings


def split_dial(reasoner: str) -> tuple[str, dict[str, float]]:
    """``rules@0.5``: the reasoner's name, and how often it is right, as a setting of it.

    Raises
    ------
    PluginError
        If what follows the ``@`` is no probability.
    """
    name, at, text = reasoner.partition("@")
    if not at:
        return name, {}
    try:
        right = float(text)
    except ValueError:
        right = -1.0
    if not 0.0 <= right <= 1.0:
        raise PluginError(f"--reasoner {reasoner!r}: what follows the @ is how often it is right, from 0 to 1, for example {name}@0.5")
    return name, {"right": right}


def reasoner_settings(settings: RunSettings, dial: dict[str, float]) -> dict[str, Any]:
    """What a reasoner's config model is filled with."""
    return {"diagnosis": settings.diagnosis, **settings.reasoner_config, **dial}


def check_parts(settings: RunSettings) -> None:
    """Find out before a run begins whether the reasoner, strategy and memory that were named are there.

    Raises
    ------
    PluginError
        If one is not, or its settings do not fit it.
    """
    plugins = load(settings.plugins)
    name, dial = split_dial(settings.reasoner)
    offer = plugins.offer("reasoner", name)
    if dial and "right" not in getattr(offer.config, "model_fields", {}):
        raise PluginError(f"--reasoner {settings.reasoner}: {name} cannot be told how often it is right; leave out what follows the @")
    plugins.configured("reasoner", offer, reasoner_settings(settings, dial))
    plugins.offer("strategy", settings.strategy)
    if settings.memory not in ("none", "auto"):
        plugins.offer("memory", settings.memory)
