"""``gome bench``: strategies, reasoners and ablations on the same tasks, seeds and budget, paired."""
