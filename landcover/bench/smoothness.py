"""Masks without labels: how smooth in time is what each mask calls clear, beside what it keeps.

`landcover bench smoothness` with ``LANDCOVER_DATA`` set: the 118 dates of the Flanders patch. What
is compared is B8A, a band that no mask reads. Each date is held against the same neighbours for
all masks: the nearest dates before and after that every mask calls clear at the pixel.
``--pictures FOLDER`` draws departure over the share kept.

Method: docs/methods/masks.md#without-labels.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.bench.tables import Cost, Progress, Report, Request, Row
from landcover.errors import InputError

if TYPE_CHECKING:
    from landcover.stores.rasters.netcdf import ImageSeries

FOLDER = "worldcereal-flanders/00002806639B424A"
FARTHEST_DAYS = 30
THRESHOLDS = {
    "ours": (200, 300, 400, 600, 800), "B02 below": (400, 600, 800, 1000, 1400),
}  # fmt: skip
"""Thresholds swept, reflectance × 10,000: of the deviation of ours, and a plain limit on blue."""
GROWN = ("SCL", "deck", "ours, 400")
GROWTHS_M = (60.0, 120.0, 240.0, 600.0)
"""Masks that are grown as well, and the sides of the filter, m."""
N_RESAMPLES = 1000
DROPPED_TO = (0.95, 0.9, 0.8, 0.7)
"""Shares to which SCL's clear pixels are dropped at random: what keeping fewer does by itself."""
VEGETATION, BARE, SNOW = 4, 5, 11
"""SCL codes of ground whose changes a mask may take for cloud."""
Bools = NDArray[np.bool_]


class Series(NamedTuple):
    """The patch on its 20 m grid, (time, y, x)."""

    days: NDArray[np.int64]
    quarters: NDArray[np.int64]
    blue: NDArray[np.int16]
    infrared: NDArray[np.int16]
    shortwave: NDArray[np.int16]
    judge: NDArray[np.float32]
    """B8A, reflectance × 10,000, NaN where not seen."""
    scl: NDArray[np.uint8]
    visible: NDArray[np.float32] | None = None
    """B02, B03, B04 and B08 as reflectance, (time, band, y, x), for the learned mask; else None."""


def disk_gb(request: Request) -> float:
    """Nothing is written."""
    del request
    return 0.0


def measure(request: Request, progress: Progress) -> Report:
    """Measure the smoothness of what each mask calls clear."""
    data = os.environ.get("LANDCOVER_DATA", "")
    folder = Path(data) / FOLDER
    if not data or not folder.is_dir():
        raise InputError(
            "bench smoothness: LANDCOVER_DATA must name a folder with worldcereal-flanders."
        )
    series = read_series(folder)
    progress(0.2, "masks")
    masks = all_masks(series, request.seed)
    departure = departures(series, masks)
    masks |= grown_masks(masks, (series.blue > -32768) & np.isfinite(series.judge))
    progress(0.7, "resampling dates")
    seen = np.isfinite(departure)
    ground = {name: seen & where for name, where in ground_changes(series).items()}
    rows = []
    for name, is_clear in masks.items():
        result = _figures(departure, seen, is_clear, masks["SCL"])
        result["called_cloud_percent"] = {
            kind: round(100 * float((where & ~is_clear).sum() / max(1, where.sum())), 1)
            for kind, where in ground.items()
        }
        rows.append(Row("118 dates", name, Cost(0, 0, 0), repeats=1, result=result))
    facts = {"dates": len(series.days), "pixel_dates": int(seen.sum())}
    facts |= {f"{kind}_pixel_dates": int(where.sum()) for kind, where in ground.items()}
    notes = _table(rows)
    if request.pictures is not None:
        notes.append(f"Departure over the share kept: {_draw(rows, request.pictures)}")
    return Report("smoothness", facts, rows, notes)


def ground_changes(series: Series) -> dict[str, Bools]:
    """Say where the ground is what masks take for cloud, by SCL: name → bool, (time, y, x).

    ``harvest`` is bare ground whose last date of vegetation or bare ground before was vegetation,
    and whose next one is bare again.
    """
    scl = series.scl
    is_ground = np.isin(scl, (VEGETATION, BARE))
    before = np.zeros(scl.shape, np.uint8)
    after = np.zeros(scl.shape, np.uint8)
    for t in range(1, len(scl)):
        before[t] = np.where(is_ground[t - 1], scl[t - 1], before[t - 1])
    for t in range(len(scl) - 2, -1, -1):
        after[t] = np.where(is_ground[t + 1], scl[t + 1], after[t + 1])
    bare = scl == BARE
    return {
        "bare": bare,
        "harvest": bare & (before == VEGETATION) & (after == BARE),
        "snow": scl == SNOW,
    }


