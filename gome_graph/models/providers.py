"""From ``provider:model`` to a backend: plugins' offers first, then LangChain's own providers where their package is installed."""

from importlib.util import find_spec
from typing import Any

from gome_graph.errors import PluginError
from gome_graph.hooks.manager import Plugins
from gome_graph.models.backend import Backend
from gome_graph.models.chat import ChatBackend
from gome_graph.models.names import split_name
from gome_graph.support.secrets import redact


def make_backend(name: str, plugins: Plugins, *, base_url: str | None = None) -> Backend:
    """The backend of a model.

    Raises
    ------
    PluginError
        If nobody offers the provider, its package or its key is missing, or it does not start.
    """
    provider, model = split_name(name)
    offered = {offer.name for offer in plugins.offers("chat_model")}
    if provider in offered:
        made = plugins.make("chat_model", provider, None, model=model, base_url=base_url)
    else:
        made = _from_langchain(provider, model, base_url, offered)
    return made if isinstance(made, Backend) else ChatBackend(name, made)


def _from_langchain(provider: str, model: str, base_url: str | None, offered: set[str]) -> Any:
    """A chat model of LangChain's ``init_chat_model``, its own retries off."""
    there = ", ".join(sorted(offered))
    if find_spec("langchain") is None:
        raise PluginError(
            f"there is no model provider called {provider!r}; there are: {there}. More come with LangChain: "
            f"pip install langchain langchain-{provider}"
        )
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {"base_url": base_url} if base_url else {}
    try:
        return init_chat_model(model, model_provider=provider, max_retries=0, **options)
    except ImportError as error:
        raise PluginError(f"model {provider}:{model} needs a package that is not installed: {_line(error)}") from None
    except Exception as error:
        if "Unsupported" in str(error) or "nsupported provider" in str(error):
            raise PluginError(f"there is no model provider called {provider!r}; there are: {there}, and those of LangChain") from None
        raise PluginError(f"model {provider}:{model} cannot be used: {_line(error)}") from None


def _line(error: Exception) -> str:
    return redact(" ".join(str(error).split()))[:300]
