"""The guard as gome's own promotion gate: slice regressions of accepted steps become cases, and no step may repeat one."""
