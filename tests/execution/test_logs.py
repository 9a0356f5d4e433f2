"""Captured output: caps and last errors."""

import pytest

from gome_graph.execution.logs import CappedLog, last_error, log_tail

HEAD = "Traceback (most recent call last):\n  File 'a', line 1\n"


def test_a_short_log_is_kept_whole() -> None:
    log = CappedLog(100)
    for chunk in (b"one\n", b"two\n"):
        log.write(chunk)
    assert log.content() == b"one\ntwo\n"


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_a_long_log_keeps_its_beginning_and_its_end(size: int) -> None:
    text = b"".join(b"%06d\n" % number for number in range(10_000))
    log = CappedLog(140)
    for start in range(0, len(text), size):
        log.write(text[start : start + size])
    head, middle, tail = log.content().split(b"\n[... 69,860 bytes left out ...]\n")[0], b"", log.content()[-70:]
    assert (head, middle, tail) == (text[:70], b"", text[-70:])
    assert log.total == len(text)


def test_a_log_that_just_fits_is_not_cut() -> None:
    log = CappedLog(10)
    log.write(b"0123456789")
    assert log.content() == b"0123456789"


def test_the_tail_is_bounded_in_memory() -> None:
    log = CappedLog(1000)
    for _ in range(100_000):
        log.write(b"x")
    assert len(log.content()) < 1100


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (f"{HEAD}    x\nKeyError: 'age'", ("KeyError", "'age'")),
        (f"{HEAD}sklearn.exceptions.NotFittedError: fit first", ("NotFittedError", "fit first")),
        (f"{HEAD}MemoryError\n", ("MemoryError", "")),
        (f"{HEAD}KeyError: 1\n\nDuring handling of the above:\n\n{HEAD}ValueError: two\nlines\n", ("ValueError", "two")),
        ("  File 's', line 3\n    x = (\n        ^\nSyntaxError: '(' was never closed\n", ("SyntaxError", "'(' was never closed")),
    ],
)
def test_the_last_error_is_read_from_the_traceback(log: str, expected: tuple[str, str]) -> None:
    error = last_error(log)
    assert error is not None
    assert (error.kind, error.message) == expected


@pytest.mark.parametrize("log", ["", "Error: not a traceback", "Traceback (most recent call last):\n  File 'a', line 1"])
def test_a_log_without_a_traceback_has_no_error(log: str) -> None:
    assert last_error(log) is None


def test_the_tail_prefers_stderr_and_is_cut_at_a_line() -> None:
    lines = "\n".join(f"line {number}" for number in range(2000))
    assert log_tail("out", "") == "out"
    assert log_tail("out", "err\n") == "err"
    tail = log_tail("", lines)
    assert len(tail) <= 4000
    assert tail.startswith("line ")
    assert tail.endswith("line 1999")
