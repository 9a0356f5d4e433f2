"""The built-in task loaders."""
