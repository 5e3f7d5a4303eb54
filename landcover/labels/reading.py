"""Ground truth from files: any supported format in, one clean table of points out.

Which formats there are stands in ``nouns.label_formats``; what words mean in ``classes``; polygons
in ``polygons``; ids, duplicates and contradictions in ``conflicts``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from landcover.errors import InputError
from landcover.labels.classes import Translator, Unknown, choose_column, translate_second
from landcover.labels.conflicts import Conflicts, LabelFile, resolve_conflicts
from landcover.labels.features import FileRule, LabelFeatures, composed
from landcover.labels.files import label_files, names_of
from landcover.labels.mapping import LabelMapping, read_mapping
from landcover.labels.points import DrawnPoints, FeatureCodes, draw_points
from landcover.labels.polygons import Mode, PolygonRule
from landcover.nouns.grid import Grid
from landcover.nouns.label_formats import format_of, listed
from landcover.nouns.legend import MEDITERRANEAN, Legend
from landcover.nouns.reference_legends import REFERENCE_LEGENDS, codes_in
from landcover.nouns.shown import Shown
from landcover.recipe import LabelSource


@dataclass(frozen=True, eq=False, repr=False)
class LabelTable(Shown):
    """Labelled points with what was left out on the way."""

    points: pd.DataFrame
    """One row per point: ``point_id`` (16 hex digits of position and class), ``lon``, ``lat``
    (degrees, WGS84), ``code`` (int64, of the legend), ``label`` (class name), ``group`` (never
    straddles a split: the point itself, or its polygon or field), ``source`` (file name),
    ``neighbourhood`` (int64: 3, or 1 where a 3x3 block would leave the polygon), ``code2``
    (int64, second level within the class; 0 where there is none)."""
    counts: dict[str, int]
    """Class name → points, in the order of the legend; classes without points are absent."""
    dropped: dict[str, int]
    """Reason → number dropped for it: features for labels and geometries, pixels of a raster,
    points for ``duplicate``, ``conflicting labels`` and ``overruled by an earlier file``."""
    warnings: tuple[str, ...]
    """What a person should know, one sentence each."""
    files: tuple[str, ...]
    """Names of the files in the order of their priority, as in ``source``."""
    conflicts: pd.DataFrame
    """Points at a position of several classes: ``lon``, ``lat``, ``label``, ``source``,
    ``number`` (row or feature in its file), ``is_kept``; position by position."""


@dataclass(frozen=True)
class _Rules:
    """How the files are read, apart from what is special to one of them."""

    translator: Translator
    usual: LabelSource
    sources: Sequence[LabelSource]
    polygon: PolygonRule
    points_per_class: int | None
    within: Sequence[Grid]

    def of(self, name: str) -> LabelSource:
        """Give what holds for a file: what is said of it, and the usual for the rest."""
        written = composed(name)
        own = next((s for s in self.sources if fnmatchcase(written, composed(s.file))), None)
        said = {} if own is None else own.model_dump(exclude_none=True)
        return self.usual.model_copy(update=said)

    def translator_of(self, source: LabelSource) -> Translator:
        """Give the translator of a file, whose own mapping is asked before the usual one."""
        usual = self.translator
        if not source.mapping:
            return usual
        own = known_mapping(source.mapping, usual.legend)
        is_whole = is_public(source.mapping)
        mapping = own if is_whole else {**usual.mapping, **own}
        return Translator.of(usual.legend, mapping, usual.unknown, is_whole=is_whole)


def read_labels(
    path: str | Path | Sequence[str | Path],
    *,
    legend: Legend = MEDITERRANEAN,
    label: str | None = None,
    mapping: LabelMapping | str | Path | None = None,
    unknown: Unknown = "error",
    second: str | None = None,
    layer: str | None = None,
    crs: str | None = None,
    sources: Sequence[LabelSource] = (),
    conflicts: Conflicts = "drop",
    points_per_class: int | None = None,
    seed: int = 0,
    polygons: Mode = "pole",
    grid_step_m: float = 30,
    points_per_polygon: int = 10,
    min_radius_m: float = 0,
    within: Sequence[Grid] = (),
) -> LabelTable:
    """Read ground truth from a file or several.

    Args:
        path: A file of a format of ``nouns.label_formats``, told apart by the ending of its name; a
            folder of such files; or a list of them, the most trusted first.
        legend: Classes and the words that mean them; the nine classes and the codes and names of
            Copernicus Global Land Cover are known to every legend that has the class.
        label: Column or property that holds the label. If None, the usual names are tried in
            the order of ``labels.classes.CANDIDATES``.
        mapping: Label in the file → class name, or None to drop it; a file with such pairs
            (``labels.mapping.read_mapping``); or the name of a public map whose codes the file
            has, ``copernicus``, ``worldcover`` or ``hrlc``. Asked before the legend.
        unknown: What to do with labels that are in neither: ``error`` or ``drop``.
        second: Column that holds the label of the second level; there is none if None.
        layer: Layer of a GeoPackage or zip that holds several.
        crs: Reference system of files that declare none.
        sources: What differs for one of several files.
        conflicts: Positions of several classes: ``drop`` all, or keep those of the ``first`` file.
        points_per_class: Most points of a class drawn from a raster; 200 if None.
        seed: Seed of the draw from a raster and of random points in polygons.
        polygons: See ``labels.polygons.PolygonRule``: ``pole``, ``grid`` or ``random``.
        grid_step_m: Distance of the points of ``grid``, metres.
        points_per_polygon: Most points of ``random`` in one part of a polygon.
        min_radius_m: Drop polygons whose inner circle is smaller, metres.
        within: Of rasters only what lies in these rectangles is read; all of it if empty.

    Returns:
        The points, with counts per class, what was dropped, and warnings.

    Raises:
        InputError: A file is absent, empty, damaged or of another format; a coordinate is
            wrong; a label is unknown; or no point is left.

    Examples:
        >>> from landcover import api
        >>> api.read_labels("region/labels.geojson").counts["cropland"]
        12
    """
    files = label_files(path)
    rules = _Rules(
        Translator.of(legend, known_mapping(mapping, legend), unknown, is_whole=is_public(mapping)),
        LabelSource(file="*", field=label, second=second, layer=layer, crs=crs),
        sources,
        PolygonRule(polygons, grid_step_m, points_per_polygon, min_radius_m, seed),
        points_per_class,
        within,
    )
    dropped: Counter[str] = Counter()
    warnings: list[str] = []
    drawn, named = [], []
    for file, name in zip(files, names_of(files), strict=True):
        found, left_out, remarks, noun = _draw(file, name, rules)
        drawn.append(found)
        named.append(LabelFile(name, noun))
        dropped.update(left_out)
        warnings += remarks
    origin = np.repeat(np.arange(len(drawn)), [len(part.lon) for part in drawn])
    resolved = resolve_conflicts(DrawnPoints.joined(drawn), origin, named, legend, conflicts)
    dropped.update(resolved.dropped)
    if resolved.points.empty:
        reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.items())
        who = ", ".join(entry.name for entry in named)
        raise InputError(f"{who}: no usable label is left (dropped: {reasons}).")
    counted = resolved.points["label"].value_counts()
    counts = {name: int(counted[name]) for name in legend.names if name in counted.index}
    said = (*warnings, *resolved.warnings)
    names = tuple(entry.name for entry in named)
    return LabelTable(resolved.points, counts, dict(dropped), said, names, resolved.conflicts)


def known_mapping(
    mapping: LabelMapping | str | Path | None, legend: Legend = MEDITERRANEAN
) -> LabelMapping:
    """Give a mapping that may stand in a file, or be that of a public map in a legend."""
    if mapping is None:
        return {}
    if is_public(mapping):
        return codes_in(str(mapping), legend)
    return read_mapping(mapping) if isinstance(mapping, str | Path) else mapping


def is_public(mapping: object) -> bool:
    """Tell whether a mapping is the name of a public map."""
    return isinstance(mapping, str) and mapping in REFERENCE_LEGENDS


Drawn = tuple[DrawnPoints, dict[str, int], tuple[str, ...], str]


def _draw(file: Path, name: str, rules: _Rules) -> Drawn:
    source = rules.of(name)
    translator = rules.translator_of(source)
    known = format_of(file)
    if known is None:
        raise InputError(f"{name}: no known format of ground truth; read are {listed()}.")
    if known.is_raster:
        drawn, dropped, warnings = known.read(
            file,
            translator,
            points_per_class=rules.points_per_class,
            seed=rules.polygon.seed,
            within=rules.within,
        )
        return drawn, dropped, warnings, "pixel"
    features: LabelFeatures = known.read(file, FileRule(source.layer, source.crs))
    column = choose_column(name, features.attributes, translator, source.field)
    found = features.attributes[column]
    place = {
        text: f"{features.noun} {features.numbers[position]}"
        for text, position in found.first().items()
    }
    meaning = translator.translate(f"{name}: column {column!r}", found.counts(), place)
    first = np.array([meaning.code_by_label[text] for text in found.words])[found.index]
    second, strangers = np.zeros_like(first), tuple[str, ...]()
    if source.second is not None:
        second, strangers = translate_second(name, features, source.second, first, translator)
    drawn, dropped, remarks = draw_points(
        features, FeatureCodes(first, second), translator.legend, rules.polygon
    )
    remarks = (*features.remarks, *remarks)
    warnings = (*meaning.warnings, *strangers, *(f"{name}: {remark}" for remark in remarks))
    return drawn, {**meaning.dropped, **dropped}, warnings, features.noun
