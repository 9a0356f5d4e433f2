"""Builds one virtual environment a system under a cache folder, with pinned versions.

    python benchmarks/automl/environments.py [autogluon flaml mljar] [--cache ~/.cache/gome-bench]

gome runs from the environment that runs the benchmark. AutoGluon comes without torch (its neural networks are then left out).
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

CACHE = Path("~/.cache/gome-bench").expanduser()

PACKAGES: dict[str, list[str]] = {
    "autogluon": ["autogluon.tabular[lightgbm,catboost,xgboost]==1.6.3"],
    "flaml": ["flaml[automl]==2.7.0"],
    "mljar": ["mljar-supervised==1.3.2"],
}
"""What pip installs for each system."""


def python_of(environment: str | None, cache: Path) -> Path:
    """The interpreter of an environment; None is this one."""
    return Path(sys.executable) if environment is None else cache / environment / "bin" / "python"


def wanted(name: str) -> str:
    """A mark of what should be in the environment."""
    return hashlib.sha256(" ".join(PACKAGES[name]).encode()).hexdigest()[:16]


def build(name: str, cache: Path) -> None:
    """Make the environment unless it stands with these packages already."""
    folder = cache / name
    mark = folder / ".installed"
    if mark.exists() and mark.read_text() == wanted(name):
        print(f"{name}: {folder} stands")
        return
    print(f"{name}: building {folder} ({' '.join(PACKAGES[name])})", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    subprocess.run([str(python_of(name, cache)), "-m", "pip", "install", "--quiet", *PACKAGES[name]], check=True)
    frozen = subprocess.run([str(python_of(name, cache)), "-m", "pip", "freeze"], capture_output=True, text=True, check=True)
    (folder / "freeze.txt").write_text(frozen.stdout)
    mark.write_text(wanted(name))


def main() -> None:
    """Build what is named, all by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", default=list(PACKAGES))
    parser.add_argument("--cache", type=Path, default=CACHE)
    arguments = parser.parse_args()
    for name in arguments.systems:
        build(name, arguments.cache.expanduser())


if __name__ == "__main__":
    main()
