"""An input folder that only its owner may enter, shown to the one script that is meant to read it."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gome_graph.records import ScriptJob

ENTER = stat.S_IROTH | stat.S_IXOTH


@contextlib.contextmanager
def readable_input(job: ScriptJob, uid: int | None) -> Iterator[ScriptJob]:
    """The job, with an input that a user of the script's own can enter.

    The input of the final fit is closed to strangers, for it holds the labels of the audit rows. Its files are linked (copied where they
    cannot be) into a folder beside the workspace, which goes again with the script; no other container sees either.
    """
    if uid is None or stat.S_IMODE(job.input_dir.stat().st_mode) & ENTER == ENTER:
        yield job
        return
    closed = Path(tempfile.mkdtemp(dir=job.workspace.parent, prefix=".input-"))  # mode 0700: nobody else gets through it
    try:
        shown = closed / "input"
        shutil.copytree(job.input_dir, shown, copy_function=_link)
        for folder in (shown, *(path for path in shown.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        yield job.model_copy(update={"input_dir": shown})
    finally:
        shutil.rmtree(closed, ignore_errors=True)


def _link(source: str, target: str) -> None:
    if stat.S_IMODE(Path(source).stat().st_mode) & stat.S_IROTH:
        try:
            os.link(source, target)
            return
        except OSError:  # another file system, or one without links
            pass
    shutil.copyfile(source, target)
    Path(target).chmod(0o644)
