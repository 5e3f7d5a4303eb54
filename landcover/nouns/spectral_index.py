"""The table of spectral indices: names, bands and variants. Formulas lie in `raster.indices`.

A new index is a row here and a formula there. Nothing heavy is imported, so that the recipe, the
command line and the docs read the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Bands = tuple[str, ...]

PAPER = "paper"
"""Variant that the landcoverpy paper and the HRLC deck compute."""
LITERATURE = "literature"
"""Variant of the original reference, where it differs from the paper's."""


@dataclass(frozen=True)
class SpectralIndex:
    """One row of the table."""

    name: str
    """Canonical lower-case name."""
    bands: Bands
    """Bands of the paper's variant, in the order of the formula's arguments."""
    others: Mapping[str, Bands] = field(default_factory=dict)
    """Further variant → its bands."""

    @property
    def variants(self) -> dict[str, Bands]:
        """Variant → its bands, the paper's first."""
        return {PAPER: self.bands, **self.others}

    def variant(self, name: str) -> str | None:
        """Find the variant that a name stands for; None where there is none.

        The deck has the paper's form; where the literature agrees with both, there is one entry.
        """
        found = PAPER if name in ("deck", LITERATURE) and name not in self.others else name
        return found if found in self.variants else None


_ROWS = (
    # The nine of the landcoverpy paper, in the order of its feature table.
    SpectralIndex("cri1", ("B03", "B02"), {LITERATURE: ("B02", "B03")}),
    SpectralIndex("evi2", ("B08", "B04"), {LITERATURE: ("B08", "B04")}),
    SpectralIndex(
        "gvmi", ("B8A", "B11"), {LITERATURE: ("B8A", "B11"), "literature_b12": ("B08", "B12")}
    ),
    SpectralIndex("mndwi", ("B03", "B11")),
    SpectralIndex(
        "ndre", ("B09", "B05"), {LITERATURE: ("B08", "B05"), "literature_b8a": ("B8A", "B05")}
    ),
    SpectralIndex("ndvi", ("B08", "B04")),
    SpectralIndex("ndyi", ("B03", "B02")),
    SpectralIndex("osavi", ("B08", "B04"), {LITERATURE: ("B08", "B04")}),
    SpectralIndex("ri", ("B04", "B03")),
    # Those that the deck adds.
    SpectralIndex("gndvi", ("B08", "B03")),
    SpectralIndex("ndvi705", ("B08", "B05"), {LITERATURE: ("B06", "B05")}),
    SpectralIndex("gli", ("B03", "B04", "B02")),
    SpectralIndex("savi", ("B08", "B04")),
    SpectralIndex("ndli", ("B12", "B11")),
    SpectralIndex("ndmi", ("B08", "B11"), {"literature_b8a": ("B8A", "B11")}),
    SpectralIndex("ndwi", ("B03", "B08")),
    SpectralIndex("ndsi", ("B03", "B11")),
    SpectralIndex("ndbi", ("B11", "B08")),
    SpectralIndex("bsi", ("B11", "B04", "B08", "B02")),
)

SPECTRAL_INDICES: dict[str, SpectralIndex] = {row.name: row for row in _ROWS}
"""Every index by its name."""
PAPER_INDICES = ("cri1", "evi2", "gvmi", "mndwi", "ndre", "ndvi", "ndyi", "osavi", "ri")
"""The nine indices of the landcoverpy paper, in the order of its feature table."""
