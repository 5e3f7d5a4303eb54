"""How the codes of two maps meet: in one legend, or on the coarser classes of two legends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError, UsageError
from landcover.labels.mapping import read_mapping
from landcover.nouns.hrlc import HRLC
from landcover.nouns.legend import MEDITERRANEAN, Legend, LegendClass
from landcover.nouns.reference_legends import MERGE, REFERENCE_LEGENDS, is_hrlc
from landcover.stores.rasters import CodeNames


@dataclass(frozen=True)
class Reading:
    """How the codes of two maps meet."""

    legend: Legend
    """Classes of the comparison."""
    first: NDArray[np.uint8]
    """Code of the first map → code of the comparison, (256,)."""
    second: NDArray[np.uint8]
    """Code of the second map → code of the comparison, 0 where none is meant, (256,)."""
    known: frozenset[int]
    """Codes of the second map that somebody has decided on."""
    how: str
    """In words."""


def reading_of(mine: CodeNames, theirs: CodeNames, legend_map: str | None) -> Reading:
    """Decide in which classes two maps are compared.

    Maps of one legend are compared class by class; a map of HRLC and another one on the classes
    that both can tell (docs/methods/labels.md#two-legends).

    Args:
        mine: What the first map says of its codes.
        theirs: What the second map says of its codes.
        legend_map: Name of a public map whose codes the second has, a file, or None.

    Raises:
        InputError: A name is none of the classes.
        UsageError: ``legend_map`` is neither a name nor a file.
    """
    if legend_map is None and is_hrlc(theirs.names):
        legend_map = "hrlc"
    legend = _legend(mine)
    if is_hrlc(mine.names):
        if legend_map == "hrlc" or not (legend_map or theirs.names):
            return _in_hrlc()
        if legend_map in (None, *REFERENCE_LEGENDS):
            return _coarser(theirs, legend_map)
    if legend_map in REFERENCE_LEGENDS:
        reference = REFERENCE_LEGENDS[str(legend_map)]
        merge = {k: v for k, v in reference.merge.items() if legend.code_of(k) is not None}
        merged = legend.merged(merge) if merge else legend
        return _made(legend, merged, reference.classes, f"the {legend_map} legend")
    if legend_map is not None:
        if not Path(legend_map).is_file():
            raise UsageError(
                f"--legend-map {legend_map}: no such file, and no known legend "
                f"({', '.join(sorted(REFERENCE_LEGENDS))})."
            )
        return _made(legend, legend, read_mapping(legend_map), Path(legend_map).name)
    names = theirs.names or {entry.code: entry.name for entry in legend.classes}
    how = "the names in its file" if theirs.names else "the codes of the first map"
    return _made(legend, legend, {str(code): name for code, name in names.items()}, how)


def _in_hrlc() -> Reading:
    """Read two maps of HRLC: both kinds of open water in one class."""
    codes = {entry.code: entry.code for entry in HRLC.classes} | {141: 140, 142: 140}
    lut = np.zeros(256, dtype=np.uint8)
    lut[list(codes)] = list(codes.values())
    return Reading(HRLC, lut, lut, frozenset({0, *codes}), "the hrlc legend")


def _coarser(theirs: CodeNames, legend_map: str | None) -> Reading:
    """Read a first map of HRLC and another one on the classes that both can tell."""
    common = MEDITERRANEAN.merged(MERGE)
    classes: Mapping[str, str | None] = {str(code): name for code, name in theirs.names.items()}
    how = "the names in its file"
    if legend_map is not None:
        classes, how = REFERENCE_LEGENDS[legend_map].classes, f"the {legend_map} legend"
    found = _made(common, common, classes, f"{how}, on the classes that both legends tell")
    first = np.zeros(256, dtype=np.uint8)
    for code, name in REFERENCE_LEGENDS["hrlc"].classes.items():
        first[int(code)] = 0 if name is None else common.code_of(name) or 0
    return Reading(found.legend, first, found.second, found.known, found.how)


def _legend(mine: CodeNames) -> Legend:
    if not mine.names:
        return MEDITERRANEAN
    nine = {entry.name: entry for entry in MEDITERRANEAN.classes}
    return Legend(
        classes=tuple(
            LegendClass(
                code=code,
                name=name,
                colour=mine.colours.get(code, "#808080"),
                title=nine[name].title if name in nine else name,
            )
            for code, name in mine.names.items()
        )
    )


def _made(legend: Legend, merged: Legend, classes: Mapping[str, str | None], how: str) -> Reading:
    first = np.zeros(256, dtype=np.uint8)
    for entry in legend.classes:
        first[entry.code] = merged.code_of(entry.name) or 0
    second = np.zeros(256, dtype=np.uint8)
    known = {0}
    extra: dict[str, LegendClass] = {}
    for text, name in classes.items():
        code = int(text) if text.isdigit() else -1
        if not 0 <= code <= 255:
            raise InputError(f"{how}: {text!r} is not a code of a map, 0-255.")
        known.add(code)
        if name is None:
            continue
        found = merged.code_of(name)
        if found is None and name in MEDITERRANEAN.names:
            # The reference may have a class that this map was never taught.
            found = extra.setdefault(name, _unused(name, merged, extra)).code
        if found is None:
            raise InputError(
                f"{how}: {name!r} is not a class of the first map ({', '.join(merged.names)}). "
                "Name the class that it stands for with --legend-map."
            )
        second[code] = found
    whole = Legend(classes=(*merged.classes, *extra.values())) if extra else merged
    return Reading(whole, first, second, frozenset(known), how)


def _unused(name: str, legend: Legend, extra: Mapping[str, LegendClass]) -> LegendClass:
    entry = next(c for c in MEDITERRANEAN.classes if c.name == name)
    taken = {*legend.codes, *(c.code for c in extra.values())}
    code = next(k for k in (entry.code, *range(1, 256)) if k not in taken)
    return LegendClass(code=code, name=name, colour=entry.colour, title=entry.title)
