"""Splits by group: nothing leaks, each class on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.learn.sampling import split_by_group, thin_by_group


def make_samples(n_groups_per_class, rows_per_group=9):
    """Build codes and groups: class → number of groups of nine rows each."""
    codes, groups = [], []
    for code, n_groups in n_groups_per_class.items():
        for index in range(n_groups):
            codes += [code] * rows_per_group
            groups += [f"{code}-{index}"] * rows_per_group
    return np.array(codes), np.array(groups)


@pytest.mark.parametrize(
    ("n_groups", "train_fraction", "n_train"),
    [
        (10, 0.8, 8),
        (5, 0.8, 4),
        (3, 0.8, 2),
        (2, 0.8, 1),
        (2, 0.1, 1),
        (100, 0.85, 85),
        (4, 0.99, 3),
    ],
)
def test_fraction_of_groups_per_class(n_groups, train_fraction, n_train):
    codes, groups = make_samples({1: n_groups, 2: 50})
    split = split_by_group(codes, groups, train_fraction=train_fraction)
    assert split.n_groups[1] == (n_train, n_groups - n_train)
    assert split.is_train[codes == 1].sum() == 9 * n_train
    assert split.rare == ()


def test_no_group_straddles():
    codes, groups = make_samples({1: 40, 2: 13, 3: 2})
    is_train = split_by_group(codes, groups, seed=3).is_train
    assert not set(groups[is_train]) & set(groups[~is_train])


def test_order_of_rows_plays_no_part():
    codes, groups = make_samples({1: 40, 2: 13})
    order = np.random.default_rng(0).permutation(len(codes))
    first = split_by_group(codes, groups, seed=7).is_train
    again = split_by_group(codes[order], groups[order], seed=7).is_train
    np.testing.assert_array_equal(first[order], again)


def test_seed_decides():
    codes, groups = make_samples({1: 40})
    first, same, other = (split_by_group(codes, groups, seed=s).is_train for s in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_a_new_group_moves_few_others():
    codes, groups = make_samples({1: 100})
    is_kept = groups != "1-37"
    all_of_them = split_by_group(codes, groups).is_train[is_kept]
    without = split_by_group(codes[is_kept], groups[is_kept]).is_train
    assert (all_of_them != without).sum() <= 9


def test_integer_groups_split_like_their_text():
    codes, groups = make_samples({1: 12})
    numbers = np.unique(groups, return_inverse=True)[1]
    by_number = split_by_group(codes, numbers).is_train
    by_text = split_by_group(codes, numbers.astype(str)).is_train
    np.testing.assert_array_equal(by_number, by_text)


def test_a_mixed_group_counts_for_its_majority():
    # Fields of class 1 with a few pixels of class 2; class 2 has fields of its own too.
    codes, groups = make_samples({1: 10, 2: 4})
    codes[np.flatnonzero(groups == "1-0")[:2]] = 2
    split = split_by_group(codes, groups, train_fraction=0.5)
    is_pure = ~np.isin(groups, ["1-0"])
    n_own = len(set(groups[split.is_train & is_pure & (codes == 2)]))
    assert n_own == 2
    assert sum(split.n_groups[2]) == 5
    assert sum(split.n_groups[1]) == 10


def test_a_class_with_one_group_is_refused_by_name():
    codes, groups = make_samples({1: 5, 4: 1})
    with pytest.raises(InputError, match=r"class 4 has 1.*rare='train'"):
        split_by_group(codes, groups)


def test_a_class_with_one_group_may_train():
    codes, groups = make_samples({1: 5, 4: 1})
    split = split_by_group(codes, groups, rare="train")
    assert split.rare == (4,)
    assert split.is_train[codes == 4].all()
    assert split.n_groups == {1: (4, 1), 4: (1, 0)}


def test_a_rare_class_inside_other_groups_trains():
    codes, groups = make_samples({1: 10})
    codes[np.flatnonzero(groups == "1-3")[:1]] = 5
    for seed in range(8):
        split = split_by_group(codes, groups, train_fraction=0.5, seed=seed, rare="train")
        assert split.is_train[codes == 5].all()
        assert split.n_groups[1] == (5, 5)


def test_a_class_that_is_nowhere_the_majority_is_on_both_sides_or_rare():
    codes, groups = make_samples({1: 10})
    for name in ("1-3", "1-4"):
        codes[np.flatnonzero(groups == name)[:1]] = 5
    for seed in range(8):
        split = split_by_group(codes, groups, seed=seed, rare="train")
        sides = set(split.is_train[codes == 5].tolist())
        assert sides == ({True} if split.rare == (5,) else {True, False})


@pytest.mark.parametrize(
    ("codes", "groups", "options", "complaint"),
    [
        ([], [], {}, "no samples"),
        ([1, 2], ["a"], {}, "one length"),
        ([1, 1], ["a", "b"], {"train_fraction": 1.0}, "train_fraction 1.0"),
        ([1, 1], ["a", "b"], {"train_fraction": 0.0}, "train_fraction 0.0"),
        ([1, 1], ["a", "b"], {"train_fraction": float("nan")}, "train_fraction nan"),
    ],
)
def test_bad_arguments(codes, groups, options, complaint):
    with pytest.raises(InputError, match=complaint):
        split_by_group(codes, groups, **options)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 12)), min_size=1, max_size=60),
    st.integers(0, 5),
)
def test_always_true_of_a_split(samples, seed):
    codes, groups = (np.array(part) for part in zip(*samples, strict=True))
    split = split_by_group(codes, groups, seed=seed, rare="train")
    train, test = set(groups[split.is_train]), set(groups[~split.is_train])
    assert not train & test
    for code in set(codes.tolist()):
        sides = set(split.is_train[codes == code].tolist())
        assert sides == ({True} if code in split.rare else {True, False})


@pytest.mark.parametrize("seed", range(10))
def test_a_field_with_most_of_its_class_trains(seed: int) -> None:
    # One field of 778 pixels beside two of 5 and 2, as in a real patch of farmland.
    groups = np.repeat(["large", "small", "tiny", "a", "b", "c"], [778, 5, 2, 40, 40, 40])
    codes = np.repeat([7, 4], [785, 120])
    split = split_by_group(codes, groups, seed=seed)
    assert split.is_train[groups == "large"].all()
    assert not split.is_train[codes == 7].all(), "the class is still held out in part"


def two_levels(n_groups_per_inner):
    """Build one class whose groups have a class of the second level each."""
    inner = np.repeat(list(n_groups_per_inner), [9 * n for n in n_groups_per_inner.values()])
    return np.ones_like(inner), np.repeat([f"g{n}" for n in range(len(inner) // 9)], 9), inner


@pytest.mark.parametrize("seed", range(12))
def test_a_class_of_the_second_level_is_on_both_sides(seed: int) -> None:
    # By the first level alone, both groups of 12 train with a chance of about 2 in 3.
    codes, groups, second = two_levels({11: 14, 12: 2, 13: 3, 14: 1})
    first = split_by_group(codes, groups, seed=seed)
    split = split_by_group(codes, groups, seed=seed, second=second)
    for inner in (11, 12, 13):
        assert set(split.is_train[second == inner].tolist()) == {True, False}, inner
    assert split.n_groups == first.n_groups == {1: (16, 4)}, "as many groups train as before"
    alone = second == 14
    assert len(set(split.is_train[alone].tolist())) == 1
    order = np.random.default_rng(seed).permutation(len(codes))
    again = split_by_group(codes[order], groups[order], seed=seed, second=second[order])
    np.testing.assert_array_equal(split.is_train[order], again.is_train)


def test_a_split_that_needs_no_move_is_that_without_a_second_level() -> None:
    codes, groups, second = two_levels({11: 50, 12: 50})
    plain = split_by_group(codes, groups).is_train
    np.testing.assert_array_equal(plain, split_by_group(codes, groups, second=second).is_train)
    none = split_by_group(codes, groups, second=np.zeros_like(codes)).is_train
    np.testing.assert_array_equal(plain, none)


def test_the_second_level_takes_no_class_off_a_side() -> None:
    # Groups a and b hold both classes of the second level, and each is needed where it is.
    codes, groups = np.array([1, 1, 2, 2]), np.array(["a", "b", "a", "b"])
    for seed in range(6):
        split = split_by_group(codes, groups, seed=seed, second=[11, 11, 21, 0])
        assert set(split.is_train[:2].tolist()) == {True, False}
        assert set(split.is_train[2:].tolist()) == {True, False}


def test_a_heavy_group_of_the_second_level_rather_trains() -> None:
    groups = np.repeat(["large", "small", *"abcdefgh"], [6, 2, *[9] * 8])
    second = np.repeat([12, 11], [8, 72])
    for seed in range(12):
        plain = split_by_group(np.ones(80, int), groups, seed=seed).is_train
        if plain[groups == "large"].all() and plain[groups == "small"].all():
            split = split_by_group(np.ones(80, int), groups, seed=seed, second=second)
            assert split.is_train[groups == "large"].all()
            assert not split.is_train[groups == "small"].any()
            return
    pytest.fail("no seed trains both groups; the test says nothing")


def test_a_second_level_of_another_length_is_refused() -> None:
    codes, groups = make_samples({1: 4})
    with pytest.raises(InputError, match="codes and second need one length"):
        split_by_group(codes, groups, second=[1])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=50
    ),
    st.integers(0, 5),
)
def test_always_true_of_a_split_with_a_second_level(samples, seed):
    codes, groups, inner = (np.array(part) for part in zip(*samples, strict=True))
    second = np.where(inner > 0, 10 * codes + inner, 0)
    plain = split_by_group(codes, groups, seed=seed, rare="train")
    split = split_by_group(codes, groups, seed=seed, rare="train", second=second)
    assert not set(groups[split.is_train]) & set(groups[~split.is_train])
    assert split.rare == plain.rare
    for level in (codes, second):
        for code in set(level[level > 0].tolist()):
            before, after = (set(s.is_train[level == code].tolist()) for s in (plain, split))
            assert len(after) >= len(before), "no class loses a side"
    for code in split.rare:
        assert split.is_train[codes == code].all()


def test_groups_are_taken_until_the_share_is_full() -> None:
    groups = np.repeat(np.arange(4), 5)
    assert thin_by_group(np.ones(20, np.uint8), groups, 10, seed=0).sum() == 10
    assert thin_by_group(np.ones(20, np.uint8), groups, 11, seed=0).sum() == 15
