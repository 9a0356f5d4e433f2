"""Models that need a package which is no default dependency: they are offered only where the package can be imported."""

from collections.abc import Mapping
from importlib.util import find_spec

from gome_graph.reasoners.rules.recipe import ModelKind

PACKAGES: Mapping[ModelKind, str] = {"xgboost": "xgboost", "tabular_net": "torch", "picture_net": "torch"}
"""Model -> the package its script imports; models that are not listed need none but the default ones."""


def installed(package: str) -> bool:
    """True if scripts can import `package` (they run with this interpreter). Looks for it, never imports it."""
    return find_spec(package) is not None


def available(model: ModelKind) -> bool:
    """True if the package that `model` needs, if any, is installed."""
    return model not in PACKAGES or installed(PACKAGES[model])
