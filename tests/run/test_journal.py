import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gome_graph.records import Event, EventKind, step_id
from gome_graph.run import Journal, RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    made = RunDirectory.create("task", tmp_path / "run")
    made.update_record(task="task")
    return made


def test_events_come_back_in_order_with_what_was_said(run: RunDirectory) -> None:
    journal = Journal(run, lambda: 1.5)
    journal.add(EventKind.RUN_STARTED, task="x")
    journal.add(EventKind.STEP_STARTED, trace=0, step=step_id(0, 0), family="linear")
    journal.close()
    events = list(run.events())
    assert [(e.n, e.kind, e.step) for e in events] == [(0, EventKind.RUN_STARTED, None), (1, EventKind.STEP_STARTED, "t0-0")]
    assert events[1].data == {"family": "linear"}
    assert events[1].elapsed == 1.5


def test_a_repeated_node_does_not_journal_twice(run: RunDirectory) -> None:
    journal = Journal(run, lambda: 0.0)
    assert journal.add(EventKind.EXECUTED, trace=0, step=step_id(0, 1)) is not None
    journal.close()
    again = Journal(run, lambda: 0.0)
    assert again.add(EventKind.EXECUTED, trace=0, step=step_id(0, 1)) is None
    assert again.add(EventKind.WARNING, text="may happen often") is not None
    assert again.add(EventKind.WARNING, text="may happen often") is not None
    again.close()
    assert [e.n for e in run.events()] == [0, 1, 2]


def test_a_torn_last_line_is_dropped_and_numbering_goes_on(run: RunDirectory) -> None:
    journal = Journal(run, lambda: 0.0)
    journal.add(EventKind.RUN_STARTED)
    journal.close()
    with run.journal_path.open("a") as file:
        file.write('{"v":1,"n":1,"kind":"warn')
    assert len(list(run.events())) == 1
    journal = Journal(run, lambda: 0.0)
    journal.add(EventKind.WARNING, text="next")
    journal.close()
    assert [e.n for e in run.events()] == [0, 1]


def test_threads_lose_nothing(run: RunDirectory) -> None:
    journal = Journal(run, lambda: 0.0)
    threads = [threading.Thread(target=lambda: [journal.add(EventKind.WARNING, text="x") for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert [e.n for e in run.events()] == list(range(200))


def test_observers_hear_of_events_after_they_are_on_disk(run: RunDirectory) -> None:
    heard: list[tuple[Event, int]] = []
    journal = Journal(run, lambda: 0.0, [lambda event: heard.append((event, len(list(run.events()))))])
    journal.add(EventKind.RUN_STARTED)
    assert heard[0][1] == 1
    journal.close()


def test_kill_9_loses_no_event_that_add_returned_for(run: RunDirectory) -> None:
    code = (
        "import sys;from pathlib import Path;from gome_graph.run import Journal,RunDirectory;from gome_graph.records import EventKind\n"
        "j=Journal(RunDirectory(Path(sys.argv[1])),lambda:0.0)\n"
        "while True:\n    print(j.add(EventKind.WARNING,text='x').n,flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(run.root)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    last = -1
    for line in child.stdout:
        last = int(line)
        if last == 200:
            os.kill(child.pid, signal.SIGKILL)
            break
    child.wait()
    assert [e.n for e in run.events()][: last + 1] == list(range(last + 1))
