"""The gate: does a candidate break what was right? Per sample, per segment, with power and false-block rate."""
