"""Makes the pictures of docs/dashboard.md from a run written by hand:  python tests/server/make_screenshots.py docs/images"""

# ruff: noqa: E402 - the path comes first
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "report")]

import fake_run
from browser import Browser
from fake_run import FakeRun
from serving import served

from gome_graph.records import VerdictKind

WIDE, NARROW = (1200, 1250), (420, 860)

PICTURES = {
    "run": ("/runs/spaceship-3f2a1c", WIDE, False),
    "step": ("/runs/spaceship-3f2a1c/steps/t0-3", (1200, 1150), False),
    "diff": ("/runs/spaceship-3f2a1c/diff?step=t0-6&against=t0-0", (1200, 700), False),
    "narrow": ("/runs/spaceship-3f2a1c", NARROW, True),
}
"""Name of each picture, page, window, dark."""


def make(folder: Path) -> list[Path]:
    """Write the pictures and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    fake_run.HOSTILE = "'B/12/S'"  # the pictures are for readers, not for browsers to be tried on
    made = []
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "runs"
        fake = FakeRun(root / "spaceship-3f2a1c")
        fake.start()
        fake.steps(7)
        fake.begin(0, 7)
        fake.begin(1, 7)
        fake.execute(1, 7, VerdictKind.ACCEPTED)
        with fake.run.lock(), served(root) as address, Browser() as browser:
            for name, (page, (width, height), dark) in PICTURES.items():
                browser.look(width, height, dark=dark)
                browser.open(address + page)
                browser.wait("!document.body.dataset.events || !document.getElementById('wire').hidden")
                made.append(folder / f"{name}.png")
                browser.picture(made[-1])
    return made


if __name__ == "__main__":
    for path in make(Path(sys.argv[1])):
        print(path)
