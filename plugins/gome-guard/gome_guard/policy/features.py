"""Numbers for texts: hashed words and letters, weighted by rarity, reduced by SVD. Stateless hashing, so that it saves as plain arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gome_guard.log import Array

BUCKETS = 2**16
"""Hash buckets; short texts of a domain have some ten thousand distinct word pairs and letter groups."""
DIMENSIONS = 192
"""Kept by the SVD: beyond about 200 intent data gain little, and the learner is linear in it."""


@dataclass(frozen=True)
class TextFeatures:
    """Fitted text features."""

    idf: Array
    """(BUCKETS,) float32"""
    components: Array
    """(d, BUCKETS) float32"""

    @classmethod
    def fit(cls, texts: Sequence[str], dimensions: int = DIMENSIONS, seed: int = 0) -> "TextFeatures":
        """Fit on texts without labels."""
        from sklearn.decomposition import TruncatedSVD

        counts = _count(texts)
        seen = np.bincount(counts.indices, minlength=BUCKETS)
        idf = (np.log((1 + len(texts)) / (1 + seen)) + 1).astype(np.float32)
        weighted = _weigh(counts, idf)
        size = max(2, min(dimensions, len(texts) - 1))
        svd = TruncatedSVD(size, n_iter=4, random_state=seed).fit(weighted)
        return cls(idf, svd.components_.astype(np.float32))

    def __call__(self, texts: Sequence[str]) -> Array:
        """(n, d) float32, rows of length 1."""
        x = np.asarray(_weigh(_count(texts), self.idf) @ self.components.T, dtype=np.float32)
        return unit(x)


def unit(x: Array) -> Array:
    """Rows of length 1; rows of zeros stay."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(length > 0, length, 1), dtype=np.float32)


def _count(texts: Sequence[str]) -> Any:
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import HashingVectorizer

    shared = {"alternate_sign": False, "norm": None, "dtype": np.float32, "n_features": BUCKETS // 2}
    words = HashingVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", binary=True, **shared)  # noqa: S106
    letters = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 4), binary=True, **shared)
    return hstack([words.transform(texts), letters.transform(texts)], format="csr")


def _weigh(counts: Any, idf: Array) -> Any:
    from sklearn.preprocessing import normalize

    weighted = counts.copy()
    weighted.data = weighted.data * idf[weighted.indices]
    return normalize(weighted)
