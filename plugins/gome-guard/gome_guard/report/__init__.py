"""Reports of verdicts: signed JSON, and HTML for people."""
