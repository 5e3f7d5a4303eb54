"""Which points say how sure the class areas of a map are: independent ones, or held-out ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.ledger import outputs
from landcover.nouns.accuracy import AccuracyReport
from landcover.nouns.validation import Validation
from landcover.parts.mapping.map_lookup import MapFile, codes_at
from landcover.stores.layout import VALIDATION
from landcover.stores.workspace import Workspace


class PointCounts(NamedTuple):
    """Points read on a map."""

    counts: NDArray[np.float64]
    """Points, (K, K), rows = map, columns = reference."""
    kind: str
    """What they are: ``independent`` or ``held-out``; empty where there are none."""
    notes: tuple[str, ...] = ()
    """What a reader must know, one sentence each."""

    @property
    def gives_intervals(self) -> bool:
        """Tell whether every class of the map has the two points that an interval needs."""
        return bool((self.counts.sum(axis=1) >= 2).all())


def basis_of(
    maps: Sequence[MapFile],
    codes: Sequence[int],
    table: pd.DataFrame | None,
    agreement: AccuracyReport | None,
) -> PointCounts:
    """Choose the points that intervals follow from.

    Independent points are taken where they give intervals: what was held out of training was
    chosen with it.

    Args:
        maps: The maps.
        codes: Their classes, ascending.
        table: Samples with ``is_train`` and, where it is known, the ``answer`` to each of a model
            that did not see its group; without it the map is read there, which may have learned
            from them. None where they are unknown.
        agreement: Independent points on these maps; None where there are none.
    """
    own = None if agreement is None else _independent(agreement, codes)
    if own is not None and (table is None or own.gives_intervals):
        return own
    notes: tuple[str, ...] = ()
    if own is not None:
        notes = (
            f"The {int(own.counts.sum())} independent points leave a class of the map with fewer "
            "than two, so the intervals are those of the held-out ones.",
        )
    if table is None:
        return PointCounts(np.zeros((len(codes), len(codes))), "")
    # One pixel of a point, its centre where there is one: nine are no nine samples.
    held = table[~table["is_train"]].assign(off=table["dx"].abs() + table["dy"].abs())
    held = held.sort_values(["point_id", "off"]).drop_duplicates("point_id")
    if "answer" in held.columns:
        mapped = held["answer"].to_numpy(np.uint8)
    else:
        mapped = codes_at(maps, held)
        notes = (*notes, "The map was read at held-out points; it may have learned from them.")
    return PointCounts(_matrix(mapped, held["code"].to_numpy(), codes), "held-out", notes)


def independent_of(workspace: Workspace, maps: Sequence[MapFile]) -> AccuracyReport | None:
    """Find the newest independent points that exactly these maps were judged by.

    Args:
        workspace: Stores of the project.
        maps: Maps of the workspace, named by their ids.

    Returns:
        Their agreement with the maps; None where no run has any.
    """
    wanted = {one.name for one in maps}
    where = {"wanted.stage": "validate", "wanted.unit": "validation"}
    for document in workspace.records.find(outputs.COLLECTION, where, sort=["-created"]):
        made = outputs.find(workspace, document["_id"])
        if made is None or not made.wanted.inputs.get("reference"):
            continue
        if wanted in [set(made.wanted.inputs.get(role, ())) for role in ("mosaics", "maps")]:
            with outputs.local(workspace, made, VALIDATION) as path:
                found = Validation.from_json(path.read_text(encoding="utf-8")).independent
            return None if found is None else found.agreement
    return None


def _independent(agreement: AccuracyReport, codes: Sequence[int]) -> PointCounts:
    counts = np.zeros((len(codes), len(codes)))
    place = {code: k for k, code in enumerate(codes)}
    for mapped, row in zip(agreement.codes, agreement.matrix, strict=True):
        for reference, n in zip(agreement.codes, row, strict=True):
            if mapped in place and reference in place:
                counts[place[mapped], place[reference]] += n
    n, how = agreement.n, agreement.design
    note = f"The intervals follow from {n} independent points on the map: {how}."
    return PointCounts(counts, "independent", (note,))


def _matrix(
    mapped: NDArray[np.uint8], reference: NDArray[np.integer], codes: Sequence[int]
) -> NDArray[np.float64]:
    """Count points, rows = map, columns = reference; those beyond the map's classes are left."""
    counts = np.zeros((len(codes), len(codes)))
    is_known = np.isin(mapped, codes) & np.isin(reference, codes)
    rows, columns = (np.searchsorted(codes, values[is_known]) for values in (mapped, reference))
    np.add.at(counts, (rows, columns), 1)
    return counts
