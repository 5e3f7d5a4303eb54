"""Which samples train and which test: by group, so that nothing leaks across.

The nine pixels of a point, the points of a polygon and the copies of a point seen in two tiles
share a group; a group is never on both sides.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError

Rare = Literal["error", "train"]


@dataclass(frozen=True)
class GroupSplit:
    """A split of samples into training and test."""

    is_train: NDArray[np.bool_]
    """True on training samples, bool, (sample,)."""
    n_groups: dict[Hashable, tuple[int, int]]
    """Class → number of groups that hold it in (training, test)."""
    rare: tuple[Hashable, ...]
    """Classes kept in training only, as they have too few groups for two sides."""


def split_by_group(
    codes: ArrayLike,
    groups: ArrayLike,
    *,
    train_fraction: float = 0.8,
    seed: int = 0,
    rare: Rare = "error",
    second: ArrayLike | None = None,
) -> GroupSplit:
    """Split samples so that each group lies on one side and each class on both.

    Groups of one class are ordered by a hash of the seed and the group's id and the first
    ``train_fraction`` of them train, at least one and never all. A group that holds more than
    half of the samples of its class trains: without it the class would hardly be learned at
    all. A group of several classes counts for the one with most of its samples (then the
    smaller code). The order of the samples plays no part, and a new group moves no more than
    the groups at the cut.

    Args:
        codes: Class of each sample, (sample,).
        groups: Group id of each sample, text or integer, (sample,).
        train_fraction: Share of the groups of each class that train, between 0 and 1.
        seed: Another seed, another split.
        rare: What to do with a class that cannot be on both sides: ``error``, or keep all its
            groups in training and report it (``train``).
        second: Class of the second level of each sample, integer, (sample,), 0 where it has none.
            Where all groups of such a class lie on one side, one of them moves to the other and
            another group of its first-level class moves back, if no class loses a side by it.
            A class of one group stays where it is, and no class is reported. A split that has
            all of them on both sides already is that without a second level.

    Returns:
        The split, with the number of groups on either side and the rare classes.

    Raises:
        InputError: Lengths differ, there are no samples, ``train_fraction`` is not between 0
            and 1, or a class has fewer than two groups and ``rare`` is ``error``.
    """
    table = _tabulate(codes, groups)
    if not 0 < train_fraction < 1:
        raise InputError(f"split_by_group: train_fraction {train_fraction} is not within 0..1.")
    held = table.groupby(["group", "code"], sort=True).size().rename("n").reset_index()
    n_groups = held["code"].value_counts()
    majority = (
        held.sort_values(["group", "n", "code"], ascending=[True, False, True])
        .drop_duplicates("group")
        .set_index("group")["code"]
    )
    draw = pd.Series([_draw(group, seed) for group in majority.index], index=majority.index)
    lonely = set(n_groups.index[n_groups < 2])
    dominant = _dominant(held)
    while True:  # ends: each round adds a class to those kept in training
        forced = dominant | set(held.loc[held["code"].isin(lonely), "group"])
        trains = _choose(majority, draw, forced, train_fraction)
        one_sided = _one_sided(held, trains) - lonely
        if not one_sided:
            break
        lonely |= one_sided
    if lonely and rare == "error":
        raise InputError(_complaint(lonely, n_groups))
    if second is not None:
        inner = np.asarray(second)
        if inner.shape != (len(table),):
            raise InputError(
                f"split_by_group: codes and second need one length, found {len(table)} and "
                f"{inner.shape}."
            )
        trains = _with_second(table.assign(second=inner), trains, forced, draw, majority)
    side = held.assign(trains=held["group"].isin(trains))
    per_side = side.groupby("code")["trains"].agg(["sum", "size"])
    return GroupSplit(
        is_train=table["group"].isin(trains).to_numpy(dtype=bool),
        n_groups={
            code: (int(n), int(of - n))
            for code, n, of in zip(per_side.index, per_side["sum"], per_side["size"], strict=True)
        },
        rare=tuple(code for code in per_side.index if code in lonely),
    )


def thin_by_group(
    codes: ArrayLike, groups: ArrayLike, max_rows: int, *, seed: int = 0
) -> NDArray[np.bool_]:
    """Choose whole groups of every class until about ``max_rows`` rows are reached.

    Each class gets its share of the rows, at least one group. The choice depends on the seed and
    on the names of the groups, not on the order of the rows.

    Args:
        codes: Class code of each row, (n,).
        groups: Group of each row, (n,).
        max_rows: Rows to aim at; a last group of a class may exceed its share.
        seed: Seed of the choice.

    Returns:
        True for rows that stay, bool, (n,).
    """
    table = _tabulate(codes, groups)
    keep = np.zeros(len(table), dtype=np.bool_)
    for _, rows in table.groupby("code"):
        share = max_rows * len(rows) / len(table)
        sizes = rows.groupby("group").size()
        order = sorted(sizes.index, key=lambda group: _draw(group, seed))
        before = np.cumsum([0, *(sizes[group] for group in order)])[:-1]
        chosen = {group for group, n in zip(order, before, strict=True) if n < share}
        keep[rows.index[rows["group"].isin(chosen)].to_numpy()] = True
    return keep


def _tabulate(codes: ArrayLike, groups: ArrayLike) -> pd.DataFrame:
    code, group = np.asarray(codes), np.asarray(groups)
    if code.ndim != 1 or code.shape != group.shape:
        raise InputError(
            f"split_by_group: codes and groups need one length, found {code.shape} "
            f"and {group.shape}."
        )
    if code.size == 0:
        raise InputError("split_by_group: there are no samples to split.")
    return pd.DataFrame({"code": code, "group": group.astype(str)})


def _draw(group: object, seed: int) -> int:
    """Draw a group's place in the order, from its id alone."""
    return int.from_bytes(blake2b(f"{seed}/{group}".encode(), digest_size=8).digest(), "big")


