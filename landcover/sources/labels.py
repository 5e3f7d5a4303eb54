"""Ground truth from files: any supported format in, one clean table of points out.

Formats live in ``label_csv``, ``label_geojson``, ``label_kml`` and ``label_rasters``; what words
mean in ``label_classes``; polygons in ``label_polygons``; ids and duplicates in ``label_points``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from landcover.errors import InputError
from landcover.nouns.legend import Legend
from landcover.sources.label_classes import Translator, Unknown, choose_column
from landcover.sources.label_csv import read_csv
from landcover.sources.label_features import LabelFeatures
from landcover.sources.label_geojson import read_geojson
from landcover.sources.label_kml import read_kml, read_kmz
from landcover.sources.label_points import DrawnPoints, PolygonRule, draw_points, settle_points
from landcover.sources.label_polygons import Mode

_READERS: Mapping[str, Callable[[Path], LabelFeatures]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_csv,
    ".geojson": read_geojson,
    ".json": read_geojson,
    ".kml": read_kml,
    ".kmz": read_kmz,
}
_RASTERS = (".tif", ".tiff")
_FORMATS = "CSV (.csv .tsv .txt), GeoJSON (.geojson .json), KML, KMZ and GeoTIFF (.tif .tiff)"

Drawn = tuple[DrawnPoints, dict[str, int], tuple[str, ...], str]


@dataclass(frozen=True, eq=False)
class LabelTable:
    """Labelled points with what was left out on the way."""

    points: pd.DataFrame
    """One row per point: ``point_id`` (16 hex digits of position and class), ``lon``, ``lat``
    (degrees, WGS84), ``code`` (int64, of the legend), ``label`` (class name), ``group`` (never
    straddles a split: the point itself, or its polygon or field), ``source`` (file name)."""
    counts: dict[str, int]
    """Class name → points, in the order of the legend; classes without points are absent."""
    dropped: dict[str, int]
    """Reason → number dropped for it: features for labels and geometries, pixels of a raster,
    points for ``duplicate`` and ``conflicting labels``."""
    warnings: tuple[str, ...]
    """What a person should know, one sentence each."""


def read_labels(
    path: str | Path,
    *,
    legend: Legend,
    label: str | None = None,
    mapping: Mapping[str, str | None] | None = None,
    unknown: Unknown = "error",
    points_per_class: int | None = None,
    seed: int = 0,
    polygons: Mode = "pole",
    grid_step_m: float = 30,
    min_radius_m: float = 0,
) -> LabelTable:
    """Read ground truth from a file.

    Args:
        path: CSV, GeoJSON, KML, KMZ or GeoTIFF, told apart by the ending of the name.
        legend: Classes and the words that mean them.
        label: Column or property that holds the label. If None, the usual names are tried in
            the order of ``label_classes.CANDIDATES``.
        mapping: Label in the file → class name, or None to drop it; asked before the legend.
        unknown: What to do with labels that are in neither: ``error`` or ``drop``.
        points_per_class: Most points of a class drawn from a raster; 200 if None.
        seed: Seed of the draw from a raster.
        polygons: ``pole``: one point per polygon part, at its pole of inaccessibility. ``grid``:
            points at least 15 m inside.
        grid_step_m: Distance of the points of ``grid``, metres.
        min_radius_m: Drop polygons whose inner circle is smaller, metres.

    Returns:
        The points, with counts per class, what was dropped, and warnings.

    Raises:
        InputError: The file is absent, empty, damaged or of another format; a coordinate is
            wrong; a label is unknown; or no point is left.
    """
    file = Path(path)
    _check_file(file)
    translator = Translator.of(legend, mapping, unknown)
    if file.suffix.lower() in _RASTERS:
        from landcover.sources.label_rasters import draw_from_raster

        drawn, dropped, warnings = draw_from_raster(
            file, translator, points_per_class=points_per_class, seed=seed
        )
        noun = "pixel"
    else:
        rule = PolygonRule(polygons, grid_step_m, min_radius_m)
        drawn, dropped, warnings, noun = _draw_from_features(file, translator, label, rule)
    points, left_out, remarks = settle_points(drawn, legend, file.name, noun)
    dropped = dict(Counter(dropped) + Counter(left_out))
    if points.empty:
        reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.items())
        raise InputError(f"{file.name}: no usable label is left (dropped: {reasons}).")
    counted = points["label"].value_counts()
    counts = {name: int(counted[name]) for name in legend.names if name in counted.index}
    return LabelTable(points, counts, dropped, warnings + remarks)


def _check_file(file: Path) -> None:
    if not file.is_file():
        raise InputError(f"{file}: no such label file; check the path.")
    suffix = file.suffix.lower()
    if suffix not in _READERS and suffix not in _RASTERS:
        raise InputError(
            f"{file.name}: label files of type {suffix or 'without an ending'} are not read; "
            f"convert it (for example with ogr2ogr) to one of {_FORMATS}."
        )


def _draw_from_features(
    file: Path, translator: Translator, label: str | None, rule: PolygonRule
) -> Drawn:
    features = _READERS[file.suffix.lower()](file)
    column = choose_column(file.name, features.attributes, translator, label)
    labels = features.attributes[column]
    first = {
        text: f"{features.noun} {number}"
        for text, number in zip(reversed(labels), features.numbers[::-1].tolist(), strict=True)
    }
    meaning = translator.translate(f"{file.name}: column {column!r}", Counter(labels), first)
    codes = np.array([meaning.code_by_label[text] for text in labels], dtype=np.int64)
    drawn, dropped, remarks = draw_points(features, codes, translator.legend, rule)
    warnings = meaning.warnings + tuple(f"{file.name}: {remark}" for remark in remarks)
    return drawn, {**meaning.dropped, **dropped}, warnings, features.noun
