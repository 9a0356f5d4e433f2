"""Policies over variable candidate sets: features, a small network, and how it learns from logs. Needs torch (extra ``torch``)."""
