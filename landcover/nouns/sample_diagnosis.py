"""What a look at a sample set shows, in numbers."""

from __future__ import annotations

from landcover.nouns.base import Noun


class SampleCounts(Noun):
    """One class of a sample set."""

    code: int
    name: str
    title: str
    colour: str
    train_rows: int
    test_rows: int
    train_points: int
    test_points: int
    groups: int
    """Points, polygons or fields that never straddle a split."""
    of_map: int
    """Rows that come from an existing map."""


class FeatureHistogram(Noun):
    """How a feature is spread in the training rows of each class."""

    feature: str
    edges: tuple[float, ...]
    """Edges of the bins: from the 1st to the 99th percentile of all rows."""
    shares: dict[str, tuple[float, ...]]
    """Class → share of its rows in each bin, 0-1; rows beyond the edges count in the outer bins."""


class SampleDiagnosis(Noun):
    """Counts and spreads of a sample set."""

    sample_set: str
    simulated: bool
    n_rows: int
    n_points: int
    counts: tuple[SampleCounts, ...]
    tiles: dict[str, int]
    """Tile → rows."""
    sources: dict[str, int]
    """Label file or map → rows."""
    lost: dict[str, int]
    """Class → rows left out since a feature is nodata."""
    histograms: tuple[FeatureHistogram, ...]
