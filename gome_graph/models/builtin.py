"""The core's own providers: a folder to answer in, and a record to play back. Neither needs a key or a network."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gome_graph.errors import PluginError
from gome_graph.hooks import Offer, hookimpl


def _mailbox(*, model: str, base_url: str | None = None) -> Any:
    from gome_graph.models.mailbox import MailboxBackend

    return MailboxBackend(Path(model).expanduser().absolute())


def _replay(*, model: str, base_url: str | None = None) -> Any:
    raise PluginError(f"replay:{model} stands for all models of a run; give it as the only --model, without --fallback")


@hookimpl
def gome_chat_model() -> Iterable[Offer]:
    """Offer ``mailbox`` and ``replay``."""
    yield Offer("mailbox", _mailbox, "mailbox:DIR, requests as files to read and answer by hand or by another agent")
    yield Offer("replay", _replay, "replay:FILE, plays the models of a recorded run back (--record FILE, or a run directory)")
