"""The commands, one file a group; each has `register(app)` and imports what it needs when it is called."""
