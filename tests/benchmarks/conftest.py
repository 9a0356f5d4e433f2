"""The benchmarks are folders of scripts, not packages: their folders go onto the path, as when a script of them runs."""

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
for folder in (BENCHMARKS, BENCHMARKS / "automl", BENCHMARKS / "mlebench"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
