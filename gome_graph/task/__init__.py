"""What to optimise: the task, its loaders, metrics, splits, and the prepared copy that scripts see."""
