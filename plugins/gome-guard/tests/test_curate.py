"""The ladder, clusters and mining on small planted reports."""

import numpy as np
import pytest

from gome_guard.curate.clusters import DUPLICATE, assign, cluster
from gome_guard.curate.ladder import LadderSettings, Nearby, Reports, curate
from gome_guard.curate.mining import mine
from gome_guard.policy.features import unit
from gome_guard.records import Part, Tier


def reports(**changes: object) -> Reports:
    """Two people were routed from action 0 to action 1 and expected 0, as the earlier policy did."""
    x = unit(np.array([[1.0, 0.05], [1.0, 0.0]]))
    values = {
        "x": x, "candidates": np.array([[0, 1], [0, 1]]), "expected": np.array([[True, False], [True, False]]), "taken": np.array([1, 1]),
        "before": np.array([0, 0]), "after": np.array([1, 1]), "claim": np.array([0, 0]), "voice": np.array([1, 2]),
    }  # fmt: skip
    return Reports(**{**values, **changes})  # type: ignore[arg-type]


def nearby(good: float = 1.0, bad: float = 0.0) -> Nearby:
    return Nearby(unit(np.array([[1.0, 0.02]] * 8)), np.array([0] * 4 + [1] * 4), np.array([good] * 4 + [bad] * 4))


def test_what_log_and_people_agree_on_is_tier_a() -> None:
    found = curate(reports(), nearby(), truth=np.array([True, True]))
    assert [found.tier(i) for i in range(2)] == [Tier.A, Tier.A]
    assert found.rungs[-1].precision is not None
    assert found.rungs[-1].precision.low < 1  # two samples prove little


def test_without_evidence_it_is_no_sample() -> None:
    found = curate(reports(), None)
    assert [found.tier(i) for i in range(2)] == [None, None]
    assert found.passed["consistent"].all()
    assert found.evidence[0].good is None


def test_one_voice_twice_is_no_consensus() -> None:
    assert curate(reports(voice=np.array([7, 7])), nearby()).tier(0) is Tier.B


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ({"expected": np.zeros((2, 2), bool)}, "eligible"),
        ({"taken": np.array([0, 0])}, "eligible"),
        ({"before": np.array([1, 1])}, "changed"),
        ({"before": np.array([-1, -1])}, "changed"),
        ({"after": np.array([0, 0])}, "changed"),
    ],
)
def test_what_does_not_hold_up_is_dropped_where_it_fails(changes: dict[str, object], stage: str) -> None:
    found = curate(reports(**changes), nearby())
    assert found.passed[stage].sum() == 0
    assert found.tier(0) is None


def test_a_complaint_that_the_log_contradicts_becomes_no_sample() -> None:
    found = curate(reports(), nearby(good=0.2, bad=0.9))
    assert found.passed["changed"].all()
    assert found.tier(0) is None


def test_without_curation_everything_that_is_eligible_passes() -> None:
    assert curate(reports(before=np.array([1, 1])), None, LadderSettings(changed=False)).passed["changed"].all()


@pytest.mark.parametrize("seed", range(5))
def test_parts_are_disjoint_by_cluster_and_near_duplicates_stay_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = unit(rng.normal(size=(60, 8)))
    x = unit(np.concatenate([base, base + 1e-4 * rng.normal(size=base.shape)]).astype(np.float32))
    group = [str(i % 3) for i in range(60)] * 2
    names = cluster(x, group, seed=0)
    parts = assign(names, group)
    by_cluster: dict[str, set[Part]] = {}
    for name, part in zip(names, parts, strict=True):
        by_cluster.setdefault(name, set()).add(part)
    assert all(len(p) == 1 for p in by_cluster.values())
    assert (x[:60] * x[60:]).sum(1).min() > DUPLICATE
    assert parts[:60] == parts[60:]
    for owner in "012":
        assert {p for p, g in zip(parts, group, strict=True) if g == owner} == set(Part)
    assert parts == assign(list(reversed(names)), list(reversed(group)))[::-1]


def test_a_neighbour_must_be_near_and_have_been_served_so_before() -> None:
    x, log = unit(np.array([[1.0, 0.0]])), unit(np.array([[1.0, 0.1], [1.0, 0.1], [0.0, 1.0], [1.0, 0.2]]))
    before = np.array([5, 4, 5, 5])
    offered = np.array([[5, 4]] * 3 + [[3, 4]])
    owner, where = mine(x, np.array([5]), log, offered, before)
    assert (owner.tolist(), where.tolist()) == ([0], [0])
