"""The image that scripts run in: built once from the packaged Dockerfile, named by what went into it."""

import hashlib
import io
import tarfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, ImageNotFound

from gome_docker.settings import DockerSettings, Libraries
from gome_graph.errors import SandboxError

HERE = Path(__file__).parent
REPOSITORY = "gome-scripts"
LIBRARIES = ("numpy", "pandas", "scikit-learn", "lightgbm", "catboost", "scipy", "joblib", "threadpoolctl", "optuna", "xgboost-cpu")
"""What scripts of the rules reasoner import. Each is pinned to the version that the orchestrator has, so that a script by hand and one in a
container give the same numbers; what is not installed here is left out there."""


def ensure_image(client: docker.DockerClient, settings: DockerSettings) -> str:
    """The name of the image to run; builds it if it is not there.

    Raises
    ------
    SandboxError
        If the image asked for is not there, or cannot be built; the message ends with what the build said last.
    """
    if settings.image:
        try:
            client.images.get(settings.image)
        except ImageNotFound as error:
            raise SandboxError(f"the daemon has no image {settings.image!r}; pull or build it, or leave `image` out") from error
        return settings.image
    context = build_context(settings)
    name = f"{REPOSITORY}:{hashlib.sha256(repr(sorted(context.items())).encode()).hexdigest()[:12]}"
    try:
        client.images.get(name)
        return name
    except ImageNotFound:
        pass
    try:
        client.images.build(
            fileobj=_tar(context), custom_context=True, tag=name, rm=True, forcerm=True, buildargs={"BASE": settings.base},
            target=_target(settings), network_mode="none" if settings.libraries is Libraries.HOST else None,
            labels={"gome.executor": "docker"},
        )  # fmt: skip
    except BuildError as error:
        said = [line["stream"].strip() for line in error.build_log if line.get("stream", "").strip()]
        raise SandboxError(f"the image for scripts could not be built from {settings.base}: {error.msg} ({' '.join(said[-3:])})") from error
    except APIError as error:
        raise SandboxError(f"the image for scripts could not be built from {settings.base}: {error.explanation or error}") from error
    return name


def build_context(settings: DockerSettings) -> dict[str, str]:
    """File name -> content of all that goes into the image; the name of the image follows from it."""
    pins = "\n".join(f"{name}=={found}" for name in LIBRARIES if (found := _installed(name))) + "\n"
    files = {name: (HERE / name).read_text(encoding="utf-8") for name in ("Dockerfile", "inside.py")}
    # The base and the target are arguments of the build, but they decide what is in the image.
    return {**files, "libraries.txt": pins, "constraints.txt": pins, "arguments": f"{settings.base} {_target(settings)}"}


def _target(settings: DockerSettings) -> str:
    return "bare" if settings.libraries is Libraries.HOST else "full"


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _tar(context: dict[str, str]) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in sorted(context.items()):
            data = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    out.seek(0)
    return out
