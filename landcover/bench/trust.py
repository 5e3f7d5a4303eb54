"""Do trust layers find errors on real samples? Held out by rows, by groups and by regions.

Reads what ``models`` reads. Every row is answered by a model of the recipe's defaults that saw
neither its fold nor, for class sets, the fifth of the other groups that set the threshold. Next to
the dissimilarity index stands its plain rival, the model's own confidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landcover.bench.answers import COVERAGES, FOLDS, answer, auroc
from landcover.bench.tables import Cost, Progress, Report, Request, Row

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from landcover.bench.models import Samples

RESAMPLES = 1000
LEAST_UNITS = 10
"""Fewest units that an interval is made from."""
REGION_DEGREES = 10.0
PLACES_DEGREES = 0.5
BLOCK_SQUARES = 3
"""Side of a region of Slovenia, squares of 100 m."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What was found at n rows that their model had not seen; c coverages."""

    right: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    """Probability of the likeliest class."""
    index: NDArray[np.float64]
    """Dissimilarity index."""
    outside: NDArray[np.bool_]
    """Beyond the threshold of the area of applicability."""
    covered: NDArray[np.bool_]
    """The set as shipped holds the true class, (n, c)."""
    size: NDArray[np.int64]
    """Classes in that set, (n, c)."""
    bare: NDArray[np.bool_]
    """The same where sets may be empty."""
    smoothed: NDArray[np.bool_]
    """The same where ties and the steps of few groups are decided at random as well."""
    group: NDArray[np.str_]
    """What coverage is promised for: the group or, where rows are held out, the row."""
    unit: NDArray[np.str_]
    """What is resampled: the group or, where regions are held out, the region."""
    fold: NDArray[np.int64]


def disk_gb(request: Request) -> float:
    """Say what is written: nothing."""
    return 0.0


def measure(request: Request, progress: Progress) -> Report:
    """Hold out rows, groups and regions of every data set in turn.

    Raises:
        InputError: The sample data are absent.
    """
    from landcover.bench import unknowns
    from landcover.bench.models import SETS, library_folder

    folder = library_folder("trust")
    rows: list[Row] = []
    notes: list[str] = []
    for number, (name, read) in enumerate(SETS.items()):
        known = read(folder)
        splits = list(_splits(name, known.table, request.seed))
        for place, (split, fold, unit) in enumerate(splits):
            progress((number + place / len(splits)) / len(SETS), f"{name}, by {split}")
            wall, cpu = time.perf_counter(), time.process_time()
            found = evaluate(known, fold, unit, split, request.seed, request.threads or 2)
            cost = Cost(time.perf_counter() - wall, time.process_time() - cpu, 0.0)
            result = summary(found, request.seed)
            rows.append(Row(name, f"held out by {split}", cost, repeats=1, result=result))
            notes += ["", *told(f"{name}, held out by {split}", result)]
        by_group = next(fold for split, fold, _ in splits if split == "group")
        classes = unknowns.unknown_classes(known, by_group, request.seed, request.threads or 2)
        notes += ["", *unknowns.told(name, classes)]
    return Report("trust", {"resamples": RESAMPLES, "seed": request.seed}, rows, notes)


def _splits(
    name: str, table: pd.DataFrame, seed: int
) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.str_]]]:
    """Give each way to hold out: its name, the fold of each row, what is resampled."""
    import numpy as np

    rng = np.random.default_rng(seed)
    group = table["group"].to_numpy().astype(np.str_)
    yield "row", rng.permutation(len(table)) % FOLDS, group
    _, number = np.unique(group, return_inverse=True)
    yield "group", (rng.permutation(number.max() + 1) % FOLDS)[number], group
    if name in REGIONS:
        region = REGIONS[name](table).to_numpy().astype(np.str_)
        yield "region", np.unique(region, return_inverse=True)[1], region


