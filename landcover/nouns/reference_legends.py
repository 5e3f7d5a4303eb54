"""What the codes of public land-cover maps mean in the nine Mediterranean classes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from landcover.nouns.legend import DROPPED_CODES, MEDITERRANEAN


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
    "10": "forest",
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
        "worldcover": ReferenceLegend(
            _WORLDCOVER, {"closedForest": "forest", "openForest": "forest"}
        ),
    }
)
"""Name of a public map → how it is read."""
