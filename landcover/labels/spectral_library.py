"""The published library of monthly Sentinel-2 spectra with in-situ labels, as seasonal features.

Columns of the file: ``sample_id``, ``source``, ``lat``, ``lon``, ``month`` (``2021-06``), ten
bands as reflectance × 10,000 with 0 for missing, ``elevation`` (m), ``slope`` (degrees),
``season_clear``, and the class in several legends. It comes from the test data of
WorldCereal/presto-worldcereal and WorldCereal/worldcereal-classification (MIT).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from landcover.errors import InputError
from landcover.recipe import LongSeason, Season

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
SCALE = 10_000
"""Reflectance = stored / 10,000."""
LABEL = "cglops_consensus"
"""Copernicus code where in-situ label and WorldCover agree; the strictest of the file's labels."""
CELL_DEGREES = 0.5
"""Side of a group: samples of one cell lie in one landscape and are kept together, as the
library's own split does."""


def is_spectra(table: pd.DataFrame) -> bool:
    """Tell whether a table is the library of monthly spectra."""
    return {"sample_id", "month", "season_clear", *BANDS} <= set(table.columns)


def read_spectra(
    table: pd.DataFrame, seasons: Sequence[Season | LongSeason], label: str | None, name: str
) -> pd.DataFrame:
    """Put monthly spectra into seasons: one row per sample.

    A season takes the clear spectrum of its primary month, the earliest year first, else that of
    its fallback month. A season of several months takes the median of its months' clear spectra,
    of each month that of the earliest year. Without any its bands are NaN. Months are those of
    the calendar on both hemispheres.

    Args:
        table: The library.
        seasons: Seasons of the recipe.
        label: Column of the label; :data:`LABEL` if None.
        name: Name of the file, for messages.

    Returns:
        ``latitude``, ``longitude`` (degrees), ``label`` (text), ``group`` (the cell), ``point_id``,
        ``source``, ``year`` (of the sample's first month), ``dem`` (m), ``slope`` (degrees), and
        the bands of each season, reflectance, float32, NaN where missing.

    Raises:
        InputError: There is no such label column, or no sample has a label.
    """
    field = label or LABEL
    if field not in table.columns:
        known = [c for c in table.columns if str(c).startswith(("cglops_", "lc_", "worldcover"))]
        raise InputError(
            f"{name}: the spectra have no column {field!r}; labels.field may be one of "
            f"{', '.join(known)}."
        )
    labelled = table[table[field].notna()].sort_values(["sample_id", "month"], ignore_index=True)
    if labelled.empty:
        raise InputError(f"{name}: no spectrum has a label in {field}.")
    first = labelled.drop_duplicates("sample_id").set_index("sample_id")
    found = pd.DataFrame(
        {
            "latitude": first["lat"],
            "longitude": first["lon"],
            "label": first[field],
            "group": _cells(first["lat"], first["lon"]),
            "point_id": first.index.astype("str"),
            "source": first["source"].astype("str"),
            "year": first["month"].str[:4].astype(np.int64),
            "dem": first["elevation"].astype(np.float32),
            "slope": first["slope"].astype(np.float32),
        },
        index=first.index,
    )
    for season in seasons:
        spectra = _of_season(labelled, season).reindex(first.index)
        found = found.join(spectra.rename(columns={b: f"{season.name}_{b}" for b in BANDS}))
    return found.reset_index(drop=True)


def _of_season(table: pd.DataFrame, season: Season | LongSeason) -> pd.DataFrame:
    """Give one spectrum per sample, by the index ``sample_id``."""
    month = table["month"].str[5:7].astype(np.int64)
    if isinstance(season, LongSeason):
        usable = table.assign(rank=month)[table["season_clear"] & month.map(season.has_month)]
        of_months = _earliest(usable, ["sample_id", "rank"])
        return of_months.groupby("sample_id").median().astype(np.float32)
    rank = month.map({season.primary_month: 0, season.fallback_month: 1})
    usable = table.assign(rank=rank)[table["season_clear"] & rank.notna()]
    return _earliest(usable, ["sample_id"])


def _earliest(table: pd.DataFrame, of: list[str]) -> pd.DataFrame:
    """Take the spectrum of the first rank and month, as reflectance, NaN where missing."""
    chosen = table.sort_values(["sample_id", "rank", "month"]).drop_duplicates(of)
    stored = chosen.set_index("sample_id")[list(BANDS)].astype(np.float32)
    return stored.where(stored > 0).div(SCALE)


def _cells(lat: pd.Series, lon: pd.Series) -> list[str]:
    corners = np.floor(np.column_stack([lat, lon]) / CELL_DEGREES) * CELL_DEGREES
    return [f"cell {south:.1f} {west:.1f}" for south, west in corners]
