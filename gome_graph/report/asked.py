"""What a run's language models used, folded from the journal: by role, with what went wrong."""

from dataclasses import dataclass, field

from gome_graph.records import Event


@dataclass
class RoleUse:
    """One role."""

    answers: int = 0
    tries: int = 0
    """Requests that the answers took."""
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    """US dollars; None where no price is known."""
    at_once: int = 0
    """Answers that were valid as they came, at the first try."""
    seconds: float = 0.0
    """Waited for answers."""
    models: set[str] = field(default_factory=set)


@dataclass
class Asked:
    """All roles; empty where no model was asked."""

    by_role: dict[str, RoleUse] = field(default_factory=dict)
    troubles: dict[str, int] = field(default_factory=dict)
    """How often what went wrong."""
    last_trouble: str = ""

    def __bool__(self) -> bool:
        return bool(self.by_role or self.troubles)

    @property
    def tokens(self) -> int:
        """Tokens of prompts and answers."""
        return sum(use.tokens_in + use.tokens_out for use in self.by_role.values())

    @property
    def cost(self) -> float | None:
        """US dollars, as far as they are known; None if they are not for any."""
        known = [use.cost for use in self.by_role.values() if use.cost is not None]
        return sum(known) if known else None

    def answered(self, event: Event) -> None:
        """Take an answer in."""
        data = event.data
        use = self.by_role.setdefault(str(data.get("role", "")), RoleUse())
        use.answers += 1
        use.tries += int(data.get("tries", 1))
        use.tokens_in += int(data.get("tokens_in", 0))
        use.tokens_out += int(data.get("tokens_out", 0))
        if data.get("cost") is not None:
            use.cost = (use.cost or 0.0) + float(data["cost"])
        use.at_once += data.get("tries") == 1 and not data.get("repaired")
        use.seconds += float(data.get("seconds", 0.0))
        use.models.add(str(data.get("model", "")))

    def trouble(self, event: Event) -> None:
        """Take a trouble in."""
        problem = str(event.data.get("problem", "")).replace("_", " ")
        self.troubles[problem] = self.troubles.get(problem, 0) + 1
        self.last_trouble = trouble_line(event)

    def line(self) -> str:
        """In a few words: ``12,340 tokens, $0.0412``; empty where nothing was used."""
        if not self.by_role:
            return ""
        money = f", {money_text(self.cost)}" if self.cost is not None else ""
        return f"{self.tokens:,} tokens{money}"


def money_text(cost: float | None) -> str:
    """Dollars with as many digits as small sums need."""
    return "" if cost is None else f"${cost:.2f}" if cost >= 1 else f"${cost:.4f}"


def trouble_line(event: Event) -> str:
    """One trouble in a line."""
    data = event.data
    return f"{data.get('model', '')} ({data.get('role', '')}): {str(data.get('problem', '')).replace('_', ' ')}; {data.get('then', '')}"
