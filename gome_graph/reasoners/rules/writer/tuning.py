"""A member that tunes itself: Optuna inside each fit, on the learning rows alone.

Where the tuning looks decides whether its gain is real. Settings chosen on the folds that score them would look better than they are (the
best of many noisy scores is a lucky one), so each fold's model is tuned on inner folds of its own learning rows: nested cross-validation
(Varma & Simon 2006), honest at the price of one search a fold. Searches are kept affordable by a sample of the rows and by pruning: a trial
that is behind the median after an inner fold is not finished. The alternative, constants found once, would be cheaper to run and easier to
read, but neither honest out of fold nor right for new data; the settings found are printed instead.
"""

from typing import Any

from gome_graph.reasoners.rules.recipe import Member, ModelKind

TUNING_ROWS = 2_000
"""Learning rows that a search sees: settings transfer from a sample."""
LEAST_ROWS = 150
"""Below this no search: three inner folds of fifty rows cannot tell settings apart."""
INNER_FOLDS = 3

SPACES: dict[ModelKind, dict[str, str]] = {
    "lightgbm": {
        "learning_rate": 'float("learning_rate", 0.01, 0.12, log=True)',
        "num_leaves": 'int("num_leaves", 4, 64, log=True)',
        "min_child_samples": 'int("min_child_samples", 3, 60, log=True)',
        "colsample_bytree": 'float("colsample_bytree", 0.2, 1.0)',
        "reg_lambda": 'float("reg_lambda", 1e-3, 30.0, log=True)',
        "extra_trees": 'categorical("extra_trees", [False, True])',
    },
    "xgboost": {
        "learning_rate": 'float("learning_rate", 0.01, 0.12, log=True)',
        "max_depth": 'int("max_depth", 2, 9)',
        "min_child_weight": 'float("min_child_weight", 0.1, 30.0, log=True)',
        "colsample_bytree": 'float("colsample_bytree", 0.2, 1.0)',
        "reg_lambda": 'float("reg_lambda", 1e-2, 30.0, log=True)',
    },
    "catboost": {
        "learning_rate": 'float("learning_rate", 0.02, 0.2, log=True)',
        "depth": 'int("depth", 3, 8)',
        "l2_leaf_reg": 'float("l2_leaf_reg", 0.5, 30.0, log=True)',
    },
}
"""Where a search looks, as what follows ``trial.suggest_``: around the usual settings, which are the first trial."""

STARTS: dict[ModelKind, dict[str, Any]] = {
    "lightgbm": {"reg_lambda": 0.001, "extra_trees": False}, "xgboost": {"reg_lambda": 1.0}, "catboost": {"l2_leaf_reg": 3.0},
}  # fmt: skip
"""The libraries' own values of searched settings that the usual ones leave alone."""


def tunes(member: Member, *, plain: bool) -> bool:
    """True if the member is written with a search; `plain`: its inputs are a frame that the estimator takes as it is."""
    return member.trials > 0 and member.model in SPACES and plain and not member.early_stopping


def space_code(member: Member) -> str:
    """The function that draws settings for a trial."""
    lines = "".join(f'        "{name}": trial.suggest_{how},\n' for name, how in SPACES[member.model].items())
    return f'def {member.name}_space(trial):\n    """Where the search for settings looks."""\n    return {{\n{lines}    }}'
