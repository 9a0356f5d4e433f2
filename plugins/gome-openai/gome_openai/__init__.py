"""OpenAI, Azure and every OpenAI-compatible server as models of `gome`."""
