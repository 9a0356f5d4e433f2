"""C12: how often the gate of a run refuses planted faults, at their first or second occurrence, and clean updates.

python benchmarks/guard/planted.py --worlds 40
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from gome_guard.ope.intervals import proportion

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "gome-guard" / "tests"))
from test_planted import FAULTS, clean_refused, occurrences

FIRST = 100
"""Number of the first world; the tests use those from 0."""


def main() -> None:
    """Print a line a fault, and one of clean updates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=40)
    worlds = range(FIRST, FIRST + parser.parse_args().worlds)
    with tempfile.TemporaryDirectory() as place:
        for fault in FAULTS:
            name = getattr(fault, "__name__", "fault")
            found = np.array([occurrences(fault, seed, Path(place) / name / str(seed)) for seed in worlds])
            once, twice, hidden = found.mean(0)
            found_in = proportion(int(found[:, 1].sum()), len(found))
            print(
                f"{name:11s} refused at first {once:.3f}, first or second {twice:.3f} ({found_in.low:.3f} to {found_in.high:.3f}), "
                f"hidden in the mean {hidden:.3f}"
            )
        refused = sum(clean_refused(seed, Path(place) / "clean" / str(seed)) for seed in worlds)
        print(f"clean updates refused: {refused} of {len(worlds)}")


if __name__ == "__main__":
    main()
