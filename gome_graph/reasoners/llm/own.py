"""What the rules give where models write scripts: a recipe of their own or a root to go on from, and a family to begin with."""

from dataclasses import replace

from gome_graph.hooks import StepContext, Update
from gome_graph.reasoners.rules.state import recipe_of
from gome_graph.reasoners.rules.writer import draft_recipes
from gome_graph.records import Patch, Solution


def own_context(context: StepContext) -> StepContext:
    """The context with an incumbent that the rules can continue: the accepted one if they wrote it, else their last one that has a score,
    of this trace first; without any of them the rules begin a root."""
    if context.incumbent is None or recipe_of(context.incumbent) is not None:
        return context
    return replace(context, incumbent=_own_solution(context))


def _own_solution(context: StepContext) -> Solution | None:
    scored = context.library.solutions if context.library is not None else []
    own = [solution for solution in scored if recipe_of(solution) is not None]
    mine = [solution for solution in own if solution.trace == context.trace]
    return (mine or own)[-1] if own else None


def apart_family(context: StepContext) -> str:
    """A model family for the first root of every trace but the first, another one for each; empty where siblings can be seen already.

    First roots are written at the same time, and a model asked three times writes three times the same.
    """
    known = any(sibling.hypothesis is not None or sibling.incumbent is not None for sibling in context.siblings)
    if context.trace == 0 or context.history or known:
        return ""
    families = list(dict.fromkeys(recipe.family for recipe in draft_recipes(context.task)))[1:]
    return families[(context.trace - 1) % len(families)] if families else ""


def as_step(update: Update | None, context: StepContext) -> Update | None:
    """An update of the rules as a step of the trace: a root, where it does not change the trace's accepted script."""
    if update is None or context.incumbent is None or recipe_of(context.incumbent) is not None or update.patch.whole is not None:
        return update
    solution = update.solution.model_copy(update={"parent": None})
    return Update(update.hypothesis, Patch(whole=solution.script), solution)
