"""The core's own plugins: they come through the same hooks as anybody's."""

from collections.abc import Sequence

from gome_graph.hooks.manager import Plugins, load_plugins


def builtins() -> list[tuple[str, object]]:
    """(name, plugin) pairs of everything that ships with `gome-graph`."""
    import gome_graph.execution.builtin
    import gome_graph.models.builtin
    import gome_graph.reasoners.llm.builtin
    import gome_graph.reasoners.rules.builtin
    import gome_graph.strategies.builtin
    import gome_graph.task.loaders
    from gome_graph.diagnosis import builtin_diagnosers

    return [
        ("local-executor", gome_graph.execution.builtin),
        ("llm-reasoner", gome_graph.reasoners.llm.builtin),
        ("models", gome_graph.models.builtin),
        ("rules-reasoner", gome_graph.reasoners.rules.builtin),
        ("strategies", gome_graph.strategies.builtin),
        ("task-loaders", gome_graph.task.loaders),
        *builtin_diagnosers(),
    ]


def load(only: Sequence[str] | None = None, *, enabled: bool = True) -> Plugins:
    """Built-ins and installed plugins; see `load_plugins`."""
    return load_plugins(only, enabled=enabled, builtins=builtins)
