"""Gap filling of a year's months: time beside pandas, error on months that were hidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MONTHS = 12
GAPS = 0.3
"""Share of the numbers that are missing, where time is measured."""
RUN_LENGTHS = (1, 2, 3)
BLUE, CLOUD_TIMES = "B02", 2.0
"""A number is left out as residual cloud where its blue is so many times the pixel's median."""
NEXT_YEAR = 12
SEASONS = {"winter": (12, 1, 2), "spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11)}


def disk_gb(request: Request) -> float:
    """Say that nothing is written."""
    return 0.0


def measure(request: Request, progress: Progress) -> Report:
    """Measure one layer of twelve months, a third of it missing; one thread each.

    Where $LANDCOVER_DATA has the monthly composites of Belgium, the notes tell how far off filled
    months are; where it has the elevation of Zion, what restoring terrain shadow does on it.
    """
    side = request.pixels_or(1098)
    known = {"pixels": side, "seed": request.seed}
    cases = [Case(engine, f"{__name__}:filled", {**known, "engine": engine})
             for engine in ("ours", "pandas interpolate")]  # fmt: skip
    rows: list[Row] = side_by_side(
        f"12 months of a layer, {side} px", cases, request.repeats_or(3), progress
    )
    notes = ["Both fill linearly between the nearest months, and hold the first and last values."]
    notes += [*_notes_of_data(progress), *_notes_of_relief(progress)]
    return Report("restore", {"pixels": side, "threads": 1}, rows, notes)


def filled(pixels: int, seed: int, engine: str) -> Work:
    """Fill the gaps of a series."""
    import numpy as np
    import pandas as pd

    from landcover.raster.gap_filling import fill_gaps

    rng = np.random.default_rng(seed)
    months = rng.uniform(0, 1, (MONTHS, pixels, pixels)).astype(np.float32)
    months[rng.random(months.shape, np.float32) < GAPS] = np.nan

    def work() -> Any:
        if engine == "ours":
            values = fill_gaps(months)[0]
        else:
            frame = pd.DataFrame(months.reshape(MONTHS, -1))
            values = frame.interpolate(limit_direction="both").to_numpy()
        return lambda: np.round(values.reshape(MONTHS, -1)[:, ::997].astype(float), 5).tolist()

    return work


def _notes_of_relief(progress: Progress) -> list[str]:
    from landcover.settings import read_settings

    data = read_settings().data
    path = None if data is None else Path(data) / "dem" / "SRTM_Zion_3arcsec_epsg4326.tif"
    if path is None or not path.is_file():
        return ["Terrain shadow: set LANDCOVER_DATA to a folder with the elevation of Zion."]
    from landcover.bench.steep_shadow import errors_of_relief

    progress(0.95, "terrain shadow")
    return [f"Terrain shadow, {text}" for text in errors_of_relief(path)]


def _notes_of_data(progress: Progress) -> list[str]:
    from landcover.settings import read_settings

    data = read_settings().data
    found = sorted(Path(data).glob("worldcereal-belgium-monthly/*.nc")) if data else []
    if not found:
        return ["Error on hidden months: set LANDCOVER_DATA to a folder with Belgium's months."]
    progress(0.9, "hidden months")
    return [f"{title}: {text}." for title, text in errors_of_file(found[0]).items()]


def errors_of_file(path: Path) -> dict[str, str]:
    """Hide months of a netCDF file of monthly composites and tell how far off each filling is.

    Args:
        path: A file that :func:`landcover.stores.rasters.netcdf.read_netcdf` reads.

    Returns:
        Case → mean absolute errors in reflectance × 10,000, and shares that were filled.
    """
    import numpy as np

    from landcover.products.flat_bands import layer_named
    from landcover.products.flat_checks import is_number
    from landcover.products.flat_description import FlatDescription
    from landcover.stores.rasters.netcdf import read_netcdf

    series = read_netcdf(path)
    bands = {}
    for image in series.images:
        layer = layer_named(image, FlatDescription())
        if layer is not None and layer.startswith("B"):
            read = [series.read(image, n) for n in range(len(series.times))]
            bands[layer] = np.stack(
                [np.where(is_number(p, nodata), p, np.nan) for p, nodata in read]
            )
    blue = bands[BLUE]
    # Residual cloud would be judged as truth, so it is neither hidden nor filled from.
    is_cloud = blue > CLOUD_TIMES * np.nanmedian(blue, axis=0)
    values = np.stack([np.where(is_cloud, np.nan, band) for band in bands.values()], axis=1)
    months = series.times.astype("datetime64[M]").astype(int) % 12 + 1
    gaps = real_gaps(np.isnan(values[:, 0]), months)
    return {**hidden_errors(values, months), **gap_errors(values, months, gaps)}


def real_gaps(is_missing: NDArray[np.bool_], months: NDArray[np.int64]) -> Counter[tuple[int, int]]:
    """Count the gaps that occur: (month of the first one, length in months) → pixels.

    Args:
        is_missing: True where a month has nothing, or residual cloud, bool, (time, y, x).
        months: Month of the year of each time, 1-12.
    """
    import numpy as np

    found: Counter[tuple[int, int]] = Counter()
    length = np.zeros(is_missing.shape[1:], int)
    for t in range(len(is_missing) + 1):
        goes_on = is_missing[t] if t < len(is_missing) else np.zeros_like(is_missing[0])
        ended = length[~goes_on]
        for n, count in zip(*np.unique(ended[ended > 0], return_counts=True), strict=True):
            found[int(months[t - n]), int(n)] += int(count)
        length = np.where(goes_on, length + 1, 0)
    return found


def gap_errors(
    values: NDArray[np.float64], months: NDArray[np.int64], gaps: Mapping[tuple[int, int], int]
) -> dict[str, str]:
    """Hide runs of months as gaps lie, each as often as its kind occurs, fill and compare.

    Args:
        values: (time, band, y, x), NaN where there is nothing to judge by.
        months: Month of the year of each time, 1-12.
        gaps: As of :func:`real_gaps`; those longer than three months are not hidden.

    Returns:
        One case: errors, each run weighted by how often such gaps occur.
    """
    errors: list[list[NDArray[np.float64]]] = []
    weights: list[float] = []
    hidden = 0
    for (month, length), count in sorted(gaps.items()):
        firsts = [t for t in range(1, len(values) - length) if months[t] == month]
        if length not in RUN_LENGTHS or not firsts:
            continue
        hidden += count
        for first in firsts:
            for _, one in _errors_of_run(values, first, length):
                errors.append(one)
                weights.append(count / len(firsts))
    if not errors:
        return {}
    share = 100 * hidden / sum(gaps.values())
    return {f"As real gaps lie ({share:.0f} % of their kinds)": _told(errors, weights)}


def hidden_errors(values: NDArray[np.float64], months: NDArray[np.int64]) -> dict[str, str]:
    """Hide runs of months one after the other, fill them, and compare.

    Args:
        values: (time, band, y, x), NaN where there is nothing to judge by.
        months: Month of the year of each time, 1-12.

    Returns:
        Case → errors of each way to fill, all on the same hidden numbers.
    """
    found: dict[str, str] = {}
    by_season: dict[str, list[list[NDArray[np.float64]]]] = {season: [] for season in SEASONS}
    for length in RUN_LENGTHS:
        errors: list[list[NDArray[np.float64]]] = []
        for first in range(1, len(values) - length):
            for month, one in _errors_of_run(values, first, length):
                errors.append(one)
                if length == 1:
                    season = next(s for s, of in SEASONS.items() if months[month] in of)
                    by_season[season].append(one)
        found[f"Runs of {length}"] = _told(errors)
    found |= {f"One month of {season}": _told(one) for season, one in by_season.items() if one}
    return found


def _errors_of_run(
    values: NDArray[np.float64], first: int, length: int
) -> Iterator[tuple[int, list[NDArray[np.float64]]]]:
    """Hide a run of months; give each with the errors of every way to fill it."""
    import numpy as np

    from landcover.raster.gap_filling import fill_gaps

    seen = values.copy()
    seen[first : first + length] = np.nan
    near = slice(max(0, first - NEXT_YEAR), first + length + NEXT_YEAR)
    place = first - near.start
    ours = fill_gaps(seen[near])[0][place:]
    deck = fill_gaps(seen[near], max_reach=1)[0][place:]
    mean = _mean(seen[near])
    for step in range(length):
        month = first + step
        other = month + NEXT_YEAR if month + NEXT_YEAR < len(values) else month - NEXT_YEAR
        next_year = values[other] if 0 <= other < len(values) else np.full_like(mean, np.nan)
        ways = (ours[step], deck[step], mean, next_year)
        yield month, [np.abs(way - values[month]).ravel() for way in ways]


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the mean along time of what is known, NaN where nothing is."""
    import numpy as np

    is_known = ~np.isnan(values)
    total = np.where(is_known, values, 0).sum(axis=0)
    return np.where(is_known.any(axis=0), total / np.maximum(1, is_known.sum(axis=0)), np.nan)


def _told(errors: list[list[NDArray[np.float64]]], weights: Sequence[float] = ()) -> str:
    import numpy as np

    ours, deck, mean, other = (np.concatenate(way) for way in zip(*errors, strict=True))
    each = np.repeat(weights or np.ones(len(errors)), [one[0].size for one in errors])
    judged = ~np.isnan(ours) & ~np.isnan(mean)
    of_deck, of_other = judged & ~np.isnan(deck), judged & ~np.isnan(other)
    told = [
        f"ours {_error(ours, judged, each)}",
        f"deck {_error(deck, of_deck, each)} on "
        f"{100 * each[of_deck].sum() / max(1e-9, each[judged].sum()):.0f} % "
        f"(ours there {_error(ours, of_deck, each)})",
        f"mean of the year {_error(mean, judged, each)}",
        f"same month of the other year {_error(other, of_other, each)} "
        f"(ours there {_error(ours, of_other, each)})",
    ]
    return f"{', '.join(told)}; {judged.sum():,} numbers"


def _error(
    errors: NDArray[np.float64], chosen: NDArray[np.bool_], weights: NDArray[np.float64]
) -> str:
    """Give the weighted mean of some errors, – where there are none."""
    import numpy as np

    if not chosen.any():
        return "–"
    return f"{np.average(errors[chosen], weights=weights[chosen]):.0f}"
