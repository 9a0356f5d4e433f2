"""Less garbage collection: a process of ours holds half a million objects that live as long as it does.

Python looks for cycles each time so many objects have been made. While libraries are imported that finds nothing and takes a seventh of
the start; later each full look walks over everything that was imported.
"""

import gc

OBJECTS = 50_000
"""Objects made between two looks at the young ones (Python: 700 or 2,000, by version)."""


def collect_seldom() -> None:
    """Look for cycles less often; for a process of our own, before it imports."""
    gc.set_threshold(OBJECTS, 20, 20)


def set_aside() -> None:
    """Leave what is there out of all later looks; once the imports are done."""
    gc.freeze()
