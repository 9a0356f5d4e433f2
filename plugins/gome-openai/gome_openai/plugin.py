"""What gome-openai adds to gome: the providers ``openai`` and ``azure``. Imports nothing heavy before a model is made."""

from typing import Any

from gome_graph.hooks import Offer, hookimpl


def _openai(*, model: str, base_url: str | None = None) -> Any:
    from gome_openai.chat import openai_chat

    return openai_chat(model, base_url)


def _azure(*, model: str, base_url: str | None = None) -> Any:
    from gome_openai.chat import azure_chat

    return azure_chat(model, base_url)


@hookimpl
def gome_chat_model() -> list[Offer]:
    """``openai`` and ``azure``."""
    return [
        Offer("openai", _openai, "openai:MODEL, OpenAI or any compatible server (--base-url); key in OPENAI_API_KEY"),
        Offer("azure", _azure, "azure:DEPLOYMENT, Azure OpenAI; AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY, OPENAI_API_VERSION"),
    ]
