"""The same graph for a LangGraph server; see ``langgraph.json`` and docs/deploy.md."""
