"""Who chooses where the next step starts."""
