"""Supervised-to-bandit worlds with injected regressions: what each part of the guard is worth, measured against the truth."""
