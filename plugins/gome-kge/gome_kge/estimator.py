"""The Python API with scikit-learn's habits: parameters in ``__init__``, ``fit``, trailing underscores for what was learnt."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from gome_graph.errors import TaskError
from gome_kge.ask import Answer, Asker
from gome_kge.calibration import Calibration, calibrate, scores_of
from gome_kge.data.graph import KnowledgeGraph
from gome_kge.data.load import load_graph
from gome_kge.newcomers import fold_in
from gome_kge.pipeline import train
from gome_kge.recipes import make_settings


class LinkPredictor(BaseEstimator):  # type: ignore[misc]
    """Learn a knowledge graph, score and predict triples.

    Parameters
    ----------
    settings : fields of `gome_kge.Settings`; None finds a recipe within `seconds`
    seconds : wall time; None with settings trains until validation stops improving
    seed : everything random follows from it
    rules : combine with mined rules; None only where the recipe is found

    Attributes
    ----------
    graph_, predictor_, metrics_ : after `fit`

    Examples
    --------
    >>> facts = [(f"p{i}", "next", f"p{(i + 1) % 20}") for i in range(20)] + [(f"p{(i + 1) % 20}", "previous", f"p{i}") for i in range(20)]
    >>> model = LinkPredictor(settings={"model": "complex", "rank": 8, "negatives": 0, "epochs": 2}).fit(facts)
    >>> len(model.predict([("p0", "next")], k=2)[0])
    2
    """

    def __init__(
        self, settings: dict[str, Any] | None = None, seconds: float | None = None, seed: int = 0, rules: bool | None = None
    ) -> None:
        self.settings = settings
        self.seconds = seconds
        self.seed = seed
        self.rules = rules

    def fit(self, X: KnowledgeGraph | Path | str | Sequence[tuple[str, str, str]], y: None = None) -> "LinkPredictor":
        """Learn from a graph, a path, or a list of (head, relation, tail)."""
        with tempfile.TemporaryDirectory() as folder:
            if isinstance(X, KnowledgeGraph):
                graph = X
            elif isinstance(X, Path | str):
                graph = load_graph(X, seed=self.seed)
            else:
                path = Path(folder) / "facts.tsv"
                path.write_text("".join("\t".join(fact) + "\n" for fact in X), encoding="utf-8")
                graph = load_graph(path, seed=self.seed)
            settings = None if self.settings is None else make_settings({"seed": self.seed, **self.settings}, "settings")
            outcome = train(graph, Path(folder) / "out", settings=settings, seconds=self.seconds, seed=self.seed, rules=self.rules)
        self.graph_, self.predictor_, self.metrics_ = graph, outcome.predictor, outcome.metrics
        self.calibration_: Calibration | None = None
        return self

    def _asker(self) -> Asker:
        if not hasattr(self, "predictor_"):
            raise TaskError("This LinkPredictor is not fitted; call fit(...) with a graph first.")
        return Asker(self.predictor_)

    def _ids(self, triples: Sequence[tuple[str, str, str]]) -> NDArray[np.int64]:
        asker = self._asker()
        return np.array([(asker.entity(h), asker.relation(r), asker.entity(t)) for h, r, t in triples], dtype=np.int64).reshape(-1, 3)

    def predict(self, X: Sequence[tuple[str, str]], k: int = 10, known: bool = False) -> list[list[Answer]]:
        """The `k` best tails of each (head, relation); known triples only with `known`."""
        asker = self._asker()
        return [asker.predict(head=head, relation=relation, k=k, known=known) for head, relation in X]

    def decision_function(self, X: Sequence[tuple[str, str, str]]) -> NDArray[np.float64]:
        """(n,) scores of triples."""
        return scores_of(self.predictor_, self._ids(X))

    def predict_proba(self, X: Sequence[tuple[str, str, str]]) -> NDArray[np.float64]:
        """(n, 2) calibrated probabilities that triples are false and true; see `gome_kge.calibration` for what they mean."""
        scores = self.decision_function(X)
        if self.calibration_ is None:
            self.calibration_ = calibrate(self.predictor_, self.seed)
        true = self.calibration_.probability(scores)
        return np.stack([1 - true, true], axis=1)

    def score(self, X: None = None, y: None = None) -> float:
        """Filtered MRR on the graph's test triples."""
        self._asker()
        return float(self.metrics_["mrr"])

    def neighbours(self, entity: str, k: int = 10) -> list[tuple[str, float]]:
        """The entities whose vectors are closest, with their cosines."""
        return self._asker().neighbours(entity, k)

    def partial_fit(self, X: Sequence[tuple[str, str, str]], y: None = None) -> "LinkPredictor":
        """Fold new entities in from facts about them; what was learnt stays. Rules are left out from then on."""
        self._asker()
        self.predictor_ = fold_in(self.predictor_, X, seed=self.seed)
        self.graph_ = self.predictor_.graph
        return self

    def save(self, folder: Path | str) -> None:
        """Write a folder that `gome kge` and `Predictor.load` read."""
        self._asker()
        self.predictor_.save(Path(folder))
