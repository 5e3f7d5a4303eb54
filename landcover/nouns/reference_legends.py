"""What the codes of public land-cover maps mean: in the nine Mediterranean classes, and in HRLC's.

The nine classes and those of HRLC meet on coarser ones: trees in one class, since HRLC tells leaves
apart and not crown cover, and shrubs in one, since the nine do not tell leaves apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from landcover.nouns.hrlc import HRLC
from landcover.nouns.legend import DROPPED_CODES, MEDITERRANEAN, Legend

LEGENDS: Final[Mapping[str, Legend]] = MappingProxyType(
    {"mediterranean": MEDITERRANEAN, "hrlc": HRLC}
)
"""Legends that a recipe may name."""
FOREST: Final = "forest"
"""Trees of any crown cover: what closed and open forest become where nobody tells them apart."""
MERGE: Final[Mapping[str, str]] = MappingProxyType({"closedForest": FOREST, "openForest": FOREST})
"""What becomes of the nine classes beside a map that does not tell closed from open forest."""


class ReferenceLegend(NamedTuple):
    """How to read a reference map."""

    classes: Mapping[str, str | None]
    """Code → class; None where none of the classes is meant."""
    merge: Mapping[str, str]
    """Classes of ours that the reference does not tell apart → what both become."""


_COPERNICUS_CODES = (
    0, 20, 30, 40, 50, 60, 70, 80, 90, 100, 200, *range(111, 117), *range(121, 127),
)  # fmt: skip

_WORLDCOVER: Mapping[str, str | None] = {
    "10": FOREST,
    "20": "shrubland",
    "30": "herbaceousVegetation",
    "40": "cropland",
    "50": "builtUp",
    "60": "bareSparseVegetation",
    "70": None,
    "80": "permanentWater",
    "90": "herbaceousWetland",
    "95": None,
    "100": None,
}

_HRLC: Mapping[str, str | None] = {
    **dict.fromkeys(("10", "20", "30", "40"), FOREST),
    **dict.fromkeys(("50", "60"), "shrubland"),
    "70": "herbaceousVegetation",
    "80": "cropland",
    "90": None,
    "100": "herbaceousWetland",
    "110": None,
    "120": "bareSparseVegetation",
    "130": "builtUp",
    "140": "permanentWater",
    "141": None,
    "142": "permanentWater",
    "150": None,
}

REFERENCE_LEGENDS: Final[Mapping[str, ReferenceLegend]] = MappingProxyType(
    {
        # Buchhorn et al. 2020, Copernicus Global Land Cover 100 m v3.0.1, discrete classification.
        "copernicus": ReferenceLegend(
            {
                str(code): None
                if code in DROPPED_CODES
                else MEDITERRANEAN.name_of(MEDITERRANEAN.code_of(code) or 0)
                for code in _COPERNICUS_CODES
            },
            {},
        ),
        # Zanaga et al. 2022, ESA WorldCover 10 m v200. Its tree cover begins at 10 % and holds
        # closed and open forest; snow, mangroves, and moss and lichen are none of the nine.
        "worldcover": ReferenceLegend(_WORLDCOVER, MERGE),
        # Ours.
        "mediterranean": ReferenceLegend(
            {str(entry.code): entry.name for entry in MEDITERRANEAN.classes}, {}
        ),
        # CCI HRLC. Flooded woods, seasonal water, lichens and snow are none of the nine.
        "hrlc": ReferenceLegend(_HRLC, MERGE),
    }
)
"""Name of a public map → how it is read."""

_LEAVES = ("treeEvergreenNeedleleaf", "treeEvergreenBroadleaf", "treeDeciduousNeedleleaf",
           "treeDeciduousBroadleaf")  # fmt: skip
_OPEN_LAND = {"30": "grassland", "40": "cropland", "50": "builtUp", "60": "bareArea",
              "70": "snowIce", "80": "openWater", "100": "lichensMosses"}  # fmt: skip
_IN_HRLC: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "copernicus": {
            **_OPEN_LAND,
            "90": "grassAquatic",
            "200": "openWater",
            **{str(h + k): leaf for h in (111, 121) for k, leaf in enumerate(_LEAVES)},
        },
        "worldcover": {**_OPEN_LAND, "90": "grassAquatic", "95": "woodyAquatic"},
        "mediterranean": {
            "4": "grassland",
            "5": "grassAquatic",
            "6": "bareArea",
            "7": "cropland",
            "8": "builtUp",
            "9": "openWater",
        },
        "hrlc": {
            **{str(entry.code): entry.name for entry in HRLC.classes},
            "141": "openWater",
            "142": "openWater",
        },
    }
)
"""Name of a public map → code → class of HRLC; codes that it splits further are absent."""


def codes_in(name: str, legend: Legend) -> dict[str, str | None]:
    """Say what the codes of a public map mean in a legend.

    Trees of a map that does not tell closed from open forest are a class only where the legend
    does not either: none of them becomes closed forest.

    Args:
        name: One of :data:`REFERENCE_LEGENDS`.
        legend: The classes that are meant.

    Returns:
        Code, as text, and of HRLC the words for it too → class of the legend, or None where it has
        none.
    """
    hrlc, nine = _IN_HRLC[name], REFERENCE_LEGENDS[name].classes
    found = {
        code: next(
            (one for one in (hrlc.get(code), nine[code]) if one and _is_class(legend, one)), None
        )
        for code in nine
    }
    if name != "hrlc":
        return found
    words = {
        word: found[str(entry.code)]
        for entry in HRLC.classes
        for word in (entry.name, *entry.aliases)
    }
    return {**words, **found}


def _is_class(legend: Legend, name: str) -> bool:
    if name == FOREST and legend.code_of("closedForest") != legend.code_of("openForest"):
        return False
    return legend.code_of(name) is not None


def is_hrlc(names: Mapping[int, str]) -> bool:
    """Tell whether a map's codes and names are those of HRLC, some of which may be absent."""
    entries = [inner for entry in HRLC.classes for inner in (entry, *entry.second)]
    known = {entry.code: entry.name for entry in entries}
    return bool(names) and all(known.get(code) == name for code, name in names.items())
