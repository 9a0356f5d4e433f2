"""A reasoner's strength as a dial: ``rules@q`` is right with probability q, and confidently wrong otherwise.

One failure study of the method found 35 of 90 iterations with a confident diagnosis in the wrong direction (gome.md). This plays it: the
symptom, its evidence and the stated confidence stay those of the right diagnosis; the direction comes from the less promising half of what
could be done. Each place of the list is drawn on its own, so that several diagnoses of one step are right or wrong independently.
"""

import random
from collections.abc import Sequence

from gome_graph.reasoners.rules.choose import Candidate
from gome_graph.support.seeds import derive_seed


def dialled(ranked: Sequence[Candidate], right: float, seed: int) -> list[Candidate]:
    """`ranked` (best first) with each place right with probability `right`; the same seed, the same list.

    A right place holds the best of what is left, a wrong one any of the lower half that points in another direction than the best.
    ``right=1`` changes nothing.
    """
    throw = random.Random(derive_seed(seed, "dial"))  # noqa: S311 - not for secrets
    left = list(range(len(ranked)))
    half = len(ranked) - len(ranked) // 2
    others = {n for n in range(half, len(ranked)) if ranked[n].technique.direction != ranked[0].technique.direction}
    places: list[int] = []
    while left:
        wrong = [place for place in left if place in others] if throw.random() >= right else []
        places.append(throw.choice(wrong) if wrong else left[0])
        left.remove(places[-1])
    return [ranked[place] for place in places]
