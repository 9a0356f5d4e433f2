"""A static look at a script before anything runs: does it compile, does it do what no script may.

The sandbox is the wall; this is the quick word that spares a run, and tells its author the line.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MOST_CHARACTERS = 200_000
"""A longer script is a runaway, not a solution."""
FOLDERS = ("input", "output", "kept")
"""Where a script reads and writes; all else is out of bounds."""

_NETWORK = frozenset({
    "socket", "ssl", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "telnetlib", "xmlrpc", "websocket",
    "websockets", "paramiko", "wget", "boto3", "botocore", "kaggle", "kagglehub", "huggingface_hub", "openai", "anthropic", "gdown",
})  # fmt: skip
_PROCESSES = frozenset({"subprocess", "pty", "pexpect", "ctypes", "cffi"})
_HARMLESS = frozenset({"urllib.parse"})
_OS_CALLS = re.compile(r"system|popen|exec\w*|spawn\w*|posix_spawn\w*|fork\w*|kill\w*|setuid|chroot|symlink|link")
_HIDING = frozenset({"eval", "exec", "compile", "__import__", "breakpoint", "input"})
_READ = re.compile(r"read_(csv|table|parquet|json|excel|feather|hdf|orc|fwf|html|xml|stata|sas|spss)|imread|loadtxt|genfromtxt|fromfile")
_OPENERS = {
    "open": ("", "os", "io", "gzip", "bz2", "lzma", "codecs", "Image"), "Path": ("", "pathlib"), "load": ("np", "numpy", "joblib"),
    "listdir": ("os",), "scandir": ("os",), "walk": ("os",), "glob": ("glob",), "iglob": ("glob",),
}  # fmt: skip
"""Calls whose first argument is a path, by the module they are called on (a method of that name may mean something else)."""
_DOWNLOADERS = re.compile(r"fetch_\w+|from_pretrained|load_dataset|snapshot_download|hf_hub_download|urlopen|urlretrieve")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class ProblemKind(StrEnum):
    """What is wrong with a script."""

    SYNTAX = "syntax"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True)
class Problem:
    """One thing a script must not do, with its line."""

    kind: ProblemKind
    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


def check_script(script: str, base: str | None = None) -> list[Problem]:
    """What is wrong with `script`, by line; what `base` (the script it was made from) does too is not held against it."""
    if len(script) > MOST_CHARACTERS:
        return [Problem(ProblemKind.SYNTAX, 0, f"the script has {len(script):,} characters, at most {MOST_CHARACTERS:,} are allowed")]
    if not script.strip():
        return [Problem(ProblemKind.SYNTAX, 0, "the script is empty")]
    try:
        tree = ast.parse(script, "solution.py")
        compile(tree, "solution.py", "exec")
    except SyntaxError as error:
        shown = f": {error.text.strip()[:120]}" if error.text else ""
        return [Problem(ProblemKind.SYNTAX, error.lineno or 0, f"{type(error).__name__}: {error.msg}{shown}")]
    except (ValueError, RecursionError, MemoryError) as error:
        return [Problem(ProblemKind.SYNTAX, 0, f"the script does not compile: {error}")]
    known = {problem.text for problem in check_script(base)} if base else set()
    found = {problem.text: problem for problem in _forbidden(tree) if problem.text not in known}
    return sorted(found.values(), key=lambda problem: problem.line)


def _forbidden(tree: ast.AST) -> Iterator[Problem]:
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield from _module(alias.name, line)
            case ast.ImportFrom(module=str(module), names=names):
                whole = [f"{module}.{alias.name}" for alias in names]
                if not all(name in _HARMLESS for name in whole):
                    yield from _module(module, line)
                if module == "os":
                    yield from (_call(f"os.{alias.name}", line) for alias in names if _OS_CALLS.fullmatch(alias.name))
            case ast.Call(func=function, args=arguments):
                yield from _called(function, arguments, line)
            case ast.Constant(value=str(text)) if _URL.match(text):
                yield Problem(ProblemKind.FORBIDDEN, line, f"{text[:60]!r} is an address: scripts have no network")


def _module(name: str, line: int) -> Iterator[Problem]:
    if name in _HARMLESS:
        return
    top = name.split(".")[0]
    if top in _NETWORK:
        yield Problem(ProblemKind.FORBIDDEN, line, f"import of {name}: scripts have no network")
    elif top in _PROCESSES:
        yield Problem(ProblemKind.FORBIDDEN, line, f"import of {name}: scripts start no programs")


def _call(name: str, line: int) -> Problem:
    return Problem(ProblemKind.FORBIDDEN, line, f"call of {name}: scripts start no programs and leave others alone")


def _called(function: ast.expr, arguments: list[ast.expr], line: int) -> Iterator[Problem]:
    owner = "" if isinstance(function, ast.Name) else None
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        owner = function.value.id
    name = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    if owner == "os" and _OS_CALLS.fullmatch(name):
        yield _call(f"os.{name}", line)
    elif isinstance(function, ast.Name) and name in _HIDING:
        yield Problem(ProblemKind.FORBIDDEN, line, f"call of {name}(): write the code out")
    elif _DOWNLOADERS.fullmatch(name):
        yield Problem(ProblemKind.FORBIDDEN, line, f"call of {name}: scripts have no network, nothing can be downloaded")
    elif (
        (_READ.fullmatch(name) or owner in _OPENERS.get(name, ()))
        and arguments
        and isinstance(arguments[0], ast.Constant)
        and isinstance(arguments[0].value, str)
    ):
        yield from _path(arguments[0].value, line)


def _path(text: str, line: int) -> Iterator[Problem]:
    """A literal path must stay below the folders of a script; a bare ``.`` is its own folder."""
    if _URL.match(text) or text in ("", ".", "./"):
        return
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    if text.startswith(("/", "~")) or ".." in parts or not parts or parts[0] not in FOLDERS:
        yield Problem(ProblemKind.FORBIDDEN, line, f"path {text[:80]!r}: scripts read below input/ and write below output/")
