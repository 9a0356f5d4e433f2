"""Find the metric in a task's description."""

import re
from collections.abc import Iterable, Iterator

from gome_graph.task.metrics.registry import ALIASES, find_metric, metric_names, words

_HEADING = re.compile(
    r"^\s*#*\s*\**(measure|metric|evaluation|evaluation metric|scoring|score|how (it|you) (is|are) (scored|judged|evaluated))\**\s*:?\s*$",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"^[\s*#>-]*(evaluation |the |scoring |target )?(metric|measure|scored by|evaluated by|judged by|evaluation)\**\s*[:=]\**\s*(.+)$",
    re.IGNORECASE,
)
_VERBS = re.compile(
    r"\b(evaluat\w+|scored|judged|measured|assessed|ranked|metric|graded)\b[^.\n]*?"
    r"\b(on|by|using|with|is|are|as|via|through|use|uses|according to|based on|one)\b(.*)",
    re.IGNORECASE | re.DOTALL,
)
_SENTENCE_END = re.compile(r"(?<=[a-z\)\]*`])[.!?](?=\s|$)|\n\s*\n|\n(?=#)")
_FORBIDDEN = re.compile(
    r"\b((must|may|should|shall|can) ?not be used|(do|must|should) not use|don't use|never use|(is|are) not allowed"
    r"|gives? the (answer|target) away)\b",
    re.IGNORECASE,
)
_LOG_OF = re.compile(r"\b(logarithms? of|logs? of|log transformed|logged)\b|\blog ?\(", re.IGNORECASE)
_TOO_PLAIN = {"correlation", "ap", "l1", "acc", "roc", "r 2", "absolute error", "squared error", "f score", "mean recall", "jaccard"}
"""Aliases that ordinary prose uses for other things; they count only in a line that names the metric."""


def metric_in(text: str) -> tuple[str, str] | None:
    """``(canonical name, the words it was found in)`` of the metric a description states, or None.

    Looked for in this order: the section under a heading such as *Measure* or *Evaluation*, lines such as ``metric: …``, sentences such as
    *Submissions are evaluated on …*. Prose elsewhere is not believed.
    """
    for span, plain in _spans(text):
        found = _first_metric(span, allow_plain=plain)
        if found is not None:
            return found
    return None


def forbidden_columns(text: str, columns: Iterable[str]) -> list[str]:
    """Columns that the description says must not be used, for example because they give the answer away.

    Only names that cannot be ordinary words are believed: in quotes or backticks, or with an underscore, digit or inner capital.
    """
    found = []
    sentences = [sentence for sentence in _SENTENCE_END.split(text) if _FORBIDDEN.search(sentence)]
    for name in columns:
        telling = re.search(r"[_\d]|[a-z][A-Z]", name) is not None
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)" if telling else rf"[`'\"]{re.escape(name)}[`'\"]"
        if any(re.search(pattern, sentence) for sentence in sentences):
            found.append(name)
    return found


def _spans(text: str) -> Iterator[tuple[str, bool]]:
    """(text, whether it names the metric and nothing else), the most telling first."""
    lines = text.splitlines()
    sections = [_section(lines, i + 1) for i, line in enumerate(lines) if _HEADING.match(line)]
    for section in sections:
        head = next((line for line in section if line.strip()), "")
        if len(head.split()) <= 12:
            yield head, True
    for line in lines:
        if match := _LABELLED.match(line):
            yield match[3], True
    for body in (*(" ".join(section) for section in sections), text):
        for sentence in _SENTENCE_END.split(body):
            if match := _VERBS.search(sentence):
                yield match[0], bool(re.search(r"\bmetric\b", sentence, re.IGNORECASE)) and len(sentence.split()) <= 12
    for section in sections:
        yield " ".join(section), False


def _section(lines: list[str], start: int) -> list[str]:
    """Lines from `start` to the next heading."""
    end = next((i for i in range(start, len(lines)) if lines[i].lstrip().startswith("#") or _HEADING.match(lines[i])), len(lines))
    return lines[start:end]


def _first_metric(span: str, *, allow_plain: bool) -> tuple[str, str] | None:
    """The metric named first in `span`; where names overlap, the longest."""
    text = words(span)
    hits = [
        (match.start(), -len(phrase), phrase, name)
        for phrase, name in _phrases()
        if allow_plain or phrase not in _TOO_PLAIN
        for match in [re.search(rf"(?<![a-z0-9]){re.escape(phrase)}s?(?![a-z0-9])", text)]
        if match is not None
    ]
    if match := re.search(r"\b(map|mean average precision) at (\d+)\b", text):
        hits.append((match.start(), -len(match[0]), match[0], f"map_at_{match[2]}"))
    if not hits:
        return None
    start, length, _, _ = min(hits)
    overlapping = [hit for hit in hits if hit[0] < start - length]
    _, _, phrase, name = min(overlapping, key=lambda hit: hit[1])
    if name in {"rmse", "mse"} and _LOG_OF.search(span):
        name = "rmsle" if re.search(r"\+\s*1|1\s*\+|log1p", span) else "rmse_log"
    return find_metric(name).name, phrase


def _phrases() -> list[tuple[str, str]]:
    """(phrase in `words` form, canonical name)."""
    spoken = [(words(name), name) for name in metric_names()]
    return spoken + [(words(alias), name) for name, aliases in ALIASES.items() for alias in aliases]
