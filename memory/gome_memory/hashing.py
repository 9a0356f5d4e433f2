"""A text embedding without weights: hashed words, word pairs and character trigrams, in numpy.

It needs no corpus (an idf would change with every experience written, and with it every ranking), so the few hundred most
common English words are damped by a fixed list instead of a measured document frequency.

References
----------
Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (ICML 2009): signed hashing keeps dot products unbiased.
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

DIMENSIONS = 512
_COMMON = frozenset(
    """a all also an and any are as at be been but by can do does each else for from had has have how if in into is it its may more most
    no not of on one only or other our out over same should so some such than that the their them then there these they this to too two
    use used using very was we were what when where which while who why will with would""".split()  # noqa: SIM905
)
_COMMON_WEIGHT = 0.1
_PAIR_WEIGHT = 0.5
_TRIGRAM_WEIGHT = 0.25
_WORD = re.compile(r"[^\W_]+")


def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Unit vectors, shape (len(texts), 512); a text without any word is a zero vector (similar to nothing)."""
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float64)
    for row, text in enumerate(texts):
        for feature, value in _features(text).items():
            code = zlib.crc32(feature.encode("utf-8", "replace"))
            vectors[row, code % DIMENSIONS] += value if code & 0x80000000 else -value
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: npt.NDArray[np.float64] = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return units.astype(np.float32)


def _features(text: str) -> dict[str, float]:
    words = _WORD.findall(text.lower())
    counts = Counter(words)
    features = {f"w {word}": (_COMMON_WEIGHT if word in _COMMON else 1.0) * (1 + math.log(n)) for word, n in counts.items()}
    content = [word for word in words if word not in _COMMON]
    for pair, n in Counter(pairwise(content)).items():
        features[f"p {pair[0]} {pair[1]}"] = _PAIR_WEIGHT * (1 + math.log(n))
    trigrams = Counter(padded[i : i + 3] for word in content for padded in (f"<{word}>",) for i in range(len(padded) - 2))
    for trigram, n in trigrams.items():
        features[f"c {trigram}"] = _TRIGRAM_WEIGHT * (1 + math.log(n))
    return features
