"""The benchmark is a folder of scripts, not a package: its folder goes onto the path, as when a script of it runs."""

import sys
from pathlib import Path

AUTOML = Path(__file__).resolve().parents[2] / "benchmarks" / "automl"
if str(AUTOML) not in sys.path:
    sys.path.append(str(AUTOML))
