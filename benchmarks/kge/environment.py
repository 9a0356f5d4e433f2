"""Builds PyKEEN's virtual environment, with pinned versions.

    python benchmarks/kge/environment.py [--cache ~/.cache/gome-bench]

gome_kge runs from the environment that runs the benchmark.
"""

import argparse
import subprocess
import sys
from pathlib import Path

CACHE = Path("~/.cache/gome-bench").expanduser()
PACKAGES = ["torch==2.13.0", "pykeen==1.11.1"]


def python_of(cache: Path) -> Path:
    """PyKEEN's interpreter."""
    return cache / "pykeen" / "bin" / "python"


def main() -> None:
    """Build it unless it stands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=CACHE)
    cache = parser.parse_args().cache.expanduser()
    mark = cache / "pykeen" / ".installed"
    if mark.is_file() and mark.read_text() == " ".join(PACKAGES):
        print(f"{cache / 'pykeen'} stands")
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(cache / "pykeen")], check=True)
    subprocess.run([str(python_of(cache)), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    mark.write_text(" ".join(PACKAGES))


if __name__ == "__main__":
    main()
