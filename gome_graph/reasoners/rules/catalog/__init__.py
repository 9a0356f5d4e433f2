"""The built-in technique catalog: one file a group, registered through the same hook as a plugin's."""

from gome_graph.reasoners.rules.catalog import (
    assemble,
    decision,
    embeddings,
    encoding,
    ensemble,
    features,
    interactions,
    models,
    side_files,
    structure,
    target,
    text,
    training,
    tuning,
    workflow,
)
from gome_graph.reasoners.rules.technique import Technique

BUILT_IN: list[Technique] = [
    technique
    for group in (
        side_files,
        features,
        interactions,
        structure,
        encoding,
        text,
        embeddings,
        models,
        training,
        tuning,
        target,
        decision,
        ensemble,
        assemble,
        workflow,
    )
    for technique in group.TECHNIQUES
]
"""Every built-in technique."""
