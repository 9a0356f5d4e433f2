"""A thread for each run that takes events from a queue and tells MLflow of them. A run never waits for it, but for a moment at its end."""

import logging
import os
import queue
import threading
from pathlib import Path

from gome_graph.records import Event

log = logging.getLogger(__name__)

PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1"}
"""MLflow would try for minutes; what the user has set stands."""

MOST_FAILURES = 3
"""In a row: then the server counts as gone, and the rest of the run is not sent."""


class Sender:
    """Sends the events of one run, in order.

    Parameters
    ----------
    run_dir
        The run.
    address
        Tracking URI.
    """

    def __init__(self, run_dir: Path, address: str) -> None:
        self._run_dir = run_dir
        self._address = address
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._gone = False
        self._thread = threading.Thread(target=self._work, name="gome-mlflow", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Queue an event; returns at once."""
        if not self._gone:
            self._events.put(event)

    def finish(self, seconds: float) -> None:
        """Wait until everything is sent, at most this long."""
        self._events.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            log.warning(
                "MLflow at %s has not taken everything of %s within %.0f s; the rest is left out", self._address, self._run_dir, seconds
            )

    def _work(self) -> None:
        for name, value in PATIENCE.items():
            os.environ.setdefault(name, value)
        recorder, failures = None, 0
        while (event := self._events.get()) is not None:
            if self._gone:
                continue
            try:
                if recorder is None:
                    from gome_mlflow.recorder import Recorder

                    recorder = Recorder(self._run_dir, self._address)
                recorder.take(event)
                failures = 0
            except Exception as error:  # of MLflow, its server or the network: the run goes on
                failures += 1
                log.warning("MLflow at %s did not take an event (%s): %s", self._address, event.kind.value, str(error)[:300])
                if failures >= MOST_FAILURES:
                    self._gone = True
                    log.warning("MLflow at %s is left alone for the rest of the run", self._address)
