"""The four bilinear models, as one question vector and one answer vector whose dot product is the score.

A triple's score is ``query(h, r) . key(t)``. Inverse relations have parameters of their own, so that a question for a head is a question
for a
tail of the inverse relation (Lacroix et al., ICML 2018, section 4.1, "reciprocal").

| model | query | key | numbers an entity | a relation |
|---|---|---|---|---|
| RESCAL (Nickel et al., ICML 2011) | h^T R | t | d | d x d |
| ComplEx (Trouillon et al., ICML 2016) | h o r in C^d | t; Re<hr, conj t> is a real dot product | 2 d | 2 d |
| CP (Hitchcock 1927; Lacroix et al. 2018) | h o r, h from the head table | t from the tail table | 2 d | d |
| DistMult (Yang et al., ICLR 2015) | h o r | t | d | d |

Shapes: B questions, n entity rows, m relation rows, width w = `Model.width`.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Model(ABC):
    """The formulas of one family; parameters are passed in, so the same object serves a few rows or a whole table."""

    name = ""

    def __init__(self, rank: int) -> None:
        self.rank = rank

    @property
    @abstractmethod
    def entity_width(self) -> int:
        """Numbers an entity."""

    @property
    @abstractmethod
    def relation_width(self) -> int:
        """Numbers a relation."""

    @abstractmethod
    def query(self, heads: Tensor, relations: Tensor, which: Tensor) -> Tensor:
        """Question vectors (B, w): `heads` (B, entity_width), `relations` (m, relation_width), `which` (B,) rows of `relations`."""

    def key(self, entities: Tensor) -> Tensor:
        """Answer vectors (n, w) of entity rows."""
        return entities

    def as_head(self, entities: Tensor) -> Tensor:
        """The part of entity rows (n, w) that is used as a head."""
        return entities

    @abstractmethod
    def back(self, tails: Tensor, relations: Tensor, which: Tensor) -> Tensor:
        """What a tail expects of a head (B, w): ``back(t, r) . as_head(h)`` is the score too."""

    @abstractmethod
    def relation_scores(self, heads: Tensor, tails: Tensor, relations: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Scores (B, m) of every relation for B pairs of rows; `dtype` is that of the large product."""

    def modulus(self, rows: Tensor) -> Tensor:
        """Absolute values of the coordinates, of complex ones their modulus."""
        return rows.abs()

    def initial(self, n_entities: int, n_relations: int, scale: float, seed: int) -> dict[str, Tensor]:
        """Normal numbers times `scale`; `n_relations` counts the inverse ones."""
        generator = torch.Generator().manual_seed(seed)
        return {
            "entity": torch.randn(n_entities, self.entity_width, generator=generator) * scale,
            "relation": torch.randn(n_relations, self.relation_width, generator=generator) * scale,
        }


