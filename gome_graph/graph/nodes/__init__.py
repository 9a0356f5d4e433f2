"""The nodes, one file each. Thin: read state, call one object, return an update. Idempotent under (run, trace, step)."""
