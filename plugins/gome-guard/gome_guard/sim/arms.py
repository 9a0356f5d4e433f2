"""What is compared: the arms, each a setting of the same loop."""

from typing import Any

from gome_graph.errors import TaskError
from gome_graph.records import Record


class Arm(Record):
    """One way to guard a self-learning policy."""

    name: str
    what: str
    """One line for people."""
    samples: str = "none"
    """none | raw | B | A: from which tier on reports become samples"""
    gate: bool = False
    train: bool = False
    split: bool = True
    """False: the same samples train and judge."""
    whole: bool = False
    """True: a failing segment blocks the whole candidate; False: it falls back to the incumbent alone."""
    mining: bool = False
    override: bool = False
    quarantine: bool = False
    hold: bool = False
    """Serve the incumbent where the quarantine does not believe the signal (else it is only not learnt from)."""
    confirm: bool = True
    dispute: bool = True
    noise: float = 0.3
    ope: bool = False
    """Deploy only if the aggregate off-policy lower bound says better."""
    rp: float = 1.0


ARMS = {
    arm.name: arm
    for arm in (
        Arm(name="none", what="no guard"),
        Arm(name="ope", what="aggregate off-policy lower bound", ope=True),
        Arm(name="uncurated", what="raw reports train and judge", samples="raw", gate=True, train=True),
        Arm(name="gate", what="R/P gate only, all curated samples", samples="B", gate=True, split=False),
        Arm(name="full", what="the paper as read: the same samples judge and train, a failure blocks all", samples="B", gate=True,
            train=True, split=False, whole=True),
        Arm(name="tier_b", what="tier-B bank, split: gate and training", samples="B", gate=True, train=True),
        Arm(name="quarantine", what="change-point quarantine only", quarantine=True, hold=True),
        Arm(name="guard", what="quarantine, tier-B split bank, mining, override, fallback", samples="B", gate=True, train=True, mining=True,
            override=True, quarantine=True, hold=True),
        Arm(name="guard_lean", what="quarantine and the gate with fallback; the bank does not train", samples="B", gate=True, mining=True,
            split=False, quarantine=True, hold=True),
    )
}  # fmt: skip

DEFAULT_ARMS = ("none", "ope", "gate", "full", "tier_b", "quarantine", "guard", "guard_lean", "uncurated")

ABLATIONS: dict[str, dict[str, Any]] = {
    "curation": {"samples": "raw"},
    "split": {"split": False},
    "noise": {"noise": 0.0},
    "quarantine": {"quarantine": False, "hold": False},
    "hold": {"hold": False},
    "confirm": {"confirm": False},
    "dispute": {"dispute": False},
    "override": {"override": False},
    "mining": {"mining": False},
    "training": {"train": False},
    "gate": {"gate": False},
}
"""What ``guard-X`` switches off."""


def find_arm(name: str) -> Arm:
    """An arm by its name; ``guard-split`` is `guard` without the split (see `ABLATIONS`).

    Raises
    ------
    TaskError
        If there is none, naming those that there are.
    """
    if name in ARMS:
        return ARMS[name]
    base, _, cut = name.partition("-")
    if base in ARMS and cut in ABLATIONS:
        return ARMS[base].model_copy(update={"name": name, "what": f"{ARMS[base].what}; without {cut}", **ABLATIONS[cut]})
    raise TaskError(f"there is no arm {name!r}; there are: {', '.join(ARMS)}, and guard-X without X of: {', '.join(ABLATIONS)}.")
