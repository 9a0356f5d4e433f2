"""Patches: search/replace blocks that fit exactly once, or not at all."""

import difflib
import functools
import re
from collections.abc import Sequence

from gome_graph.errors import PatchError
from gome_graph.records import Edit, Patch


def apply_patch(script: str, patch: Patch) -> str:
    """The patched script.

    Edits are applied in order, each to the result of the one before.

    Raises
    ------
    PatchError
        If an anchor is empty, missing or ambiguous; the message shows the anchor, so that its author can mend it.
    """
    if patch.whole is not None:
        return patch.whole
    for number, edit in enumerate(patch.edits, start=1):
        count = _occurrences(script, edit.search)
        if count != 1:
            raise PatchError(f"edit {number}: the search text {_misfit(script, edit.search, count)}")
        script = script.replace(edit.search, edit.replace)
    return script


def _occurrences(text: str, part: str) -> int:
    """How often `part` occurs, overlapping places counted each: of two that share lines, neither is the one meant."""
    count, place = 0, text.find(part) if part else -1
    while place >= 0:
        count += 1
        place = text.find(part, place + 1)
    return count


SHOWN = 200
"""Characters of an anchor that an error shows."""


def _misfit(script: str, search: str, count: int) -> str:
    """Why an anchor fits nowhere or in several places, with the lines that its author needs to mend it."""
    if not search:
        return "is empty; it must occur exactly once"
    shown = repr(search[:SHOWN])
    if count > 1:
        starts = [script.count("\n", 0, found.start()) + 1 for found in re.finditer(f"(?={re.escape(search)})", script)]
        places = ", ".join(map(str, starts[:5]))
        return f"occurs {count} times (lines {places}); it must occur exactly once, so take in a neighbouring line: {shown}"
    lines = search.splitlines()
    first = next((line for line in lines if line.strip() and line not in script), lines[0])
    near = difflib.get_close_matches(first, script.splitlines(), n=1, cutoff=0.6)
    hint = f"; the nearest line of the script is {near[0][:SHOWN]!r}" if near else ""
    return f"is not in the script; it must occur exactly once: {shown}{hint}"


def make_patch(old: str, new: str) -> Patch:
    """The smallest line-wise search/replace blocks that turn `old` into `new`; each anchor is widened until it is unique."""
    if old == new:
        return Patch()
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    changes = [c for c in _opcodes(old, new) if c[0] != "equal"]
    edits: list[Edit] = []
    done = list(before)  # the script as it stands after the edits so far
    shift = 0
    for _, start, end, new_start, new_end in changes:
        low, high = start + shift, end + shift
        replacement = after[new_start:new_end]
        text = "".join(done)
        top, bottom = low, high
        while top == bottom or _occurrences(text, "".join(done[top:bottom])) != 1:
            if top == 0 and bottom == len(done):
                return Patch(whole=new)  # an empty script, or one block repeated throughout: no anchor can be unique
            top, bottom = max(0, top - 1), min(len(done), bottom + 1)
        edits.append(Edit(search="".join(done[top:bottom]), replace="".join(done[top:low] + replacement + done[high:bottom])))
        done[low:high] = replacement
        shift += len(replacement) - (end - start)
    patch = Patch(edits=edits)
    return patch if apply_patch(old, patch) == new else Patch(whole=new)


def unified_diff(old: str, new: str, old_name: str = "before", new_name: str = "after") -> str:
    """A unified diff with three lines of context, for people and for packs."""
    return "".join(difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), old_name, new_name))


def share_changed(old: str, new: str) -> float:
    """Share of lines touched: changed or added lines over the longer script's lines, 0 to 1 (gome.md, behaviour 5)."""
    same = sum(end - start for kind, start, end, *_ in _opcodes(old, new) if kind == "equal")
    longest = max(len(old.splitlines()), len(new.splitlines()))
    return 0.0 if longest == 0 else 1.0 - same / longest


@functools.lru_cache(maxsize=4)  # a patch is made and then its size is asked
def _opcodes(old: str, new: str) -> Sequence[tuple[str, int, int, int, int]]:
    """How the lines of `old` become those of `new`, as `difflib.SequenceMatcher.get_opcodes` says it."""
    return difflib.SequenceMatcher(None, old.splitlines(keepends=True), new.splitlines(keepends=True), autojunk=False).get_opcodes()
