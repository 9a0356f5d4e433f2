"""Everything a training depends on, as one record that is saved beside the model."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ModelName = Literal["rescal", "complex", "cp", "distmult"]
RegularizerName = Literal["dura", "n3", "f2", "none"]
TermName = Literal["none", "hr", "tr", "h", "t"]


class Settings(BaseModel):
    """One training. The defaults suit a graph of some ten thousand entities on a CPU."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: ModelName = "rescal"
    rank: int = Field(128, ge=1, le=20_000)
    """Dimension d: RESCAL has d numbers an entity and d x d a relation; ComplEx d complex numbers, which are 2 d real ones."""
    regularizer: RegularizerName = "dura"
    weight: float = Field(0.1, ge=0)
    """Weight of the regularizer, per triple (lambda)."""
    batch: int = Field(512, ge=1)
    """Distinct questions (head, relation) a step; each brings all its tails in train."""
    negatives: int = Field(1024, ge=0)
    """Entities drawn a step and shared by all its questions; 0 compares with every entity (1-N softmax)."""
    optimizer: Literal["adagrad", "adamw"] = "adagrad"
    lr: float = Field(0.1, gt=0)
    decay: float = Field(0.0, ge=0)
    """Decoupled weight decay of AdamW."""
    epochs: int = Field(100, ge=0)
    accumulate: int = Field(1, ge=1)
    """Steps whose gradients are added up before the parameters move."""
    relation_prediction: float = Field(0.0, ge=0)
    """Weight of -log P(r | h, t) (Chen et al., AKBC 2021)."""
    term: TermName = "none"
    """Contrastive term; see `gome_kge.contrastive`."""
    term_weight: float = Field(1.0, ge=0)
    temperature: float = Field(0.9, gt=0)
    term_variant: Literal["published", "corrected"] = "corrected"
    anchors: int = Field(256, ge=2)
    """Anchors of the contrastive term a step; the published method takes the whole batch."""
    class_weights: bool = False
    """Weigh tails by their frequency in *train*, as DURA's code does."""
    init_scale: float = Field(1e-3, gt=0)
    precision: Literal["bf16", "fp32"] = "bf16"
    """Of the large matrix products; parameters and sums are always fp32."""
    seed: int = Field(0, ge=0)
    valid_every: int = Field(5, ge=1)
    """Epochs between looks at validation."""
    valid_sample: int = Field(2000, ge=1)
    """Validation triples looked at, fixed by the seed."""
    patience: int = Field(4, ge=1)
    """Looks without a better validation MRR before training stops."""

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        if self.model == "rescal" and self.regularizer == "n3":
            raise ValueError("n3 is a norm of vectors and is not defined for rescal's matrices; use dura or f2")
        return self
