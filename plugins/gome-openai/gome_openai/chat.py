"""Chat models from the environment, with hard limits at the wire: no reply may drip for ever or fill the memory."""

import os

from gome_graph import Backend, ChatBackend, PluginError
from gome_openai.wire import bounded_client

NO_KEY = "no-key"
"""What a local server is sent where the user has set no key: it asks for none."""

LONGEST_REQUEST = 600.0
"""Seconds; `gome` gives a request less where its budget does."""


def openai_chat(model: str, base_url: str | None = None) -> Backend:
    """A model of OpenAI, or of the server at `base_url` (or ``OPENAI_BASE_URL``).

    Raises
    ------
    PluginError
        If OpenAI is meant and no key is set.
    """
    from langchain_openai import ChatOpenAI

    where = base_url or os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_BASE") or None
    key = os.environ.get("OPENAI_API_KEY") or (NO_KEY if where else None)
    if key is None and os.environ.get("AZURE_OPENAI_ENDPOINT"):
        return azure_chat(model, None)
    if key is None:
        raise PluginError("openai needs a key: put OPENAI_API_KEY into the environment or .env, or give --base-url for another server")
    chat = ChatOpenAI(
        model=model, base_url=where, api_key=key, max_retries=0, timeout=LONGEST_REQUEST, http_client=bounded_client(LONGEST_REQUEST),
    )  # fmt: skip
    return ChatBackend(f"openai:{model}", chat, timeout_option="timeout")


def azure_chat(deployment: str, base_url: str | None = None) -> Backend:
    """A deployment on Azure; endpoint, key and API version come from Azure's usual environment variables.

    Raises
    ------
    PluginError
        If one is missing.
    """
    from langchain_openai import AzureChatOpenAI

    endpoint = base_url or os.environ.get("AZURE_OPENAI_ENDPOINT")
    missing = [name for name in ("AZURE_OPENAI_API_KEY", "OPENAI_API_VERSION") if not os.environ.get(name)]
    if not endpoint:
        missing.insert(0, "AZURE_OPENAI_ENDPOINT")
    if missing:
        raise PluginError(f"azure needs {', '.join(missing)} in the environment or .env")
    chat = AzureChatOpenAI(
        azure_deployment=deployment, azure_endpoint=endpoint, max_retries=0, timeout=LONGEST_REQUEST,
        http_client=bounded_client(LONGEST_REQUEST),
    )  # fmt: skip
    return ChatBackend(f"azure:{deployment}", chat, timeout_option="timeout")
