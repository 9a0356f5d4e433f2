"""Finds plugins, keeps the broken ones out of the way, and looks offers up by name."""

import inspect
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pluggy

from gome_graph.errors import PluginError
from gome_graph.hooks import specs
from gome_graph.hooks.contracts import Offer

log = logging.getLogger(__name__)

API_VERSION = 1
"""Version of the hook contract; an `Offer` made for another one is refused by name."""


@dataclass(frozen=True)
class PluginRow:
    """One line of ``gome plugins``."""

    name: str
    module: str
    version: str
    status: str
    """``built-in``, ``loaded``, ``broken`` or ``not selected``."""
    error: str = ""
    hooks: list[str] = field(default_factory=list)


class _Manager(pluggy.PluginManager):
    """Looks for hooks among a module's functions; pluggy asks each of its names in a way that runs no property, 1 ms a module."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        if isinstance(plugin, ModuleType) and not inspect.isfunction(vars(plugin).get(name)):
            return None
        return super().parse_hookimpl_opts(plugin, name)


class Plugins:
    """The loaded plugins. Offers are looked up here; `manager` is pluggy's, for calling the other hooks."""

    def __init__(self) -> None:
        self.manager = _Manager(specs.PROJECT)
        self.manager.add_hookspecs(specs)
        self._rows: dict[str, PluginRow] = {}

    def add(self, plugin: object, name: str, *, version: str = "", status: str = "loaded") -> None:
        """Register one plugin object (a module, or an instance with hook methods).

        Raises
        ------
        PluginError
            If it implements a hook that does not exist, or one with unknown arguments.
        """
        try:
            self.manager.register(plugin, name=name)
            self.manager.check_pending()
        except (ValueError, pluggy.PluginValidationError) as error:
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)
            raise PluginError(f"plugin {name!r} does not fit the hooks: {error}") from error
        hooks = sorted(caller.name for caller in self.manager.get_hookcallers(plugin) or [])
        self._rows[name] = PluginRow(name, _module(plugin), version, status, hooks=hooks)

    def load(self, entry: EntryPoint) -> None:
        """Import and register an entry point; what goes wrong is kept as a ``broken`` row, never raised."""
        version = entry.dist.version if entry.dist else ""
        try:
            self.add(entry.load(), entry.name, version=version)
        except Exception as error:
            log.warning("plugin %r is broken and left out: %s", entry.name, error)
            self._rows[entry.name] = PluginRow(entry.name, entry.value, version, "broken", f"{type(error).__name__}: {error}")

    def skip(self, entry: EntryPoint) -> None:
        """Remember that a plugin is installed but was not asked for."""
        self._rows.setdefault(entry.name, PluginRow(entry.name, entry.value, entry.dist.version if entry.dist else "", "not selected"))

    def rows(self) -> list[PluginRow]:
        """All plugins, built-ins first, then by name."""
        return sorted(self._rows.values(), key=lambda row: (row.status != "built-in", row.name))

    def broken(self) -> list[PluginRow]:
        """The plugins that failed to import or to register."""
        return [row for row in self.rows() if row.status == "broken"]

    def offers(self, kind: str) -> list[Offer]:
        """All offers of a kind (``executor``, ``memory``, ``reasoner`` …).

        Raises
        ------
        PluginError
            If two plugins offer the same name.
        """
        return [offer for _, offer in self._offers(kind)]

    def _offers(self, kind: str) -> list[tuple[str, Offer]]:
        found: dict[str, tuple[str, Offer]] = {}
        caller = getattr(self.manager.hook, f"gome_{kind}")
        for impl in caller.get_hookimpls():
            try:
                offers: Iterable[Offer] = list(impl.function() or [])
            except Exception as error:
                log.warning("plugin %r failed in gome_%s: %s", impl.plugin_name, kind, error)
                row = self._rows.get(impl.plugin_name)
                if row is not None:
                    self._rows[impl.plugin_name] = PluginRow(
                        row.name, row.module, row.version, "broken", f"gome_{kind}: {error}", row.hooks
                    )
                continue
            for offer in offers:
                if offer.name in found:
                    raise PluginError(
                        f"plugins {found[offer.name][0]!r} and {impl.plugin_name!r} both offer a {kind} called {offer.name!r}; "
                        f"choose plugins with GOME_PLUGINS or --plugins"
                    )
                found[offer.name] = (impl.plugin_name, offer)
        return [found[name] for name in sorted(found)]

    def offer(self, kind: str, name: str) -> Offer:
        """The offer of that name.

        Raises
        ------
        PluginError
            If nobody offers it, it is made for another API version, or something it needs is missing.
        """
        offers = {o.name: o for o in self.offers(kind)}
        if name not in offers:
            broken = "; ".join(f"plugin {row.name!r} is broken: {row.error}" for row in self.broken())
            raise PluginError(
                f"there is no {kind} called {name!r}; there are: {', '.join(offers) or 'none'}" + (f" ({broken})" if broken else "")
            )
        offer = offers[name]
        if offer.api_version != API_VERSION:
            raise PluginError(f"{kind} {name!r} is made for hook API {offer.api_version}, this is {API_VERSION}; update the plugin")
        missing = offer.requires()
        if missing:
            raise PluginError(f"{kind} {name!r} cannot run here: {'; '.join(missing)}")
        return offer

    def make(self, kind: str, name: str, settings: dict[str, Any] | None = None, **services: Any) -> Any:
        """Build what is offered: validates `settings` with the offer's config model and calls its factory."""
        offer = self.offer(kind, name)
        config = self.configured(kind, offer, settings)
        return offer.factory(**services) if config is None else offer.factory(config, **services)

    @staticmethod
    def configured(kind: str, offer: Offer, settings: dict[str, Any] | None = None) -> Any:
        """`settings` as the offer's config model; None where it has none.

        Raises
        ------
        PluginError
            If they do not fit it.
        """
        if offer.config is None:
            return None
        try:
            return offer.config(**(settings or {}))
        except ValueError as error:
            raise PluginError(f"settings of {kind} {offer.name!r}: {error}") from error