class Rescal(Model):
    """A full matrix a relation. Rows that share a relation should stand together: each run of them is one matrix product."""

    name = "rescal"

    @property
    def entity_width(self) -> int:
        return self.rank

    @property
    def relation_width(self) -> int:
        return self.rank * self.rank

    def _each(self, rows: Tensor, relations: Tensor, which: Tensor, *, transposed: bool) -> Tensor:
        if not len(rows):
            return rows
        kinds, counts = torch.unique_consecutive(which, return_counts=True)
        matrices = relations.view(-1, self.rank, self.rank).unbind()  # one gradient for all; indexing would make a full one each
        parts = []
        for kind, part in zip(kinds.tolist(), torch.split(rows, counts.tolist()), strict=True):
            matrix = matrices[kind]
            parts.append(part @ (matrix.T if transposed else matrix))
        return torch.cat(parts)

    def query(self, heads: Tensor, relations: Tensor, which: Tensor) -> Tensor:
        return self._each(heads, relations, which, transposed=False)

    def back(self, tails: Tensor, relations: Tensor, which: Tensor) -> Tensor:
        return self._each(tails, relations, which, transposed=True)

    def relation_scores(self, heads: Tensor, tails: Tensor, relations: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        cubes = relations.view(-1, self.rank, self.rank)
        return torch.stack([(product(heads, matrix, dtype) * tails).sum(1) for matrix in cubes], dim=1)


def product(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """``a @ b`` multiplied in `dtype`, as fp32."""
    return a @ b if dtype == torch.float32 else (a.to(dtype) @ b.to(dtype)).float()


def _times(a: Tensor, b: Tensor) -> Tensor:
    """Complex product of rows [real | imaginary]."""
    a_re, a_im = a.chunk(2, dim=-1)
    b_re, b_im = b.chunk(2, dim=-1)
    return torch.cat([a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re], dim=-1)


def _times_conjugate(a: Tensor, b: Tensor) -> Tensor:
    """a o conj(b)."""
    a_re, a_im = a.chunk(2, dim=-1)
    b_re, b_im = b.chunk(2, dim=-1)
    return torch.cat([a_re * b_re + a_im * b_im, a_im * b_re - a_re * b_im], dim=-1)


class ComplEx(Model):
    """Complex diagonal; rows are [real | imaginary]."""

    name = "complex"

    @property
    def entity_width(self) -> int:
        return 2 * self.rank

    @property
    def relation_width(self) -> int:
        return 2 * self.rank

    def query(self, heads: Tensor, relations: Tensor, which: Tensor) -> Tensor:
        return _times(heads, relations.index_select(0, which))

    def back(self, tails: Tensor, relations: Tensor, which: Tensor) -> Tensor:
        return _times_conjugate(tails, relations.index_select(0, which))

    def relation_scores(self, heads: Tensor, tails: Tensor, relations: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        # Re <h r, conj t> = r . (conj(h) o t): the coefficient of r's real and imaginary part
        return product(_times_conjugate(tails, heads), relations.T, dtype)

    def modulus(self, rows: Tensor) -> Tensor:
        re, im = rows.chunk(2, dim=-1)
        return (re * re + im * im + 1e-30).sqrt()  # 1e-30: the root has no slope at zero


class DistMult(Model):
    """Real diagonal; symmetric but for the inverse relations' own parameters."""

    name = "distmult"

    @property
    def entity_width(self) -> int:
        return self.rank

    @property
    def relation_width(self) -> int:
        return self.rank

    def query(self, heads: Tensor, relations: Tensor, which: Tensor) -> Tensor:
        return heads * relations.index_select(0, which)

    def back(self, tails: Tensor, relations: Tensor, which: Tensor) -> Tensor:
        return tails * relations.index_select(0, which)

    def relation_scores(self, heads: Tensor, tails: Tensor, relations: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        return product(heads * tails, relations.T, dtype)


class CP(Model):
    """Two vectors an entity, [as head | as tail]."""

    name = "cp"

    @property
    def entity_width(self) -> int:
        return 2 * self.rank

    @property
    def relation_width(self) -> int:
        return self.rank

    def as_head(self, entities: Tensor) -> Tensor:
        return entities[:, : self.rank]

    def key(self, entities: Tensor) -> Tensor:
        return entities[:, self.rank :]

    def query(self, heads: Tensor, relations: Tensor, which: Tensor) -> Tensor:
        return self.as_head(heads) * relations.index_select(0, which)

    def back(self, tails: Tensor, relations: Tensor, which: Tensor) -> Tensor:
        return self.key(tails) * relations.index_select(0, which)

    def relation_scores(self, heads: Tensor, tails: Tensor, relations: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        return product(self.as_head(heads) * self.key(tails), relations.T, dtype)


MODELS: dict[str, type[Model]] = {model.name: model for model in (Rescal, ComplEx, CP, DistMult)}


def make_model(name: str, rank: int) -> Model:
    """A model by name."""
    return MODELS[name](rank)
