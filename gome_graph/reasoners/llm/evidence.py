"""Evidence that a model cites, held against what was measured."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from gome_graph.reasoners.llm.answers import EvidenceAnswer
from gome_graph.records import DiagnosticPack, Evidence, Finding, Record

_FINDING = re.compile(r"findings?\.([a-z0-9_]+)(?:\..*)?")
MOST_EVIDENCE = 12
"""A diagnosis that cites more than this is copying, not citing."""


def resolve_evidence(
    cited: Iterable[EvidenceAnswer], pack: DiagnosticPack | None, findings: Sequence[Finding]
) -> tuple[list[Evidence], list[str], list[str]]:
    """Evidence that resolves, with the values measured; symptoms cited as evidence; and references that resolve nowhere.

    ``findings.<symptom>`` stands for the evidence of that finding. Values always come from `pack`, never from the model.
    """
    by_symptom = {finding.symptom: finding for finding in findings}
    kept: dict[str, Evidence] = {}
    symptoms: list[str] = []
    lost: list[str] = []
    for item in cited:
        ref = item.ref.strip() if _value(pack, item.ref.strip()) is not None else plain_ref(item.ref)
        named = _FINDING.fullmatch(ref)
        if named is not None or ref in by_symptom:
            symptom = named[1] if named is not None else ref
            if symptom not in by_symptom:
                lost.append(ref)
                continue
            symptoms.append(symptom)
            for evidence in by_symptom[symptom].evidence:
                if (found := _value(pack, evidence.ref)) is not None:
                    kept.setdefault(evidence.ref, Evidence(ref=evidence.ref, value=found, note=evidence.note or item.note))
            continue
        found = _value(pack, ref)
        if found is None:
            lost.append(ref)
        else:
            kept.setdefault(ref, Evidence(ref=ref, value=found, note=" ".join(item.note.split())))
    return list(kept.values())[:MOST_EVIDENCE], symptoms, lost


def plain_ref(ref: str) -> str:
    """A reference as `DiagnosticPack.resolve` takes it: ``pack.slices[0].z`` and ```slices.0.z``` are ``slices.0.z``."""
    text = ref.strip().strip("`'\"").removeprefix("pack.").removeprefix("facts.")
    text = re.sub(r"\[\s*['\"]?([^\]'\"]+)['\"]?\s*\]", r".\1", text)
    return re.split(r"\s*[=:]\s*", text, maxsplit=1)[0].strip()


def _value(pack: DiagnosticPack | None, ref: str) -> Any:
    """What stands at `ref`, as JSON; None if nothing does."""
    if pack is None:
        return None
    try:
        found = pack.resolve(ref)
    except KeyError:
        return None
    return _json(found)


def _json(value: Any) -> Any:
    if isinstance(value, Record):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return {str(key): _json(item) for key, item in value.items()} if isinstance(value, dict) else value
