"""The local executor, offered through the same door as any plugin's."""

import sys
from collections.abc import Iterable

from gome_graph.execution.local import LocalExecutor
from gome_graph.execution.settings import LocalSettings
from gome_graph.hooks import Offer, hookimpl


def _missing() -> list[str]:
    return [] if sys.platform == "linux" else ["The local executor needs Linux; on other systems choose another executor, such as docker."]


@hookimpl
def gome_executor() -> Iterable[Offer]:
    """Offer ``local``."""
    summary = "scripts as contained processes of this machine"
    return [Offer("local", LocalExecutor, summary=summary, config=LocalSettings, requires=_missing)]
