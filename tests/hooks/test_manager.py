import types
from collections.abc import Iterable
from importlib.metadata import EntryPoint

import pytest

from gome_graph.errors import PluginError
from gome_graph.hooks import Offer, hookimpl
from gome_graph.hooks.manager import Plugins, load_plugins


def plugin(offer: Offer) -> object:
    class OneStrategy:
        @hookimpl
        def gome_strategy(self) -> Iterable[Offer]:
            return [offer]

    return OneStrategy()


def test_an_offer_is_found_by_name_and_built() -> None:
    plugins = Plugins()
    plugins.add(plugin(Offer("zen", lambda: "built")), "zen-plugin")
    assert plugins.make("strategy", "zen") == "built"


def test_two_offers_of_one_name_are_an_error_that_names_both_plugins() -> None:
    plugins = Plugins()
    plugins.add(plugin(Offer("zen", str)), "first")
    plugins.add(plugin(Offer("zen", str)), "second")
    with pytest.raises(PluginError, match=r"(?s)(first.*second|second.*first)"):
        plugins.offers("strategy")


def test_an_unknown_name_lists_what_there_is() -> None:
    plugins = Plugins()
    plugins.add(plugin(Offer("zen", str)), "first")
    with pytest.raises(PluginError, match="zen"):
        plugins.offer("strategy", "missing")


def test_what_is_missing_on_the_machine_is_said() -> None:
    plugins = Plugins()
    plugins.add(plugin(Offer("zen", str, requires=lambda: ["package zenlib is not installed"])), "first")
    with pytest.raises(PluginError, match="zenlib is not installed"):
        plugins.offer("strategy", "zen")


def test_another_api_version_is_refused() -> None:
    plugins = Plugins()
    plugins.add(plugin(Offer("zen", str, api_version=99)), "first")
    with pytest.raises(PluginError, match="hook API 99"):
        plugins.offer("strategy", "zen")


def test_a_hook_that_does_not_exist_is_refused_with_the_plugins_name() -> None:
    module = types.ModuleType("odd")
    module.gome_no_such_hook = hookimpl(lambda: None)  # type: ignore[attr-defined]
    with pytest.raises(PluginError, match="odd-plugin"):
        Plugins().add(module, "odd-plugin")


def test_a_plugin_that_fails_to_import_is_listed_and_stops_nobody() -> None:
    plugins = Plugins()
    plugins.load(EntryPoint("sick", "no_such_module_anywhere", "gome_graph"))
    assert [(row.name, row.status) for row in plugins.broken()] == [("sick", "broken")]
    assert "no_such_module_anywhere" in plugins.broken()[0].error


def test_a_plugin_that_raises_in_its_hook_is_marked_broken_and_the_others_stay() -> None:
    class Sick:
        @hookimpl
        def gome_strategy(self) -> Iterable[Offer]:
            raise RuntimeError("boom")

    plugins = Plugins()
    plugins.add(Sick(), "sick")
    plugins.add(plugin(Offer("zen", str)), "well")
    assert [o.name for o in plugins.offers("strategy")] == ["zen"]
    assert plugins.broken()[0].name == "sick"


def test_asking_for_a_plugin_that_is_not_installed_is_an_error() -> None:
    with pytest.raises(PluginError, match="nobody-has-this"):
        load_plugins(["nobody-has-this"])
