"""Points that share a position: copies become one, contradictions are resolved or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from landcover.labels.features import numbered
from landcover.labels.ids import lattice, places, stable_id
from landcover.labels.points import DrawnPoints
from landcover.nouns.legend import Legend

Conflicts = Literal["drop", "first"]
_CODES = 256

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LabelFile:
    """A file as messages and tables name it."""

    name: str
    noun: str
    """What the numbers of its features count."""


@dataclass(frozen=True)
class ResolvedPoints:
    """Points, one per position, and what was left out."""

    points: pd.DataFrame
    """Columns of ``LabelTable.points``."""
    conflicts: pd.DataFrame
    """Points at a position of several classes: ``lon``, ``lat``, ``label``, ``source``,
    ``number`` (row or feature in its file), ``is_kept``; position by position."""
    dropped: dict[str, int]
    """Reason → points dropped."""
    warnings: tuple[str, ...]


def resolve_conflicts(
    drawn: DrawnPoints,
    origin: Ints,
    files: Sequence[LabelFile],
    legend: Legend,
    conflicts: Conflicts = "drop",
) -> ResolvedPoints:
    """Give points their ids and resolve conflicts of those that share a position (to 1e-7 degrees).

    Of points with one position and class the first is kept, and their groups become one. Where
    the classes differ, none of them can be believed and all are dropped; with ``first`` those of
    the file that was named first are kept, unless that file contradicts itself.

    Args:
        drawn: Points of all files, file after file.
        origin: Position among ``files`` of each point's file, (point,).
        files: The files in the order of their priority.
        legend: Names of the classes.
        conflicts: ``drop`` or ``first``.
    """
    x, y = lattice(drawn.lon, drawn.lat)
    place = np.unique(places(x, y), return_inverse=True)[1]
    is_conflict = _differs(place, drawn.code)
    is_contradicted = is_conflict.copy()
    if conflicts == "first" and is_conflict.any():
        leader = np.full(place.max() + 1, len(files))
        np.minimum.at(leader, place, origin)
        is_led = is_conflict & (origin == leader[place])
        is_contradicted[is_led] = _differs(place[is_led], drawn.code[is_led])
    shared = np.unique(place * _CODES + drawn.code, return_inverse=True)[1]
    is_copy = ~is_contradicted & _repeats(np.where(is_contradicted, -1, shared))
    keep = ~(is_contradicted | is_copy)
    second, n_second = _merge_second_codes(drawn.code2, shared, is_copy)
    group = _join_groups(drawn.group, shared) if is_copy.any() else drawn.group
    names = _names(legend)
    points = _table(drawn, keep, x, y, names, second, group, np.array([f.name for f in files]),
                    origin)  # fmt: skip
    listed = _listed(drawn, place, is_conflict, ~is_contradicted, names, files, origin)
    n_overruled = int((is_contradicted & _holds(place, keep)).sum())
    counts = {
        "duplicate": int(is_copy.sum()),
        "conflicting labels": int(is_contradicted.sum()) - n_overruled,
        "overruled by an earlier file": n_overruled,
        "conflicting second labels": n_second,
    }
    warnings = _warn(drawn, is_contradicted & ~_holds(place, keep), place, files, origin)
    return ResolvedPoints(points, listed, {k: n for k, n in counts.items() if n}, warnings)


def _differs(place: Ints, code: Ints) -> NDArray[np.bool_]:
    """Tell for each point whether its place has several codes."""
    if not len(place):
        return np.zeros(0, dtype=np.bool_)
    most, least = np.zeros(place.max() + 1, np.int64), np.full(place.max() + 1, 1 << 30)
    np.maximum.at(most, place, code)
    np.minimum.at(least, place, code)
    return np.asarray((most != least)[place], dtype=np.bool_)


def _repeats(number: Ints) -> NDArray[np.bool_]:
    """Tell for each point whether its number stood before."""
    return pd.Series(number).duplicated().to_numpy()


def _holds(place: Ints, keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell for each point whether a point is kept at its place."""
    held = np.zeros(place.max() + 1 if len(place) else 0, dtype=np.bool_)
    held[place[keep]] = True
    return np.asarray(held[place], dtype=np.bool_)