def read_series(folder: Path) -> Series:
    """Read the patch: bands of 10 m averaged to 20 m."""
    from landcover.raster.cloud_sign import average_of
    from landcover.stores.rasters.netcdf import read_netcdf

    fine, coarse = (
        read_netcdf(next(iter(sorted(folder.glob(f"S2_L2A_{size}m_*.nc"))))) for size in (10, 20)
    )
    blue, infrared = (_numbers(fine, band) for band in ("B02", "B08"))
    green, red = (_numbers(fine, band) for band in ("B03", "B04"))
    shortwave, judge = (_numbers(coarse, band) for band in ("B11", "B8A"))
    scl = np.stack([coarse.read("SCL", n)[0] for n in range(len(coarse.times))]).astype(np.uint8)
    times = coarse.times.astype("datetime64[D]")
    months = times.astype("datetime64[M]").astype(np.int64)
    averaged = [
        np.stack([average_of(one, 2) for one in band]) for band in (blue, infrared, green, red)
    ]
    visible = np.stack([averaged[place] for place in (0, 2, 3, 1)], axis=1)
    return Series(
        times.astype(np.int64),
        months // 3,
        averaged[0],
        averaged[1],
        shortwave,
        np.where(judge < -32767, np.nan, judge).astype(np.float32),
        scl,
        np.where(visible == -32768, np.nan, visible / 10_000).astype(np.float32),
    )


def _numbers(series: ImageSeries, band: str) -> NDArray[np.int16]:
    images = [series.read(band, number)[0] for number in range(len(series.times))]
    values = np.stack(images).astype(np.int64)
    return np.where((values <= 0) | (values > 32767), -32768, values).astype(np.int16)


def all_masks(series: Series, seed: int = 0) -> dict[str, Bools]:
    """Say what each mask calls clear, bool, (time, y, x), name → mask."""
    from landcover.raster import cloud_sign
    from landcover.raster.cloud_shadow import ShadowGround, find_shadows
    from landcover.raster.refine_masks import refine_masks
    from landcover.raster.refinement import background_window, kinds_of
    from landcover.raster.refinement_kernel import NONE

    s = series
    cloud, shadow, snow, water = (
        np.isin(s.scl, codes) for codes in ((8, 9, 10), (3,), (11,), (6,))
    )
    seen = (s.blue > -32768) & np.isfinite(s.judge) & ~np.isin(s.scl, (0, 1))
    found = {"SCL": seen & ~cloud & ~shadow & ~snow}
    deck = np.zeros_like(seen)
    ours = {threshold: np.zeros_like(seen) for threshold in THRESHOLDS["ours"]}
    usual = cloud_sign.LEAST_DEVIATION
    for quarter in np.unique(s.quarters):
        own = s.quarters == quarter
        clouds, shadows, _ = refine_masks(
            s.blue[own], s.infrared[own], s.shortwave[own], cloud[own], shadow[own],
            is_water=water[own],
        )  # fmt: skip
        deck[own] = ~clouds & ~shadows
        twice = background_window(s.blue[own], kinds_of(cloud[own], shadow[own]))
        for t in np.flatnonzero(own):
            index = s.infrared[t].astype(np.int32) + s.shortwave[t]
            index[(s.infrared[t] == -32768) | (s.shortwave[t] == -32768)] = NONE
            for threshold in ours:
                cloud_sign.LEAST_DEVIATION = float(threshold)
                is_cloud = cloud_sign.find_clouds(
                    s.blue[t], twice, s.shortwave[t], cloud[t], snow[t]
                )
                ground = ShadowGround(index, s.blue[t], twice, is_cloud, water[t], 20.0)
                ours[threshold][t] = ~is_cloud & ~find_shadows(ground, None, None)[0]
    cloud_sign.LEAST_DEVIATION = usual
    found["deck"] = seen & deck & ~snow
    learned = _learned(series)
    if learned is not None:
        found["ukis"] = seen & learned & ~snow
    for threshold, clear in ours.items():
        found[f"ours, {threshold}"] = seen & clear & ~snow
    for threshold in THRESHOLDS["B02 below"]:
        found[f"B02 below {threshold}"] = seen & (s.blue < threshold)
    random = np.random.default_rng(seed)
    share = found["deck"].sum() / found["SCL"].sum()
    found["SCL, dropped at random to the share of deck"] = found["SCL"] & (
        random.random(seen.shape) < min(1.0, share)
    )
    for share in DROPPED_TO:
        dropped = random.random(seen.shape) < share
        found[f"SCL, {share:.0%} at random"] = found["SCL"] & dropped
    return found


