"""Our models beside a plain forest and boosted trees, on real labelled spectra, in grouped splits.

Reads the folder ``spectral-library`` of the sample data, which ``LANDCOVER_DATA`` names. Every
engine gets the same splits; what is held out in five of them is judged together.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from landcover.bench.tables import Cost, Progress, Report, Request, Row
from landcover.errors import InputError
from landcover.nouns.classifiers import CLASSIFIERS, DEFAULT

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SEEDS = 5
PLAIN = "plain forest of 300"
TIMED_ROWS = 20_000
"""Rows that are answered to see what a pixel takes: a few hundred would time the call."""
RFE = 30
MONTHS = {3: "spring", 4: "spring", 5: "spring", 6: "summer", 7: "summer", 8: "summer",
          9: "autumn", 10: "autumn", 11: "autumn"}  # fmt: skip
BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12")
INDICES = ("CRI1", "EVI2", "MNDWI", "NDVI", "NDYI", "OSAVI", "RI")
"""Those of the paper whose bands the library has: neither B8A nor B09."""
CELL_DEGREES = 0.5
SLOVENIAN_BANDS = (
    "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12",
)  # fmt: skip
SQUARE_PX = 10
"""Side of a group, pixels of 10 m."""


Answers: TypeAlias = "Callable[[pd.DataFrame], NDArray[Any]]"
"""A fitted engine: rows with the features by name → class codes."""


class Samples(NamedTuple):
    """One real data set."""

    table: pd.DataFrame
    """Rows with ``code``, ``group`` and the features."""
    names: tuple[str, ...]
    """Features."""
    groups: str
    """What a group is."""


def disk_gb(request: Request) -> float:
    """Say what is written: nothing."""
    return 0.0


def library_folder(bench: str) -> Path:
    """Find the library of spectra among the sample data.

    Raises:
        InputError: It is absent.
    """
    folder = Path(os.environ.get("LANDCOVER_DATA", "")) / "spectral-library"
    if "LANDCOVER_DATA" not in os.environ or not folder.is_dir():
        raise InputError(f"bench {bench}: LANDCOVER_DATA must name a folder with spectral-library.")
    return folder


def measure(request: Request, progress: Progress) -> Report:
    """Fit every engine on every data set under five seeds.

    Raises:
        InputError: The sample data are absent.
    """
    folder = library_folder("models")
    threads = request.threads or 2
    rows: list[Row] = []
    notes: list[str] = []
    for number, (name, read) in enumerate(SETS.items()):
        known = read(folder)
        predictions = {}
        for place, engine in enumerate(ENGINES):
            progress((number + place / len(ENGINES)) / len(SETS), f"{name}, {engine}")
            row, predictions[engine] = evaluate(name, engine, known, request.seed, threads)
            rows.append(row)
        notes += _notes(name, known, rows[-len(ENGINES) :], predictions)
    return Report("models", {"seeds": SEEDS, "held out": "a fifth of the groups"}, rows, notes)


def seasons_of_the_library(folder: Path) -> Samples:
    """Read monthly spectra of 3,507 places as medians of three seasons, with indices and relief."""
    import pandas as pd

    from landcover.raster.indices import spectral_index

    spectra = pd.read_parquet(folder / "s2_l2a_monthly_spectra_labelled.parquet")
    spectra = spectra[spectra["season_clear"] & (spectra[list(BANDS)] > 0).all(axis=1)]
    season = spectra["month"].str[-2:].astype(int).map(MONTHS)
    medians = spectra.groupby(["sample_id", season])[list(BANDS)].median() / 10_000
    values = medians.unstack().dropna()
    columns: dict[str, Any] = {}
    for name in ("spring", "summer", "autumn"):
        bands = {band: values[band, name].to_numpy("float32") for band in BANDS}
        columns |= {f"{name}_{band}": found for band, found in bands.items()}
        columns |= {f"{name}_{index}": spectral_index(index, bands) for index in INDICES}
    places = spectra.groupby("sample_id").first().loc[values.index]
    columns |= {"dem": places["elevation"], "slope": places["slope"]}
    table = pd.DataFrame(columns, index=values.index)
    names = tuple(table.columns)
    cell = (places[["lat", "lon"]] // CELL_DEGREES).astype(int).astype(str)
    table["group"] = cell["lat"] + "/" + cell["lon"]
    table["code"] = _codes(places["cglops_from_lc"])
    table["place"] = table.index
    return _usable(table, names, "cell of half a degree")


def polygons_of_limburg(folder: Path) -> Samples:
    """Read the pixels of twelve polygons of six classes, one date."""
    import pandas as pd

    table = pd.read_csv(folder / "limburg_polygon_pixels_12band_dn_offset1000.csv")
    names = tuple(name for name in table.columns if name.startswith("B"))
    table[list(names)] = (table[list(names)] - 1000) / 10_000
    table = table.assign(group=table["polygon_id"].astype(str), code=_codes(table["cglops_code"]))
    return _usable(table, names, "polygon")


def fields_of_flanders(folder: Path) -> Samples:
    """Read annual features (optical, radar, relief) of fields of 41 places."""
    import pandas as pd

    table = pd.read_parquet(folder / "worldcereal_flanders2018_annual_features_1000.parquet")
    kinds = ("OPTICAL", "SAR", "DEM")
    names = tuple(name for name in table.columns if name.startswith(kinds))
    table = table.assign(group=table["location_id"].astype(str), code=table["OUTPUT"].astype(int))
    # 10 and 99 name no class of their own: any crop, and anything but a crop.
    return _usable(table[~table["code"].isin([10, 99])], names, "place")


def land_use_of_slovenia(folder: Path) -> Samples:
    """Read two clear dates (top of atmosphere) and relief of a square kilometre of land use."""
    import numpy as np
    import pandas as pd

    from landcover.nouns.grid import Window
    from landcover.stores.rasters import open_raster

    def read(name: str, band: int = 1) -> NDArray[Any]:
        # The pixels are not quite square, so these files have no grid of ours.
        with open_raster(data / name) as raster:
            return raster.read(Window(0, 0, *raster.info.shape), band=band)

    data = folder.parent / "eolearn-slovenia"
    codes = read("LULC_north60pct.tif")
    rows, columns = np.nonzero(codes)
    found: dict[str, Any] = {}
    for date in ("2015-07-11", "2015-08-30"):
        for number, band in enumerate(SLOVENIAN_BANDS, start=1):
            values = read(f"S2A_L1C_{date}_13bands_dn.tif", number)
            found[f"{date}_{band}"] = (values[rows, columns] / 10_000).astype(np.float32)
    found["dem"] = read("DEM.tif")[rows, columns]
    names = tuple(found)
    # Neighbouring pixels resemble: whole squares are held out.
    square = rows // SQUARE_PX * 1000 + columns // SQUARE_PX
    table = pd.DataFrame(found).assign(
        group=square.astype(str), code=codes[rows, columns].astype(int)
    )
    return _usable(table, names, "square of 100 m")


SETS: Mapping[str, Callable[[Path], Samples]] = {
    "library": seasons_of_the_library,
    "limburg": polygons_of_limburg,
    "flanders": fields_of_flanders,
    "slovenia": land_use_of_slovenia,
}


def _codes(values: pd.Series[Any]) -> pd.Series[Any]:
    """Write classes of Copernicus Global Land Cover as codes of a map, 0 where there is none."""
    return values.fillna(0).astype(int)


def _usable(table: pd.DataFrame, names: tuple[str, ...], groups: str) -> Samples:
    """Keep rows with a class, all features, and a class that can be held out."""
    table = table[(table["code"] > 0) & table[list(names)].notna().all(axis=1)]
    n_groups = table.groupby("code")["group"].nunique()
    kept = table[table["code"].isin(n_groups.index[n_groups > 1])].reset_index(drop=True)
    return Samples(kept, names, groups)


def plain_forest(rows: pd.DataFrame, names: tuple[str, ...], seed: int, threads: int) -> Answers:
    """Fit what a user would fit without us."""
    from sklearn.ensemble import (  # type: ignore[import-untyped, unused-ignore]
        RandomForestClassifier,
    )

    forest = RandomForestClassifier(300, n_jobs=threads, random_state=seed)
    return _fitted(forest, rows, names)


def _boosted(**changes: Any) -> Callable[..., Answers]:
    def fit(rows: pd.DataFrame, names: tuple[str, ...], seed: int, threads: int) -> Answers:
        from sklearn.ensemble import (  # type: ignore[import-untyped, unused-ignore]
            HistGradientBoostingClassifier,
        )
        from threadpoolctl import threadpool_limits

        # Its own early stopping judges by single rows, whose neighbours train.
        boosting = HistGradientBoostingClassifier(
            early_stopping=False, random_state=seed, **changes
        )
        limit = {"limits": threads, "user_api": "openmp"}
        with threadpool_limits(**limit):
            answers = _fitted(boosting, rows, names)

        def answer(held: pd.DataFrame) -> NDArray[Any]:
            with threadpool_limits(**limit):
                return answers(held)

        return answer

    return fit


def _fitted(estimator: Any, rows: pd.DataFrame, names: tuple[str, ...]) -> Answers:
    estimator.fit(rows[list(names)].to_numpy("float32"), rows["code"])
    return lambda held: estimator.predict(held[list(names)].to_numpy("float32"))


def _of_recipe(**changes: Any) -> Callable[..., Answers]:
    def fit(rows: pd.DataFrame, names: tuple[str, ...], seed: int, threads: int) -> Answers:
        from landcover.learn.fitting import fit_recipe
        from landcover.learn.selection import select_features
        from landcover.recipe import ModelRecipe

        recipe = ModelRecipe.model_validate(changes)
        if recipe.n_features is not None and recipe.n_features < len(names):
            codes, groups = rows["code"].to_numpy(), rows["group"].to_numpy()
            names = select_features(
                rows, codes, groups, feature_names=names, n_features=recipe.n_features,
                step=STEP, max_rows=MOST_RANKED, seed=seed,
            ).kept  # fmt: skip
        model = fit_recipe(recipe, rows, names, seed=seed, threads=threads)
        return lambda held: model.predict(held)[0]

    return fit


def scaled(kind: str) -> dict[str, Any]:
    """Give the model section of a kind: support vectors need features of one scale."""
    return {"kind": kind, **({"scaling": {}} if kind.startswith("svm") else {})}


MOST_RANKED = 1000
"""Rows that features are ranked on: enough for an order, and minutes instead of an hour."""
STEP = 5
"""Features that are eliminated at a time, for the same reason."""
ENGINES: Mapping[str, Callable[..., Answers]] = {
    "ours, as shipped": _of_recipe(),
    "ours, 30 features": _of_recipe(n_features=RFE),
    **{
        f"ours, {row.title}": _of_recipe(**scaled(row.name))
        for row in CLASSIFIERS.values()
        if row.name != DEFAULT
    },
    "ours, balanced classes": _of_recipe(class_weight="balanced"),
    "ours, balanced, prior 0.25": _of_recipe(class_weight="balanced", prior_exponent=0.25),
    PLAIN: plain_forest,
    "boosting, defaults": _boosted(),
    "boosting, slow": _boosted(learning_rate=0.05, max_iter=200, max_features=0.3),
    "boosting, balanced classes": _boosted(class_weight="balanced"),
}


class Predictions(NamedTuple):
    """What an engine answered, all seeds together."""

    answers: NDArray[np.int64]
    codes: NDArray[np.int64]
    groups: NDArray[np.str_]


def evaluate(
    name: str, engine: str, known: Samples, seed: int, threads: int
) -> tuple[Row, Predictions]:
    """Fit an engine under five seeds, and gather what it answers to the rows held out."""
    import numpy as np

    from landcover.learn.accuracy import accuracy
    from landcover.learn.sampling import split_by_group

    table, parts, scores, fits = known.table, [], [], []
    wall, cpu = time.perf_counter(), time.process_time()
    for one in range(seed, seed + SEEDS):
        split = split_by_group(table["code"], table["group"], seed=one, rare="train")
        held = table[~split.is_train]
        begin = time.process_time()
        answer = ENGINES[engine](table[split.is_train], known.names, one, threads)
        fits.append(time.process_time() - begin)
        answers = answer(held)
        codes = held["code"].to_numpy("int64")
        report = accuracy(answers, codes)
        scores.append((report.overall, report.macro_f1, report.majority_baseline))
        parts.append((answers.astype(np.int64), codes, held["group"].to_numpy().astype(np.str_)))
    overall, macro, baseline = (np.array(values) for values in zip(*scores, strict=True))
    cost = Cost(time.perf_counter() - wall, time.process_time() - cpu, 0.0)
    result = {
        "overall": _range(overall), "macro_f1": _range(macro), "majority": _range(baseline),
        "macro_f1_by_seed": [round(float(one), 4) for one in macro],
        "held_out_rows": sum(len(part[0]) for part in parts),
        "fit_cpu_s": round(float(np.mean(fits)), 3),
        "answer_cpu_us": round(_microseconds(answer, held), 2),
    }  # fmt: skip
    predictions = Predictions(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return Row(name, engine, cost, repeats=SEEDS, result=result), predictions


def _microseconds(answer: Answers, held: pd.DataFrame) -> float:
    """Time the answers to many rows, CPU microseconds a row."""
    import numpy as np

    rows = held.iloc[np.resize(np.arange(len(held)), TIMED_ROWS)].reset_index(drop=True)
    begin = time.process_time()
    answer(rows)
    return 1e6 * (time.process_time() - begin) / TIMED_ROWS


def _range(values: NDArray[np.float64]) -> dict[str, float]:
    found = {"mean": values.mean(), "lowest": values.min(), "highest": values.max()}
    return {name: round(float(value), 4) for name, value in found.items()}


def _notes(
    name: str, known: Samples, rows: list[Row], predictions: Mapping[str, Predictions]
) -> list[str]:
    import numpy as np

    from landcover.learn.accuracy import range_over_groups
    from landcover.learn.comparison import compare

    table = known.table
    counts = ", ".join(f"{code} {n}" for code, n in table["code"].value_counts().items())
    notes = [
        f"{name}: {len(table)} rows, {len(known.names)} features, {table['group'].nunique()} "
        f"groups (each a {known.groups}); rows by class {counts}; the commonest class alone "
        f"{rows[0].result['majority']['mean']:.3f}."
    ]
    plain, by_engine = predictions[PLAIN], {row.engine: row for row in rows}
    for row in rows:
        mine = predictions[row.engine]
        right = mine.answers == mine.codes
        found = compare(plain.answers == plain.codes, right, mine.groups)
        overall, macro = row.result["overall"], row.result["macro_f1"]
        apart = np.subtract(
            row.result["macro_f1_by_seed"], by_engine[PLAIN].result["macro_f1_by_seed"]
        )
        gap = (
            f"; minus the plain forest: overall {interval(found.difference)}, macro F1 seed by "
            f"seed {apart.mean():+.3f} ({apart.min():+.3f} to {apart.max():+.3f})"
        )
        notes.append(
            f"{name}, {row.engine}: overall {overall['mean']:.3f} ({overall['lowest']:.3f} to "
            f"{overall['highest']:.3f}), over groups "
            f"{interval(range_over_groups(np.asarray(right), mine.groups), '.3f')}; macro F1 "
            f"{macro['mean']:.3f} ({macro['lowest']:.3f} to {macro['highest']:.3f})"
            f"{gap if row.engine != PLAIN else ''}; fit "
            f"{row.result['fit_cpu_s']:.2f} CPU s, answer {row.result['answer_cpu_us']:.1f} CPU "
            "microseconds a row."
        )
    return notes


def interval(span: tuple[float, float] | None, style: str = "+.3f") -> str:
    """Say an interval over groups, or that there is none."""
    if span is None:
        return "unknown (fewer than ten groups)"
    return f"{span[0]:{style}} to {span[1]:{style}}"
