"""Warnings in a script's log, and what changed in its text."""

import difflib
import re

MAX_WARNINGS = 20
MAX_WARNING = 200
MAX_DIFF = 20_000
"""Characters of diff that are kept."""
MAX_LINES = 3_000
"""Longer scripts are not compared: difflib's cost is quadratic in the worst case."""

_WARNING = re.compile(r"(?:^|[\s:])(\w*Warning)\s*:\s*(.*)$")
_PLAIN = re.compile(r"^\s*(?:\[\w+\]\s*)*\[?(?:warning|warn)\]?\s*:?\s*(.+)$", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def warnings_in(log: str) -> list[str]:
    """Distinct warnings of a log, in order of appearance: ``ConvergenceWarning: lbfgs failed to converge …``.

    Two warnings that differ in numbers only count as one.
    """
    found: dict[str, str] = {}
    for line in log.splitlines():
        if match := _WARNING.search(line[:2_000]):
            text = f"{match[1]}: {match[2].strip()}"
        elif match := _PLAIN.match(line[:2_000]):
            text = match[1].strip()
        else:
            continue
        found.setdefault(_NUMBER.sub("#", text[:80]), text[:MAX_WARNING])
        if len(found) == MAX_WARNINGS:
            break
    return list(found.values())


def unified_diff(old: str | None, new: str) -> str:
    """Unified diff of two scripts with three lines of context; empty without an old one, cut at `MAX_DIFF` characters."""
    if old is None or old == new:
        return ""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > MAX_LINES:
        return f"(too long to compare: {len(before)} and {len(after)} lines)"
    text = "\n".join(difflib.unified_diff(before, after, "incumbent/solution.py", "solution.py", lineterm=""))
    return text if len(text) <= MAX_DIFF else text[:MAX_DIFF] + "\n… (cut)"
