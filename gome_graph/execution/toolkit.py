"""What executors of plugins build on: the local executor's own parts, by the names that are kept stable.

A plugin's executor makes a workspace ready (`prepare`), starts the script with `script_environment` and `kernel_limits` in its own kind of
box, collects a `Watched` (logs in `CappedLog`, an `Ending` if it ended the script), takes the workspace back (`restore`), and lets `judge`
make the `Execution`. `Running` counts its scripts, so that closing it ends them all. `check` and `describe` say which walls hold.
`gome_graph.testing.executors` is the suite it must pass.
"""

from gome_graph.execution.judge import judge
from gome_graph.execution.limits import kernel_limits, machine_memory, script_environment
from gome_graph.execution.logs import CappedLog
from gome_graph.execution.owner import borrow_uid, can_lend_uids, return_uid
from gome_graph.execution.readable import ETC, SYSTEM, interpreter_paths
from gome_graph.execution.running import CLOSED, Running
from gome_graph.execution.selfcheck import Check, check, describe
from gome_graph.execution.watchdog import FLOOD_FACTOR, Ending, Watched
from gome_graph.execution.workspace import INPUT, MAX_ENTRIES, SCRIPT, Usage, measure, prepare, restore, write_file

__all__ = [
    "CLOSED", "ETC", "FLOOD_FACTOR", "INPUT", "MAX_ENTRIES", "SCRIPT", "SYSTEM", "CappedLog", "Check", "Ending", "Running", "Usage",
    "Watched", "borrow_uid", "can_lend_uids", "check", "describe", "interpreter_paths", "judge", "kernel_limits", "machine_memory",
    "measure", "prepare", "restore", "return_uid", "script_environment", "write_file",
]  # fmt: skip
