"""The language models of a run, opened with what they need of it."""

from typing import TYPE_CHECKING

from gome_graph.graph.builtins import load
from gome_graph.models.open import Wish, check, open_models
from gome_graph.models.session import ModelSession, Surroundings
from gome_graph.run import RunSettings

if TYPE_CHECKING:
    from gome_graph.graph.services import RunServices


def wish_of(settings: RunSettings) -> Wish:
    """What the settings say about models."""
    return Wish(
        models=settings.models, fallback=settings.fallback, base_url=settings.base_url, max_cost=settings.max_cost,
        max_tokens=settings.max_tokens, prices=settings.prices, record=settings.record,
    )  # fmt: skip


def check_models(settings: RunSettings) -> None:
    """Find out before a run begins whether its models can be opened.

    Raises
    ------
    GomeError
        If not.
    """
    check(wish_of(settings), load(settings.plugins))


def open_run_models(run: "RunServices") -> ModelSession:
    """The session of an open run."""
    around = Surroundings(
        tell=run.journal.add, seconds_left=run.budget.for_steps, stopped=run.stopped, seed=run.settings.seed,
        run=run.run.record()["id"][:6], told=list(run.run.events()),
    )  # fmt: skip
    return open_models(wish_of(run.settings), run.plugins, run.run.root, around)