def grown_masks(masks: Mapping[str, Bools], seen: Bools) -> dict[str, Bools]:
    """Grow what masks hide by the filter of `mask.growth_m`: name and metres → what stays clear.

    The patch is 640 m wide: a filter of 600 m sees nearly all of it.
    """
    from landcover.raster.growth import expand_cloud_mask

    return {
        f"{name}, grown {metres:g} m": np.stack(
            [
                here & ~expand_cloud_mask(here & ~clear, 20.0, growth_m=metres)
                for clear, here in zip(masks[name], seen, strict=True)
            ]
        )
        for name in GROWN
        for metres in GROWTHS_M
    }


def _learned(series: Series) -> Bools | None:
    """Say what the learned mask calls clear; None where it is not installed."""
    from landcover.errors import UnavailableError
    from landcover.raster.learned_mask import learned_mask

    if series.visible is None:
        return None
    is_clear = np.zeros(series.scl.shape, np.bool_)
    try:
        for t, bands in enumerate(series.visible):
            cloud, shadow = learned_mask(bands)
            is_clear[t] = ~cloud & ~shadow
    except UnavailableError:
        return None
    return is_clear


def departures(series: Series, masks: Mapping[str, Bools]) -> NDArray[np.float32]:
    """Give |B8A − the line between its clear neighbours in time|, NaN without two of them.

    Neighbours are clear by SCL, deck and ours alike, so that all masks are held to the same line.
    """
    shared = masks["SCL"] & masks["deck"] & masks["ours, 400"]
    days, values = series.days, series.judge
    found = np.full(values.shape, np.nan, np.float32)
    for y, x in np.ndindex(values.shape[1:]):
        clear = np.flatnonzero(shared[:, y, x])
        for t in range(len(days)):
            place = np.searchsorted(days[clear], days[t])
            before = place - 1
            after = place + int(place < clear.size and days[clear[place]] == days[t])
            if before < 0 or after >= clear.size:
                continue
            a, b = clear[before], clear[after]
            if days[t] - days[a] > FARTHEST_DAYS or days[b] - days[t] > FARTHEST_DAYS:
                continue
            weight = (days[t] - days[a]) / (days[b] - days[a])
            line = (1 - weight) * values[a, y, x] + weight * values[b, y, x]
            found[t, y, x] = abs(values[t, y, x] - line)
    return found


def _figures(
    departure: NDArray[np.float32], seen: Bools, is_clear: Bools, scl: Bools
) -> dict[str, Any]:
    """Give the mean departure of what is called clear, its interval over dates, and the share.

    ``minus_scl`` is the interval of the difference from SCL's, over the same dates.
    """
    kept = seen & is_clear
    sums, counts = _by_date(departure, kept)
    random = np.random.default_rng(0)
    picks = random.integers(0, len(sums), (N_RESAMPLES, len(sums)))
    means = sums[picks].sum(axis=1) / np.maximum(1, counts[picks].sum(axis=1))
    low, high = np.percentile(means, (2.5, 97.5))
    other, others = _by_date(departure, seen & scl)
    gaps = means - other[picks].sum(axis=1) / np.maximum(1, others[picks].sum(axis=1))
    below, above = np.percentile(gaps, (2.5, 97.5))
    return {
        "kept_percent": round(100 * float(counts.sum() / seen.sum()), 1),
        "departure": round(float(sums.sum() / max(1, counts.sum())), 1),
        "interval": [round(float(low), 1), round(float(high), 1)],
        "minus_scl": [round(float(below), 1), round(float(above), 1)],
    }


def _by_date(departure: NDArray[np.float32], kept: Bools) -> tuple[NDArray[Any], NDArray[Any]]:
    return (
        np.where(kept, departure, 0).sum(axis=(1, 2), dtype=float),
        kept.sum(axis=(1, 2)),
    )


def _draw(rows: list[Row], folder: Path) -> Path:
    """Draw departure over the share kept, and how much changing ground each mask calls cloud."""
    from landcover.publish.smoothness_plot import SmoothPoint, draw_smoothness

    points = [
        SmoothPoint(
            row.engine, row.result["kept_percent"], row.result["departure"],
            tuple(row.result["interval"]), row.result["called_cloud_percent"],
        )
        for row in rows
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "smoothness.png"
    draw_smoothness(points, path, "Masks without labels: Flanders, 118 dates, B8A")
    return path


def _table(rows: list[Row]) -> list[str]:
    lines = ["B8A x 10,000 against the line between clear neighbours; 95 % over dates."]
    for row in rows:
        f = row.result
        lines.append(
            f"{row.engine:46} kept {f['kept_percent']:5.1f} %   departure {f['departure']:6.1f} "
            f"({f['interval'][0]:.1f} - {f['interval'][1]:.1f}), less SCL's "
            f"{f['minus_scl'][0]:+.1f} to {f['minus_scl'][1]:+.1f}; called cloud: "
            + ", ".join(f"{kind} {share} %" for kind, share in f["called_cloud_percent"].items())
        )
    return lines