def _cells_of_the_library(table: pd.DataFrame) -> pd.Series[Any]:
    from landcover.bench.models import CELL_DEGREES

    cell = table["group"].str.split("/", expand=True).astype(int)
    coarse = (cell * CELL_DEGREES // REGION_DEGREES).astype(int).astype(str)
    return coarse[0] + "/" + coarse[1]


def _cells_of_flanders(table: pd.DataFrame) -> pd.Series[Any]:
    # A place is in one cell, though its fields may lie on both sides of a meridian.
    centre = table.groupby("group")[["lat", "lon"]].transform("mean")
    cell = (centre // PLACES_DEGREES).astype(int).astype(str)
    return cell["lat"] + "/" + cell["lon"]


def _blocks_of_slovenia(table: pd.DataFrame) -> pd.Series[Any]:
    square = table["group"].astype(int)
    block = (square // 1000 // BLOCK_SQUARES).astype(str), (square % 1000 // BLOCK_SQUARES)
    return block[0] + "/" + block[1].astype(str)


REGIONS: Mapping[str, Callable[[pd.DataFrame], pd.Series[Any]]] = {
    "library": _cells_of_the_library,
    "flanders": _cells_of_flanders,
    "slovenia": _blocks_of_slovenia,
}
"""Regions of each set: cells of ten degrees, of half a degree, blocks of 300 m. Limburg has none:
eleven polygons side by side."""


def evaluate(
    known: Samples,
    fold: NDArray[np.int64],
    unit: NDArray[np.str_],
    split: str,
    seed: int,
    threads: int,
) -> Predictions:
    """Answer every row by a model and trust figures that did not see its fold."""
    import numpy as np

    table = known.table
    # Rows that are held out one by one are taken for independent of each other all the way.
    alone = np.arange(len(table)).astype(np.str_)
    group = alone if split == "row" else table["group"].to_numpy().astype(np.str_)
    table = table.assign(group=group)
    parts, places = [], []
    for one in np.unique(fold):
        is_test = fold == one
        parts.append(answer(known, table[~is_test], table[is_test], seed + int(one), threads))
        places.append(np.flatnonzero(is_test))
    order = np.argsort(np.concatenate(places))
    joined = {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
    return Predictions(**joined, group=group, unit=unit, fold=fold)


def _both(found: Predictions) -> NDArray[np.float64]:
    """Foretell errors from confidence and index together, learnt on the other folds."""
    import numpy as np
    from sklearn.linear_model import (  # type: ignore[import-untyped, unused-ignore]
        LogisticRegression,
    )
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped, unused-ignore]
    from sklearn.preprocessing import (  # type: ignore[import-untyped, unused-ignore]
        StandardScaler,
    )

    given = np.column_stack([found.confidence, np.log(found.index + 1e-3)])
    doubt = np.empty(len(given))
    for one in np.unique(found.fold):
        is_test = found.fold == one
        if len(np.unique(found.right[~is_test])) < 2:
            return np.asarray(1 - found.confidence)
        fit = make_pipeline(StandardScaler(), LogisticRegression())
        fit.fit(given[~is_test], ~found.right[~is_test])
        doubt[is_test] = fit.decision_function(given[is_test])
    return doubt


def summary(found: Predictions, seed: int = 0) -> dict[str, Any]:
    """Sum up: accuracy inside and outside, errors found, class sets; 95 % over resampled units."""
    import numpy as np

    doubts = {
        "confidence": 1 - found.confidence, "index": found.index, "both": _both(found),
    }  # fmt: skip
    n_outside = int(found.outside.sum())
    # As many rows as lie outside, the least confident ones: what the rival would set aside.
    least = np.zeros(found.right.size, np.bool_)
    least[np.argsort(found.confidence, kind="stable")[:n_outside]] = True
    decile = np.argsort(np.argsort(found.index, kind="stable")) * 10 // found.index.size
    _, unit = np.unique(found.unit, return_inverse=True)

    def figures(which: NDArray[np.intp]) -> dict[str, float]:
        right, outside = found.right[which], found.outside[which]
        areas = {f"auroc_{name}": auroc(~right, doubt[which]) for name, doubt in doubts.items()}
        inside, beyond = _mean(right[~outside]), _mean(right[outside])
        return {
            "accuracy": _mean(right),
            "inside": inside,
            "outside": beyond,
            "inside_minus_outside": inside - beyond,
            "errors_outside": _mean(outside[~right]),
            "errors_least_confident": _mean(least[which][~right]),
            **areas,
            "both_minus_confidence": areas["auroc_both"] - areas["auroc_confidence"],
        }

    whole = figures(np.arange(found.right.size))
    spans = _resampled(figures, unit, seed)
    _, group = np.unique(found.group, return_inverse=True)
    sizes = np.bincount(group)
    share = 1 / (sizes[group] * sizes.size)
    wide = np.bincount(unit)
    of_unit = 1 / (wide[unit] * wide.size)
    return {
        "rows": int(found.right.size),
        "errors": int((~found.right).sum()),
        "units": int(unit.max()) + 1,
        "units_outside": int(np.unique(unit[found.outside]).size),
        "share_outside": round(float(found.outside.mean()), 4),
        **{name: {"value": _round(value), **spans.get(name, {})} for name, value in whole.items()},
        "accuracy_by_decile": [_round(_mean(found.right[decile == d])) for d in range(10)],
        "confidence_by_decile": [_round(_mean(found.confidence[decile == d])) for d in range(10)],
        "sets": [
            {
                "stated": stated,
                "covered_rows": _round(_mean(found.covered[:, c])),
                "covered_units": _round(float(of_unit @ found.covered[:, c])),
                "covered": _round(float(share @ found.covered[:, c])),
                "size": round(float(found.size[:, c].mean()), 3),
                "may_be_empty": _round(float(share @ found.bare[:, c])),
                "smoothed": _round(float(share @ found.smoothed[:, c])),
            }
            for c, stated in enumerate(COVERAGES)
        ],
    }


def _resampled(
    figures: Callable[[NDArray[np.intp]], dict[str, float]], unit: NDArray[np.intp], seed: int
) -> dict[str, dict[str, float | None]]:
    """Draw whole units with return and take the middle 95 % of each figure."""
    import numpy as np

    rows = np.split(np.argsort(unit, kind="stable"), np.cumsum(np.bincount(unit))[:-1])
    if len(rows) < LEAST_UNITS:
        return {}
    rng = np.random.default_rng(seed)
    draws = [
        figures(np.concatenate([rows[u] for u in rng.integers(0, len(rows), len(rows))]))
        for _ in range(RESAMPLES)
    ]
    spans = {}
    for name in draws[0]:
        values = np.array([draw[name] for draw in draws])
        values = values[np.isfinite(values)]
        # A figure that most draws cannot give has no honest range.
        if values.size > 0.9 * RESAMPLES:
            low, high = np.quantile(values, (0.025, 0.975))
            spans[name] = {"low": _round(float(low)), "high": _round(float(high))}
    return spans


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _round(value: float) -> float | None:
    return round(value, 4) if value == value else None


def told(title: str, result: Mapping[str, Any]) -> list[str]:
    """Write a summary as lines for people."""
    lines = [
        f"{title}: {result['rows']} rows, {result['errors']} errors, {result['units']} units; "
        f"{result['share_outside']:.1%} of the rows outside, in {result['units_outside']} units",
        f"  accuracy {_span(result['accuracy'])}; inside {_span(result['inside'])}, outside "
        f"{_span(result['outside'])}, difference {_span(result['inside_minus_outside'])}",
        f"  errors that lie outside {_span(result['errors_outside'])}; among as many least "
        f"confident rows {_span(result['errors_least_confident'])}",
        f"  errors ranked (AUROC): by confidence {_span(result['auroc_confidence'])}, by "
        f"dissimilarity {_span(result['auroc_index'])}, by both {_span(result['auroc_both'])}, "
        f"both minus confidence {_span(result['both_minus_confidence'])}",
        f"  accuracy by tenth of dissimilarity {_listed(result['accuracy_by_decile'])}",
        f"  mean confidence there              {_listed(result['confidence_by_decile'])}",
        "  sets: stated  covered  of rows  of units  classes  if empty allowed  smoothed",
    ]
    return lines + [
        f"        {one['stated']:.2f}  {one['covered']:7.3f}  {one['covered_rows']:7.3f}  "
        f"{one['covered_units']:8.3f}  {one['size']:7.2f}  {one['may_be_empty']:16.3f}  "
        f"{one['smoothed']:8.3f}"
        for one in result["sets"]
    ]


def _span(figure: Mapping[str, float | None]) -> str:
    value, low, high = (figure.get(key) for key in ("value", "low", "high"))
    if value is None:
        return "–"
    return f"{value:.3f}" + ("" if low is None else f" ({low:.3f} to {high:.3f})")


def _listed(values: list[float | None]) -> str:
    return " ".join("–" if value is None else f"{value:.2f}" for value in values)
