"""The diagnosers that come with `gome`, each a plain function in a file of its own, each a plugin of its own.

One plugin object a diagnoser, so that a broken one is named and left out without the others.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gome_graph.diagnosis.builtin import (
    biased,
    class_imbalance,
    compound_columns,
    crash,
    datetime_unused,
    drift,
    duplicated_rows,
    early_stopping_capped,
    fold_variance,
    group_structure,
    heteroscedastic,
    high_cardinality,
    label_noise,
    leaking_column,
    low_diversity,
    low_signal,
    metric_mismatch,
    miscalibrated,
    missing_values,
    overfit,
    plateau,
    residual_outliers,
    residual_skew,
    single_model,
    single_seed,
    skewed_target,
    slow,
    text_as_category,
    threshold,
    time_structure,
    unconverged,
    underfit,
    unseen_categories,
    unused_columns,
    unused_side_files,
    unused_text,
    wasted_memory,
    wasted_time,
    weak_ensemble,
    weak_slice,
)
from gome_graph.hooks import hookimpl
from gome_graph.records import DiagnosticPack, Finding

if TYPE_CHECKING:
    from gome_graph.task import Measured

Diagnose = Callable[[DiagnosticPack, "Measured | None"], Iterable[Finding]]


@dataclass(frozen=True)
class BuiltinDiagnoser:
    """A diagnoser as a plugin object."""

    name: str
    diagnose: Diagnose

    @hookimpl
    def gome_diagnose(self, pack: DiagnosticPack, data: "Measured") -> Iterable[Finding]:
        """Findings of the one function."""
        return self.diagnose(pack, data)


_MODULES = (
    biased, class_imbalance, compound_columns, crash, datetime_unused, drift, duplicated_rows, early_stopping_capped, fold_variance,
    group_structure, heteroscedastic, high_cardinality, label_noise, leaking_column, low_diversity, low_signal, metric_mismatch,
    miscalibrated, missing_values, overfit, plateau, residual_outliers, residual_skew, single_model, single_seed, skewed_target, slow,
    text_as_category, threshold, time_structure, unconverged, underfit, unseen_categories, unused_columns, unused_side_files,
    unused_text, wasted_memory, wasted_time, weak_ensemble, weak_slice,
)  # fmt: skip

BUILTIN: tuple[BuiltinDiagnoser, ...] = tuple(
    BuiltinDiagnoser(f"diagnose-{module.__name__.rsplit('.', 1)[-1].replace('_', '-')}", module.diagnose) for module in _MODULES
)
"""Every built-in diagnoser, by name."""

SYMPTOMS: tuple[str, ...] = (
    "biased", "class_imbalance", "compound_columns", "crash_format", "crash_memory", "crash_missing_column", "crash_missing_module",
    "crash_nan", "crash_other", "crash_timeout", "crash_type", "datetime_unused", "drift", "duplicated_rows", "early_stopping_capped",
    "fold_variance", "group_structure", "heteroscedastic", "high_cardinality", "label_noise", "leaking_column", "low_diversity",
    "low_signal", "metric_mismatch", "miscalibrated", "missing_values", "overfit", "plateau", "residual_outliers", "residual_skew",
    "single_model", "single_seed", "skewed_target", "slow", "text_as_category", "threshold", "time_structure", "unconverged",
    "underfit", "unseen_categories", "unused_columns", "unused_side_files", "unused_text", "wasted_memory", "wasted_time",
    "weak_ensemble", "weak_slice",
)  # fmt: skip
"""Every symptom they can name: stable, techniques refer to them."""


def builtin_diagnosers() -> list[tuple[str, object]]:
    """(plugin name, plugin object) pairs, as `gome_graph.hooks.manager.load_plugins` takes its built-ins."""
    return [(plugin.name, plugin) for plugin in BUILTIN]


__all__ = ["BUILTIN", "SYMPTOMS", "BuiltinDiagnoser", "builtin_diagnosers"]
