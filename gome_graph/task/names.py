"""Did you mean …"""

from collections.abc import Iterable


def closest(name: str, known: Iterable[str], count: int = 3) -> str:
    """The names in `known` most like `name`, for a message: ``'a', 'b' or 'c'``; ``nothing`` if there are none."""
    from rapidfuzz import fuzz, process, utils

    ranked = process.extract(name, list(known), scorer=fuzz.ratio, processor=utils.default_process, limit=count)
    found = [repr(match) for match, _, _ in ranked]
    return " or ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found) or "nothing"
