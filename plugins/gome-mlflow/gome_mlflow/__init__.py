"""Runs of gome in MLflow."""
