"""The course of a year beside the medians of seasons, on real labelled spectra, in grouped splits.

Reads the folder ``spectral-library`` of the sample data, which ``LANDCOVER_DATA`` names. Both sets
of features have the same rows and the same splits.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.tables import Progress, Report, Request, Row

if TYPE_CHECKING:
    from landcover.bench.models import Predictions, Samples

ENGINES = ("ours, as shipped", "ours, balanced classes")
PERCENTILES = (10, 50, 90)
MONTHS = range(3, 12)
"""March to November: other months of the library have cloud and snow left in them."""
MID_MONTH = 15
"""Day of the month that a monthly spectrum is taken to be of."""


def disk_gb(request: Request) -> float:
    """Say what is written: nothing."""
    return 0.0


def measure(request: Request, progress: Progress) -> Report:
    """Fit our forest on the medians of three seasons, and on the course of the year beside them.

    Raises:
        InputError: The sample data are absent.
    """
    from landcover.bench.models import SEEDS, evaluate, library_folder, seasons_of_the_library

    folder = library_folder("course")
    plain = seasons_of_the_library(folder)
    sets = {"medians": plain, "medians and course": with_course(plain, folder)}
    rows: list[Row] = []
    notes = [
        f"{len(plain.table)} places in {plain.table['group'].nunique()} groups (each a "
        f"{plain.groups}); "
        + ", ".join(f"{name} {len(samples.names)} features" for name, samples in sets.items())
        + "."
    ]
    for number, engine in enumerate(ENGINES):
        predictions: list[Predictions] = []
        for place, (name, samples) in enumerate(sets.items()):
            progress((number + place / len(sets)) / len(ENGINES), f"{engine}, {name}")
            row, answers = evaluate(name, engine, samples, request.seed, request.threads or 2)
            rows.append(row)
            predictions.append(answers)
        notes.append(_note(engine, rows[-2], rows[-1], *predictions))
    return Report("course", {"seeds": SEEDS, "held out": "a fifth of the groups"}, rows, notes)


def with_course(plain: Samples, folder: Path) -> Samples:
    """Add what the clear months tell along time: metrics of NDVI, percentiles and spread.

    Args:
        plain: Samples of the library, with their ``place``.
        folder: Folder of the library.

    Returns:
        The same rows with 13 features more, of NDVI and NDMI.
    """
    from datetime import date

    import numpy as np
    import pandas as pd

    from landcover.bench.models import BANDS
    from landcover.raster.indices import spectral_index
    from landcover.raster.seasonality import METRICS, season_metrics
    from landcover.raster.statistics import series_statistics

    spectra = pd.read_parquet(folder / "s2_l2a_monthly_spectra_labelled.parquet")
    spectra = spectra[spectra["season_clear"] & (spectra[list(BANDS)] > 0).all(axis=1)]
    number = spectra["month"].str[-2:].astype(int)
    # Of a month that two years have, the earlier.
    months = spectra.assign(number=number).sort_values(["sample_id", "month"])
    months = months.drop_duplicates(["sample_id", "number"])
    bands = {band: months[band].to_numpy(np.float32) / np.float32(10_000) for band in BANDS}
    january = date(2021, 1, 1)
    days = np.array([(date(2021, month, MID_MONTH) - january).days for month in MONTHS])
    found: dict[str, Any] = {}
    for index in ("ndvi", "ndmi"):
        own = months.assign(value=spectral_index(index, bands))
        wide = own.pivot(index="sample_id", columns="number", values="value")
        wide = wide.reindex(index=plain.table["place"], columns=MONTHS)
        series = np.ascontiguousarray(wide.to_numpy(np.float32).T[:, np.newaxis])
        names = [*(f"p{percentile}" for percentile in PERCENTILES), "std"]
        values = [*series_statistics(series, PERCENTILES)]
        if index == "ndvi":
            names += METRICS
            values += [*season_metrics(series, days)]
        found |= {f"year_{index}_{n}": v[0] for n, v in zip(names, values, strict=True)}
    table = plain.table.assign(**found)
    return plain._replace(table=table, names=(*plain.names, *found))


def _note(engine: str, plain: Row, course: Row, before: Predictions, after: Predictions) -> str:
    import numpy as np

    from landcover.bench.models import interval
    from landcover.learn.comparison import compare

    found = compare(before.answers == before.codes, after.answers == after.codes, before.groups)
    apart = np.subtract(course.result["macro_f1_by_seed"], plain.result["macro_f1_by_seed"])
    means = [
        f"{what} {plain.result[key]['mean']:.3f} and {course.result[key]['mean']:.3f}"
        for what, key in (("overall", "overall"), ("macro F1", "macro_f1"))
    ]
    return (
        f"{engine}: {', '.join(means)} with the course; with minus without: overall over groups "
        f"{interval(found.difference)}, macro F1 seed by seed {apart.mean():+.3f} "
        f"({apart.min():+.3f} to {apart.max():+.3f})."
    )
