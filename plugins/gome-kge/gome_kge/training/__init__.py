"""From train triples to parameters: batches, steps, optimisers, checkpoints."""
