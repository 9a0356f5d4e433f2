"""The language-model reasoner: measured facts in, structured answers out, patches that were tried before they become a step."""
