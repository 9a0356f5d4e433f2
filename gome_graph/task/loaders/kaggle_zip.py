"""What ``kaggle competitions download`` leaves: one ``.zip`` with all files, or a folder that holds such a zip."""

import shutil
import tempfile
import zipfile
from pathlib import Path

from gome_graph.errors import TaskError
from gome_graph.hooks import LoaderMatch, hookimpl
from gome_graph.task.loaders import folder
from gome_graph.task.loaders.files import find_train
from gome_graph.task.sources import Sources
from gome_graph.task.tables import is_table, table_stem


@hookimpl
def gome_task_loader(path: Path) -> LoaderMatch | None:
    """Claims a ``.zip`` with several files, and a folder without a training table that holds one such zip."""
    if path.is_file() and path.suffix.lower() == ".zip" and not is_table(path):
        return LoaderMatch("kaggle-zip", load, 0.7)
    if path.is_dir() and _zip_in(path) is not None:
        return LoaderMatch("kaggle-zip", load, 0.7)
    return None


def _zip_in(path: Path) -> Path | None:
    if (path / "task.toml").is_file() or find_train(path) is not None:
        return None
    zips = [found for found in sorted(path.glob("*.zip")) if not is_table(found)]
    return zips[0] if len(zips) == 1 else None


def load(path: Path) -> Sources:
    """Unpack beside the zip, in a folder of its name, and load that; a folder already unpacked is used as it is."""
    archive = path if path.is_file() else _zip_in(path)
    if archive is None:
        raise TaskError(f"No zip with a training table in {path}.")
    home = archive.with_suffix("")
    if not home.is_dir():
        _unpack(archive, home)
    sources = folder.load(_data_folder(home))
    sources.name = archive.stem
    sources.inferred.insert(0, f"The files of {archive.name} are unpacked in {home}.")
    return sources


def _data_folder(home: Path) -> Path:
    """`home`, or the one folder in it that everything lies in."""
    inner = [entry for entry in home.iterdir() if entry.name != "__MACOSX" and not entry.name.startswith(".")]
    return inner[0] if len(inner) == 1 and inner[0].is_dir() else home


def _unpack(archive: Path, home: Path) -> None:
    """All or nothing; entries that would land outside are refused."""
    try:
        with zipfile.ZipFile(archive) as packed:
            names = packed.namelist()
            if not any(table_stem(Path(name)).lower().startswith("train") for name in names):
                raise TaskError(f"{archive} holds no training table (train.csv); give the zip of the competition's data.")
            outside = next((name for name in names if Path(name).is_absolute() or ".." in Path(name).parts), None)
            if outside is not None:
                raise TaskError(f"{archive} holds an entry that would be written outside of its folder ({outside}); it was not unpacked.")
            staging = Path(tempfile.mkdtemp(prefix=f".{home.name}.", dir=home.parent))
            try:
                packed.extractall(staging)
                staging.chmod(0o755)
                staging.rename(home)
            except BaseException:
                shutil.rmtree(staging, ignore_errors=True)
                raise
    except zipfile.BadZipFile as error:
        raise TaskError(f"{archive} is not a readable zip file ({error}); download it again.") from error
    except OSError as error:
        raise TaskError(
            f"{archive} cannot be unpacked beside itself ({error}); unpack it where you may write and give that folder."
        ) from error
