"""Scores of whole rows of entities, for evaluation, prediction and combination."""

import numpy as np
import torch
from torch import Tensor

from gome_kge.data.index import Ints
from gome_kge.evaluation.ranking import Floats, Scorer
from gome_kge.models import Model


def scorer_of(model: Model, tables: dict[str, Tensor]) -> Scorer:
    """The scorer of a model's parameters, in fp32."""
    keys = model.key(tables["entity"]).T

    @torch.no_grad()
    def score(heads: Ints, relations: Ints) -> Floats:
        order = np.argsort(relations, kind="stable")  # runs of one relation, as RESCAL likes them
        rows = tables["entity"].index_select(0, torch.from_numpy(heads[order]))
        queries = model.query(rows, tables["relation"], torch.from_numpy(relations[order]))
        back = torch.empty_like(queries)
        back[torch.from_numpy(order)] = queries
        found: Floats = (back @ keys).numpy()
        return found

    return score
