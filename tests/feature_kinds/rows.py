"""The rows of the tests' kinds, and how a test adds them to the table."""

from __future__ import annotations

import pytest

from feature_kinds.edge_mean import EdgeMeanSection
from feature_kinds.harmonic import HarmonicSection
from feature_kinds.own_raster import OwnRasterSection
from landcover.nouns.feature_kind import FEATURE_KINDS, KindRow

ROWS = (
    KindRow(
        "own_raster", "raster on a grid of its own", "feature_kinds.own_raster", "own_raster",
        OwnRasterSection, per_season=False, order=5,
    ),
    KindRow(
        "edge_mean", "mean of edges", "feature_kinds.edge_mean", "edge_mean", EdgeMeanSection,
        order=50,
    ),
    KindRow(
        "harmonic", "harmonic over dates", "feature_kinds.harmonic", "harmonic", HarmonicSection,
        order=70,
    ),
)  # fmt: skip


def register(patch: pytest.MonkeyPatch) -> None:
    """Add all rows to the table, as long as a patch holds."""
    for row in ROWS:
        patch.setitem(FEATURE_KINDS, row.name, row)
