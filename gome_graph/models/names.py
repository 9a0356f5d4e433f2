"""``provider:model`` and ``role=provider:model``: what users write after ``--model`` and ``--fallback``."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gome_graph.errors import TaskError
from gome_graph.models.contracts import Role

EXAMPLE = "write for example openai:gpt-5, mailbox:DIR or code=openai:gpt-5"


@dataclass(frozen=True)
class Choice:
    """Which models serve which role."""

    default: str | None = None
    """For roles that have no model of their own."""
    by_role: dict[Role, str] = field(default_factory=dict)
    fallbacks: tuple[str, ...] = ()
    """Asked in this order where the role's model fails."""

    def chain(self, role: Role) -> list[str]:
        """The role's model, then the fallbacks; each once."""
        first = self.by_role.get(role, self.default)
        return list(dict.fromkeys([name for name in (first, *self.fallbacks) if name]))

    def names(self) -> list[str]:
        """Every model of the choice once."""
        return list(dict.fromkeys(name for role in Role for name in self.chain(role)))

    def text(self) -> str:
        """As the user wrote it, for records and displays."""
        roles = [f"{role.value}={name}" for role, name in self.by_role.items()]
        return ", ".join([*([self.default] if self.default else []), *roles])


def parse_choice(models: Sequence[str], fallbacks: Sequence[str] = ()) -> Choice:
    """Read the values of ``--model`` and ``--fallback``.

    Raises
    ------
    TaskError
        If one is not ``provider:model``, names an unknown role, or a role has two models or none.

    Examples
    --------
    >>> choice = parse_choice(["openai:gpt-5", "code=openai:gpt-5-mini"], ["ollama:qwen3"])
    >>> choice.chain(Role.CODE), choice.chain(Role.JUDGE)
    (['openai:gpt-5-mini', 'ollama:qwen3'], ['openai:gpt-5', 'ollama:qwen3'])
    """
    default: str | None = None
    by_role: dict[Role, str] = {}
    for value in models:
        role, name = _split_role(value)
        if role is None:
            if default is not None:
                raise TaskError(f"--model {default} and --model {name} are both for all roles; name a role for one: --model code={name}")
            default = name
        elif role in by_role:
            raise TaskError(f"--model {role.value}={by_role[role]} and --model {role.value}={name}: a role has one model; drop one")
        else:
            by_role[role] = name
    missing = [role.value for role in Role if role not in by_role]
    if models and default is None and missing and not fallbacks:
        raise TaskError(f"no model is for {', '.join(missing)}; add one for all roles: --model {next(iter(by_role.values()))}")
    return Choice(default, by_role, tuple(_check("--fallback", value) for value in fallbacks))


def split_name(name: str) -> tuple[str, str]:
    """Provider and model of ``provider:model``; the model may hold further colons."""
    provider, _, model = name.partition(":")
    return provider.strip().lower(), model.strip()


def _split_role(value: str) -> tuple[Role | None, str]:
    head, equals, tail = value.partition("=")
    if not equals or ":" in head:
        return None, _check("--model", value)
    try:
        return Role(head.strip().lower()), _check("--model", tail)
    except ValueError:
        raise TaskError(f"--model {value}: there is no role {head!r}; roles are {', '.join(role.value for role in Role)}") from None


def _check(flag: str, name: str) -> str:
    provider, model = split_name(name)
    if not provider or not model:
        raise TaskError(f"{flag} {name!r} is not provider:model; {EXAMPLE}")
    return f"{provider}:{model}"
