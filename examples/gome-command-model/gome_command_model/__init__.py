"""A model plugin: ask any program on standard input."""
