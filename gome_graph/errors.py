"""Errors, sorted by who must act: the user, the plugin author, the operator.

Each message says what is wrong, where, and how to mend it. The command line prints the message alone (no
traceback unless ``--debug``) and exits with `exit_code`.
"""


class GomeError(Exception):
    """Base of every error `gome` raises on purpose."""

    exit_code = 1


class TaskError(GomeError):
    """The task or a flag is wrong: the user mends a file, a column or an option."""

    exit_code = 2


class PluginError(GomeError):
    """A plugin is missing, broken or in conflict; the message names it."""

    exit_code = 2


class BudgetExceeded(GomeError):
    """A hard cap (wall time, tokens, money, runs) would be passed, or a resource was refused."""

    exit_code = 3


class SandboxError(GomeError):
    """The executor could not contain or start a script: the operator mends the machine, not the script."""

    exit_code = 3


class ModelError(GomeError):
    """A language model backend refused, failed or answered nonsense beyond the retry bound."""

    exit_code = 3


class PatchError(GomeError):
    """A patch does not fit its script: an anchor is missing or ambiguous."""


class RunError(GomeError):
    """A run directory is missing, damaged, finished or in use by another process."""

    exit_code = 2
