"""Closing an executor ends what runs and lets nothing begin."""

import threading

import pytest

from gome_graph.errors import SandboxError
from gome_graph.execution.running import Running


def test_the_end_waits_for_scripts_that_stop_when_asked() -> None:
    running, began = Running(), threading.Event()

    def script() -> None:
        with running.one():
            began.set()
            while not running.closing():
                pass

    thread = threading.Thread(target=script)
    thread.start()
    began.wait()
    assert running.end(10.0)
    thread.join()
    with pytest.raises(SandboxError, match="closed"), running.one():
        pass


def test_the_end_does_not_wait_for_ever() -> None:
    running = Running()
    with running.one():
        assert not running.end(0.05)
    assert running.end(0.05)


def test_a_script_that_fails_is_no_longer_counted() -> None:
    running = Running()
    with pytest.raises(ValueError, match="planned"), running.one():
        raise ValueError("planned")
    assert running.end(0.05)
