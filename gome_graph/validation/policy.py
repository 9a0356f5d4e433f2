"""The numbers that validation decides by, each with a name and a reason."""

from pydantic import Field

from gome_graph.records import Record, Seconds


class ValidationPolicy(Record):
    """Thresholds of the three stages of validation. The defaults are measured by ``benchmarks/validation_faults.py``."""

    accept_probability: float = Field(default=0.8, gt=0, lt=1)
    """`P(better)` that a step must reach (architecture.md, "Validation")."""
    null_share: float = Field(default=0.2, gt=0, lt=1)
    """Prior probability that a step changes nothing that matters (the spike)."""
    slab_width: float = Field(default=2.0, gt=0)
    """Prior standard deviation of a real change, in noise units (the slab)."""
    rope_share: float = Field(default=0.02, ge=0)
    """Half-width of the region of practical equivalence, as a share of the incumbent score's own standard error."""
    fold_prior: float = Field(default=4.0, ge=0)
    """Degrees of freedom by which the row variance is trusted against the between-fold spread of the paired difference."""
    cheaper_ratio: float = Field(default=0.7, gt=0, lt=1)
    """A step is clearly cheaper (or simpler) below this share of the incumbent's seconds (or complexity)."""
    cheaper_seconds: Seconds = Field(default=5.0, ge=0)
    """... and only if it saves at least so many seconds: less is timing noise."""
    tie_probability: float = Field(default=0.8, gt=0, lt=1)
    """`P(not worse)` at which a clearly cheaper near tie is accepted."""
    gap_noise: float = Field(default=4.5, gt=0)
    """Out-of-fold score better than on unseen rows by so many standard errors: leakage."""
    paired_gap_noise: float = Field(default=4.0, gt=0)
    """The same for the gain over the incumbent, which is far less noisy because both are measured on the same rows."""
    suspicious_gain: float = Field(default=10.0, gt=0)
    """A gain of so many noise units asks for the permuted-label rerun."""
    doubtful_gain: float = Field(default=1.0, gt=0)
    """So does a gain above so many standard errors of the score itself, where a rerun can be had: it is rare and cheap to check."""
    chance_noise: float = Field(default=3.0, gt=0)
    """Score on permuted labels better than chance by so many standard deviations: leakage."""
