"""The table of samples as the deck has it: 167 features behind five columns of what and where.

Names and order: docs/methods/features.md#feature-sets-and-tables.
"""

from __future__ import annotations

from typing import Final

IDENTITY: Final = ("x", "y", "ground_truth_index", "ground_truth_label", "split")
"""Position of the pixel's centre in the reference system of its tile, metres; code and name of the
class; ``train`` or ``test``."""
_BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
SPECTRAL: Final = tuple(f"m{month:02d}_{band}" for month in range(1, 13) for band in _BANDS)
TOPOGRAPHIC: Final = ("dem", "slope", "aspect")
TEXTURE: Final = ("GLCMcontrast", "GLCMdissimilarity", "GLCMhomogeneity", "GLCMenergy",
                  "GLCMcorrelation", "GLCMASM")  # fmt: skip
ADDITIONAL: Final = ("NDVI", "GNDVI", "NDVI705", "GLI", "EVI2", "SAVI", "NDYI", "NDLI", "NDMI",
                     "NDWI", "NDSI", "NDBI", "BSI", "Sobel")  # fmt: skip
"""Of one month."""
FEATURES: Final = (*SPECTRAL, *TOPOGRAPHIC, *TEXTURE, *ADDITIONAL)
"""144 + 3 + 6 + 14 = 167."""
COLUMNS: Final = (*IDENTITY, *FEATURES)


def found_in(columns: list[str]) -> dict[str, str]:
    """Find the features of the deck among the columns of a sample set.

    Months and terrain go by their names. Textures and additional features belong to one month:
    letter case and the name of a period before the feature do not count, and of several months
    that of the first column is taken.

    Args:
        columns: Features of the sample set, in order.

    Returns:
        Feature of the deck → column; those that the set lacks are absent.
    """
    here = set(columns)
    found = {name: name for name in FEATURES if name in here}
    by_layer: dict[str, str] = {}
    for column in columns:
        layer = column.partition("_")[2] or column
        by_layer.setdefault(layer.casefold(), column)
        by_layer.setdefault(column.casefold(), column)
    for name in (*TEXTURE, *ADDITIONAL):
        if name not in found and name.casefold() in by_layer:
            found[name] = by_layer[name.casefold()]
    return found
