"""How a reasoner came to its answer, in sentences: what the journal's ``reasoned`` events say."""

from collections.abc import Mapping
from typing import Any

SHOWN = 5
"""Names of a list that are written out."""
LONGEST = 240


def sentence(data: Mapping[str, Any]) -> str:
    """One event in a line; an unknown kind is shown as it is."""
    what = str(data.get("what", ""))
    match what:
        case "fallback":
            rests = int(data.get("rests") or 0)
            rest = f"; the model rests for {rests} further {'step' if rests == 1 else 'steps'}" if rests else ""
            failed = _WORDS.get(str(data.get("at")), "answer")
            text = f"the {data.get('to', 'rules')} did this step, for the model failed to {failed}: {data.get('text')}{rest}"
        case "coded":
            rounds, faults = int(data.get("rounds") or 1), [str(fault) for fault in data.get("faults") or []]
            tries = "at the first try" if rounds == 1 else f"in {rounds} rounds, after {', '.join(faults)}"
            summary = str(data.get("summary") or "").rstrip(".")
            text = f"written {tries}" + (f": {summary}" if summary else "")
        case "chosen":
            done = {"select": "selected", "modify": "modified", "create": "created"}.get(str(data.get("action")), "taken as the first")
            text = f"{done} among {data.get('proposals')} proposals: {data.get('reason')}"
        case "dropped":
            references, titles = _listed(data.get("references")), _listed(data.get("hypotheses"))
            parts = [f"evidence that does not resolve was dropped: {references}"] if references else []
            parts += [f"hypotheses that were tried before were dropped: {titles}"] if titles else []
            text = "; ".join(parts)
        case _:
            text = f"{what}: {dict(data)}"
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


_WORDS = {
    "draft": "draft", "diagnose": "diagnose", "propose": "propose anything new", "update": "choose or write",
    "code": "write a script that runs",
}  # fmt: skip


def _listed(names: Any) -> str:
    shown = [str(name) for name in names or []]
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else "")
