"""JSON schemas of answers, in the form backends take."""

import json
from typing import Any

from pydantic import BaseModel

_PLAIN = ("title", "default", "examples")
"""Keywords that say nothing about what is valid; strict decoders refuse some of them."""


def answer_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of an answer, with title and description for the backend."""
    schema = model.model_json_schema()
    schema["title"] = model.__name__
    schema.setdefault("description", f"The answer, a {model.__name__}.")
    return schema


def strict(schema: dict[str, Any]) -> dict[str, Any] | None:
    """The schema with all fields required and no others allowed, as strict decoders demand; None if it has free-form objects.

    A field with a default becomes one that the model must write: the values it may take stay the same.
    """
    copy = json.loads(json.dumps(schema))
    return copy if _tighten(copy) else None


def _tighten(node: Any) -> bool:
    """Tighten in place; False if a free-form object is met."""
    if isinstance(node, list):
        return all(_tighten(item) for item in node)
    if not isinstance(node, dict):
        return True
    if node.get("type") == "object":
        if not node.get("properties") or isinstance(node.get("additionalProperties"), dict) or node.get("additionalProperties") is True:
            return False
        node["additionalProperties"] = False
        node["required"] = list(node["properties"])
    named = [value for word in ("properties", "$defs") for value in node.get(word, {}).values()]
    other = [value for word, value in node.items() if word not in ("properties", "$defs")]
    for value in named:
        if isinstance(value, dict):
            for word in _PLAIN:
                value.pop(word, None)
            if set(value) > {"$ref"}:  # a reference stands alone for strict decoders
                reference = value.get("$ref")
                if reference is not None:
                    value.clear()
                    value["$ref"] = reference
    return all(_tighten(value) for value in [*named, *other])


def schema_note(schema: dict[str, Any]) -> str:
    """The schema as words, for backends that cannot be given one."""
    return (
        "Answer with one JSON object and nothing else: no code fence, no words before or after it. "
        f"It must fit this JSON schema:\n{json.dumps(schema, ensure_ascii=False)}"
    )