def load_plugins(
    only: Sequence[str] | None = None, *, enabled: bool = True, builtins: Callable[[], list[tuple[str, object]]] | None = None
) -> Plugins:
    """Built-ins first, then installed plugins (entry-point group ``gome_graph``).

    Parameters
    ----------
    only
        Names to load; None reads ``GOME_PLUGINS`` (comma-separated), and loads all where that is not set.
    enabled
        False (``--no-plugins``) loads built-ins alone.
    builtins
        Gives the (name, plugin) pairs of the core; `gome_graph.graph.builtins` has them.

    Raises
    ------
    PluginError
        If a plugin in `only` is not installed, or is broken: a run that asked for it cannot do without.
    """
    plugins = Plugins()
    for name, plugin in builtins() if builtins else []:
        plugins.add(plugin, name, status="built-in")
    if only is None and os.environ.get("GOME_PLUGINS") is not None:
        only = [name.strip() for name in os.environ["GOME_PLUGINS"].split(",") if name.strip()]
    installed = {entry.name: entry for entry in entry_points(group=specs.PROJECT)}
    missing = [name for name in only or [] if name not in installed and not plugins.manager.has_plugin(name)]
    if missing:
        raise PluginError(f"plugin {missing[0]!r} is not installed; installed are: {', '.join(sorted(installed)) or 'none'}")
    for name in sorted(installed):
        if enabled and (only is None or name in only):
            plugins.load(installed[name])
        else:
            plugins.skip(installed[name])
    for row in plugins.broken():
        if only is not None and row.name in only:
            raise PluginError(f"plugin {row.name!r} was asked for but is broken: {row.error}")
    return plugins


def _module(plugin: object) -> str:
    return getattr(plugin, "__name__", None) or type(plugin).__module__