def _choose(
    majority: pd.Series, draw: pd.Series, forced: set[str], train_fraction: float
) -> set[str]:
    """Choose the groups that train: the forced ones, then the first of each class."""
    trains = set(forced)
    for _, members in majority.groupby(majority):
        ordered = sorted(members.index, key=lambda group: (group not in forced, draw[group]))
        n_train = round(train_fraction * len(ordered))
        trains.update(ordered[: min(max(n_train, 1), max(len(ordered) - 1, 1))])
    return trains


def _with_second(
    table: pd.DataFrame, trains: set[str], forced: set[str], draw: pd.Series, majority: pd.Series
) -> set[str]:
    """Put the classes of the second level on both sides, as far as single moves can."""
    inner = table[table["second"] > 0]
    sizes = inner.groupby(["group", "second"]).size().rename("n").reset_index()
    heavy = _dominant(sizes.rename(columns={"second": "code"}))
    members = [set(own) for _, own in table.groupby("code")["group"]]
    wanted = [set(own) for _, own in inner.groupby("second")["group"]]

    def move(candidates: set[str], trains: set[str], to_train: bool) -> tuple[set[str], str | None]:
        # What would be held out first comes first; the heaviest group of a class comes last.
        order = sorted(candidates, key=lambda group: (group in heavy, -int(draw[group]), group))
        for group in reversed(order) if to_train else order:
            if not to_train and group in forced:
                continue
            moved = trains ^ {group}
            theirs = [own for own in (*members, *wanted) if group in own]
            if all(_is_divided(own, moved) for own in theirs if _is_divided(own, trains)):
                return moved, group
        return trains, None

    for own in wanted:
        if len(own) < 2 or _is_divided(own, trains):
            continue
        to_train = own.isdisjoint(trains)
        trains, group = move(own, trains, to_train)
        if group is not None:
            alike = set(majority.index[majority == majority[group]]) - own
            back = alike & trains if to_train else alike - trains
            trains, _ = move(back, trains, not to_train)
    return trains


def _is_divided(groups: set[str], trains: set[str]) -> bool:
    """Tell whether some of the groups train and some do not."""
    return not (groups <= trains or groups.isdisjoint(trains))


def _dominant(held: pd.DataFrame) -> set[str]:
    """Find the groups that hold more than half of the samples of a class."""
    total = held.groupby("code")["n"].transform("sum")
    return set(held.loc[2 * held["n"] > total, "group"])


def _one_sided(held: pd.DataFrame, trains: set[str]) -> set[Hashable]:
    """Name the classes that are absent from one side."""
    sides = held["group"].isin(trains).groupby(held["code"]).nunique()
    return set(sides.index[sides < 2])


def _complaint(lonely: set[Hashable], n_groups: pd.Series) -> str:
    found = ", ".join(
        f"class {code} has {n}" for code, n in sorted(n_groups.items(), key=str) if code in lonely
    )
    return (
        "split_by_group: a class needs its own groups on both sides, at least 2, but "
        f"{found}; add labels, merge the class, or pass rare='train' to keep it in training only."
    )
