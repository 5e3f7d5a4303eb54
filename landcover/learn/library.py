"""Samples of other years and regions beside those of a run: a spectral library.

They train and are never held out: the accuracy of a run is about its own place and year. Nor do
they train where the run's own samples are held out: what stands at the same place in another year
would give the answer away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from landcover.errors import InputError
from landcover.learn.folds import beside

NEAR_M = 100.0
"""Distance from a held-out sample within which a library does not train, metres: nine pixels of
10 m around either point, and some error of position."""
LARGEST_REFLECTANCE = 3.0
"""Median reflectance that no band has; stored integers are in the thousands."""
PROVENANCE = ("library", "sample_set", "year", "simulated")
"""Columns that say where a row comes from; ``library`` is empty for the run's own."""


class Joined(NamedTuple):
    """A run's samples with a library behind them."""

    table: pd.DataFrame
    """Own rows first, with ``is_train``."""
    n_held_out: int
    """Library rows left out, as their group or place is held out here."""
    n_twice: int
    """Library rows left out, as the run has the same pixel of the same year."""


def require_features(
    library: pd.DataFrame, names: Sequence[str], bands: Sequence[str], remedy: str = ""
) -> None:
    """Refuse a library that lacks features or holds them in other units.

    Args:
        library: Rows with ``library`` and features by name.
        names: Features of the run.
        bands: Those among them that are reflectances.
        remedy: A sentence about what to do.

    Raises:
        InputError: A feature is missing in a file, or a band is no reflectance.
    """
    for file, rows in library.groupby("library", sort=False):
        absent = [n for n in names if n not in rows.columns or rows[n].isna().all()]
        if absent:
            more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
            raise InputError(
                f"{file}: the samples lack {len(absent)} of the run's {len(names)} features: "
                f"{', '.join(absent[:5])}{more}.{remedy}"
            )
        for band in bands:
            median = float(np.nanmedian(rows[band]))
            if not 0 <= median <= LARGEST_REFLECTANCE:
                raise InputError(
                    f"{file}: {band} has a median of {median:g}; expected reflectance of 0 to 1, "
                    "not stored integers or normalised numbers."
                )


def join_library(own: pd.DataFrame, library: pd.DataFrame) -> Joined:
    """Put the rows of a library behind those of a run.

    Args:
        own: Rows with ``is_train``, ``group``, ``lon``, ``lat``, ``tile``, ``row``, ``column`` and
            the columns of :data:`PROVENANCE`.
        library: Rows with the same columns but ``is_train``; a feature may be NaN nowhere.

    Returns:
        The table and what was left out.
    """
    pixel = ["tile", "row", "column", "year"]
    same = pd.MultiIndex.from_frame(library[pixel]).isin(pd.MultiIndex.from_frame(own[pixel]))
    held = own[~own["is_train"]]
    is_near = np.zeros(len(library), dtype=np.bool_)
    if len(held):
        places = pd.concat([held[["lon", "lat"]], library[["lon", "lat"]]], ignore_index=True)
        is_test = np.arange(len(places)) < len(held)
        is_near = beside(places["lon"], places["lat"], is_test, NEAR_M)[len(held) :]
    is_held = library["group"].isin(held["group"]).to_numpy() | is_near
    kept = library[~is_held & ~same].assign(is_train=True)
    return Joined(
        table=pd.concat([own, kept], ignore_index=True)[list(own.columns)],
        n_held_out=int(is_held.sum()),
        n_twice=int((same & ~is_held).sum()),
    )
