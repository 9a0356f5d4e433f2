"""Putting a run's models together from what the user chose."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gome_graph.errors import TaskError
from gome_graph.hooks.manager import Plugins
from gome_graph.models.backend import ON_THE_WAY, Backend
from gome_graph.models.ledger import Ledger
from gome_graph.models.names import Choice, parse_choice, split_name
from gome_graph.models.prices import PriceTable, price_table
from gome_graph.models.providers import make_backend
from gome_graph.models.recording import RECORD_NAME, Exchange, Header, Past, Recorder, ReplayBackend, read_record
from gome_graph.models.session import ModelSession, Surroundings
from gome_graph.support.secrets import load_keys

FILE_PROVIDERS = ("mailbox", "replay")
"""Their model is a path."""


@dataclass(frozen=True)
class Wish:
    """What the user asked for."""

    models: Sequence[str]
    """Values of ``--model``."""
    fallback: Sequence[str] = ()
    base_url: str | None = None
    max_cost: float | None = None
    max_tokens: int | None = None
    prices: Path | None = None
    record: Path | None = None


def absolute(name: str) -> str:
    """A model's name with the path in it made absolute: a run may be resumed from another folder."""
    head, equals, tail = name.rpartition("=") if ":" not in name.partition("=")[0] else ("", "", name)
    provider, path = split_name(tail)
    if provider not in FILE_PROVIDERS or not path:
        return name
    return f"{head}{equals}{provider}:{Path(path).expanduser().absolute()}"


def check(wish: Wish, plugins: Plugins) -> None:
    """Whether the models could be opened: providers, packages, keys, prices and files are there. Nothing is sent or written.

    Raises
    ------
    GomeError
        If not; the message says what to mend.
    """
    load_keys()
    choice, _, _ = _parts(wish, plugins)
    for provider, path in (split_name(name) for name in choice.names()):
        if provider == "mailbox":
            _folder_at(f"--model mailbox:{path}", Path(path).expanduser())
    if wish.record is not None:
        if wish.record.exists() and (wish.record.is_dir() or wish.record.stat().st_size):
            raise TaskError(f"--record {wish.record} is there already; give another file, or remove it")
        _folder_at(f"--record {wish.record}", wish.record.parent)


def _folder_at(flag: str, folder: Path) -> None:
    """Refuse a path that is no folder we may write in, and cannot become one."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise TaskError(f"{flag}: {there} is a file, not a folder; give another path")
    if not os.access(there, os.W_OK):
        raise TaskError(f"{flag}: the folder {there} may not be written in; give another path")


def open_models(wish: Wish, plugins: Plugins, folder: Path, around: Surroundings) -> ModelSession:
    """The models of a run whose directory is `folder`; a run that is resumed remembers what was answered and spent."""
    load_keys()
    choice, backends, header = _parts(wish, plugins)
    own = folder / RECORD_NAME
    remembered = read_record(own)[1] if own.exists() and own.stat().st_size else []
    ledger = Ledger(header.max_tokens, header.max_cost)
    prices = price_table(wish.prices, base_url=wish.base_url)
    _restore(ledger, remembered, prices)
    return ModelSession(
        choice, backends, around, ledger=ledger, prices=prices,
        recorder=Recorder([own, *([wish.record] if wish.record else [])], header),
        past=Past([line for line in remembered if line.text is not None]), replaying=_replayed(wish) is not None,
    )  # fmt: skip


def _parts(wish: Wish, plugins: Plugins) -> tuple[Choice, dict[str, Backend], Header]:
    """Choice, backends and header; of the recorded run if one is replayed."""
    source = _replayed(wish)
    if source is not None:
        if len(wish.models) > 1 or wish.fallback:
            raise TaskError(f"--model replay:{source} plays all models of a run back; leave out other --model and --fallback")
        header, lines = read_record(source)
        past = Past(lines)
        choice = parse_choice(header.models, header.fallback)
        caps = {name: value for name in ("max_cost", "max_tokens") if (value := getattr(wish, name)) is not None}
        return choice, {name: ReplayBackend(name, past) for name in choice.names()}, header.model_copy(update=caps)
    choice = parse_choice(wish.models, wish.fallback)
    prices = price_table(wish.prices, base_url=wish.base_url)
    if wish.max_cost is not None:
        for name in choice.names():
            if prices.price(name) is None:
                raise TaskError(
                    f'--max-cost needs the price of {name}, which is not known; give it with --prices FILE (a line like "{name}" = '
                    f"{{ in = 1.0, out = 4.0 }} below [prices], US dollars for a million tokens), or use --max-tokens"
                )
    header = Header(models=list(wish.models), fallback=list(wish.fallback), max_cost=wish.max_cost, max_tokens=wish.max_tokens)
    return choice, {name: make_backend(name, plugins, base_url=wish.base_url) for name in choice.names()}, header


def _replayed(wish: Wish) -> Path | None:
    for value in wish.models:
        provider, path = split_name(value.rpartition("=")[2] if value.startswith(("diagnose=", "propose=", "code=", "judge=")) else value)
        if provider == "replay":
            return Path(path).expanduser()
    return None


def _restore(ledger: Ledger, lines: list[Exchange], prices: PriceTable) -> None:
    """Book what earlier processes of the run have used."""
    for line in lines:
        ledger.add(
            line.role, tokens_in=line.tokens_in, tokens_out=line.tokens_out, cost=line.cost if line.tokens_in else 0.0,
            failed=line.failure is not None,
        )  # fmt: skip
        if line.failure in ON_THE_WAY and split_name(line.model)[0] != "mailbox":
            prompt = sum(len(part.encode()) for part in (line.system, *(text for _, text in line.turns)))
            ledger.lose(line.role, prompt, prices.price(line.model))


__all__ = ["Wish", "absolute", "check", "open_models"]
