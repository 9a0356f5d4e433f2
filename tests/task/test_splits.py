"""Folds and parts: stratified, whole groups, blocks of time, all from the seed."""

import numpy as np
import pytest

from gome_graph.task import splits


def rng(seed=0):
    return np.random.default_rng(seed)


def test_every_class_is_spread_evenly_over_the_folds():
    values = np.repeat([0.0, 1.0, 2.0], [500, 97, 5])
    folds = splits.stratified_folds(values, 5, rng(), continuous=False)
    for code in (0, 1, 2):
        counts = np.bincount(folds[values == code], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert np.ptp(np.bincount(folds)) <= 1


def test_numbers_are_spread_evenly_over_the_folds():
    values = rng(1).normal(size=1003)
    folds = splits.stratified_folds(values, 5, rng(), continuous=True)
    means = [values[folds == fold].mean() for fold in range(5)]
    assert np.ptp(means) < 0.03  # plain random folds differ by about 0.2
    assert np.ptp(np.bincount(folds)) <= 1


def test_the_same_seed_gives_the_same_folds():
    values = np.repeat([0.0, 1.0], 50)
    first, second, other = (splits.stratified_folds(values, 5, rng(seed), continuous=False) for seed in (3, 3, 4))
    assert (first == second).all()
    assert (first != other).any()


def test_groups_stay_together_and_folds_are_of_similar_size():
    groups = np.repeat(np.arange(40), rng(2).integers(1, 20, 40))
    folds = splits.group_folds(groups, 5, rng())
    assert all(len(set(folds[groups == group])) == 1 for group in range(40))
    sizes = np.bincount(folds, minlength=5)
    assert sizes.max() - sizes.min() < 20


def test_time_folds_are_blocks_and_equal_times_stay_together():
    times = rng(3).integers(0, 50, 400)
    folds = splits.time_folds(times, 5)
    assert sorted(set(folds)) == [0, 1, 2, 3, 4]
    for earlier in range(4):
        assert times[folds == earlier].max() < times[folds == earlier + 1].min()


def test_audit_part_is_stratified_and_never_takes_the_only_member_of_a_class():
    values = np.concatenate([np.zeros(900), np.ones(100), [2.0]])
    for seed in range(20):
        part = splits.stratified_part(values, 100, rng(seed), continuous=False)
        assert len(part) == len(set(part)) == 100
        assert 1000 not in part
        assert abs((values[part] == 1).sum() - 10) <= 1


def test_group_part_takes_whole_groups():
    groups = np.repeat(np.arange(100), 10)
    part = splits.group_part(groups, 100, rng())
    assert 90 <= len(part) <= 150
    assert set(groups[part]).isdisjoint(groups[np.setdiff1d(np.arange(1000), part)])


def test_one_huge_group_is_not_split_for_the_audit():
    groups = np.array([0] * 990 + [1] * 10)
    part = splits.group_part(groups, 100, rng())
    assert len(set(groups[part])) == 1


def test_time_part_is_the_latest():
    times = rng(4).permutation(1000)
    part = splits.time_part(times, 100)
    assert times[part].min() == 900


@pytest.mark.parametrize("seed", range(5))
def test_small_stage_holds_two_of_every_class_in_different_folds(seed):
    values = rng(seed).integers(0, 20, 2000).astype(float)
    folds = splits.stratified_folds(values, 5, rng(seed), continuous=False)
    part = splits.covering_part(values, folds, 60, rng(seed), continuous=False)
    assert len(part) == len(set(part)) == 60
    assert set(folds[part]) == {0, 1, 2, 3, 4}
    for code in range(20):
        assert len(set(folds[part][values[part] == code])) >= 2


def test_small_stage_is_never_more_than_there_is():
    assert splits.covering_part(np.arange(30.0), np.arange(30) % 5, 60, rng(), continuous=True).tolist() == list(range(30))
