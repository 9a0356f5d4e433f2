"""Hears each event and hands it to the thread that talks to MLflow. Imports nothing heavy."""

import os
from pathlib import Path

from gome_graph.hooks import hookimpl
from gome_graph.records import Event, EventKind
from gome_mlflow.sender import Sender

ADDRESS = "MLFLOW_TRACKING_URI"
"""MLflow's own variable: without it the plugin does nothing."""

CATCH_UP_SECONDS = 10.0
"""What the end of a run gives MLflow to catch up."""

_senders: dict[Path, Sender] = {}


@hookimpl
def gome_on_event(event: Event, run_dir: Path) -> None:
    """Queue the event; at the end of the run wait a little until all is sent."""
    address = os.environ.get(ADDRESS)
    if not address:
        return
    sender = _senders.get(run_dir)
    if sender is None:
        sender = _senders[run_dir] = Sender(run_dir, address)
    sender.put(event)
    if event.kind is EventKind.RUN_FINISHED:
        sender.finish(CATCH_UP_SECONDS)
        del _senders[run_dir]