def _merge_second_codes(code2: Ints, shared: Ints, is_copy: NDArray[np.bool_]) -> tuple[Ints, int]:
    """Give copies of a point one second code: the only one there is, or none where they differ.

    Returns:
        Second code of each point, and the number of positions where they differ.
    """
    if not is_copy.any():
        return code2, 0
    most, least = np.zeros(shared.max() + 1, np.int64), np.full(shared.max() + 1, 1 << 30)
    has = code2 > 0
    np.maximum.at(most, shared[has], code2[has])
    np.minimum.at(least, shared[has], code2[has])
    is_torn = (most != least) & (most > 0)
    return np.where(is_torn, 0, most)[shared], int(is_torn.sum())


def _names(legend: Legend) -> NDArray[np.object_]:
    """List class names by code."""
    names = np.full(_CODES, "", dtype=object)
    for entry in legend.classes:
        names[entry.code] = entry.name
    return names


def _table(
    drawn: DrawnPoints,
    keep: NDArray[np.bool_],
    x: Ints,
    y: Ints,
    names: NDArray[np.object_],
    second: Ints,
    group: NDArray[np.object_],
    sources: NDArray[np.str_],
    origin: Ints,
) -> pd.DataFrame:
    label = names[drawn.code[keep]]
    ids = [
        stable_id(f"{a}/{b}/{name}".encode())
        for a, b, name in zip(x[keep].tolist(), y[keep].tolist(), label, strict=True)
    ]
    point_id = pd.Series(ids, dtype="str")
    group = group[keep]
    has_group = (group != "") if len(group) else np.zeros(0, dtype=np.bool_)
    return pd.DataFrame(
        {
            "point_id": point_id,
            "lon": drawn.lon[keep],
            "lat": drawn.lat[keep],
            "code": drawn.code[keep],
            "label": pd.Series(label, dtype="str"),
            "group": point_id.mask(has_group, pd.Series(group, dtype="str")),
            "source": pd.Series(sources.astype(object)[origin[keep]], dtype="str"),
            "neighbourhood": drawn.neighbourhood[keep],
            "code2": second[keep],
        }
    )


def _listed(
    drawn: DrawnPoints,
    place: Ints,
    is_conflict: NDArray[np.bool_],
    is_believed: NDArray[np.bool_],
    names: NDArray[np.object_],
    files: Sequence[LabelFile],
    origin: Ints,
) -> pd.DataFrame:
    found = np.flatnonzero(is_conflict)
    found = found[np.argsort(place[found], kind="stable")]
    columns: dict[str, Any] = {
        "lon": drawn.lon[found],
        "lat": drawn.lat[found],
        "label": names[drawn.code[found]],
        "source": [files[index].name for index in origin[found]],
        "number": drawn.number[found],
        "is_kept": is_believed[found],
    }
    return pd.DataFrame(columns)


def _warn(
    drawn: DrawnPoints,
    is_lost: NDArray[np.bool_],
    place: Ints,
    files: Sequence[LabelFile],
    origin: Ints,
) -> tuple[str, ...]:
    if not is_lost.any():
        return ()
    n = len(np.unique(place[is_lost]))
    said = f"{n} position{'s' if n > 1 else ''} with different labels dropped"
    where = []
    for index in np.unique(origin[is_lost]).tolist():
        rows = np.unique(drawn.number[is_lost & (origin == index)])
        where.append((files[index].name, numbered(files[index].noun, rows)))
    if len(files) == 1:
        return (f"{files[0].name}: {said} ({where[0][1]}).",)
    return (f"{said}: " + "; ".join(f"{name} ({rows})" for name, rows in where) + ".",)


def _join_groups(group: NDArray[np.object_], shared: Ints) -> NDArray[np.object_]:
    """Join groups that hold copies of one point, under the smallest of their ids.

    Args:
        group: Group id, ``""`` for a point of its own, (point,).
        shared: Equal numbers mark copies of one point, (point,).
    """
    named = group != ""
    if not named.any():
        return group
    names, number = np.unique(group[named].astype(str), return_inverse=True)
    # Points and groups are the nodes of one graph; its parts are the joined groups.
    n_shared = int(shared.max()) + 1
    n = n_shared + len(names)
    links = coo_array((np.ones(len(number)), (shared[named], number + n_shared)), shape=(n, n))
    part = connected_components(links, directed=False)[1]
    smallest = {
        int(p): str(name) for p, name in zip(part[n_shared:][::-1], names[::-1], strict=True)
    }
    return np.array([smallest.get(p, "") for p in part[shared].tolist()], dtype=object)
