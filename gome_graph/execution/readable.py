"""Which parts of the host a script must be able to read: the interpreter, its libraries, a little of /etc."""

import functools
import site
import sys
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/nix/store")
"""Programs and libraries. No user's data lives there."""
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "fonts")
"""What the dynamic loader, BLAS alternatives, clocks and plots look up."""
SYS = "/sys/devices/system/cpu"
"""Cores and caches: BLAS, OpenMP and joblib size themselves by it."""
PARTS = ("bin", "lib", "lib64", "libexec", "include", "share", "etc", "pyvenv.cfg")
"""What a Python installation consists of. Nothing else beside them is shown: an environment may be made right in a project's folder."""
CGROUPS = "/sys/fs/cgroup"
"""Quotas, which joblib insists on reading where it sees that the file is there."""


@functools.cache
def interpreter_paths() -> tuple[Path, ...]:
    """Paths outside `SYSTEM` that this Python needs: environment, base installation, and the user's packages if they are in use."""
    wanted = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix), Path(sys.base_exec_prefix)]
    wanted += [path.resolve() for path in wanted]
    executable = Path(sys.executable)
    while executable.is_symlink():  # a chain of links, each of which must be there
        executable = executable.parent / executable.readlink()
        wanted.append(executable.parent.parent)
    parts = [path / name for path in wanted if not beneath(path, SYSTEM) for name in PARTS]
    if user_base() is not None:
        parts.append(Path(site.getusersitepackages()))
    return tuple(outermost([path for path in parts if path.exists() and not beneath(path, SYSTEM)]))


def user_base() -> str | None:
    """``~/.local`` if packages are imported from there, else None."""
    return site.getuserbase() if site.ENABLE_USER_SITE and site.getusersitepackages() in sys.path else None


def beneath(path: Path, roots: tuple[str, ...]) -> bool:
    """True if `path` is one of `roots` or inside one."""
    return any(path.is_relative_to(root) for root in roots)


def outermost(paths: list[Path]) -> list[Path]:
    """The paths without repetition and without those inside another of them, in order."""
    unique = list(dict.fromkeys(paths))
    return [path for path in unique if not any(other in path.parents for other in unique)]
