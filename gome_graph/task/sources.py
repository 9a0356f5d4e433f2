"""What a loader found: files, and what they or the user declare. `complete` in `infer` turns it into a `Task`."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Sources:
    """The raw material of a task; None means: not declared, to be inferred."""

    name: str
    root: Path
    train: Path
    test: Path | None = None
    sample_submission: Path | None = None
    description: str = ""
    description_name: str = "description.md"
    """Where the description came from, for messages."""
    id: str | None = None
    target: list[str] = field(default_factory=list)
    metric: str | None = None
    metric_source: str = "task.toml"
    direction: str | None = None
    """``minimize`` or ``maximize`` as declared; must agree with the metric."""
    split: str | None = None
    drop: list[str] = field(default_factory=list)
    limits: dict[str, float] = field(default_factory=dict)
    answers: Path | None = None
    thresholds: dict[str, float] | None = None
    side_files: bool = True
    """Whether other files in `root` belong to the task."""
    inferred: list[str] = field(default_factory=list)
