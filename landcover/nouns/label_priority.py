"""Where the next labels help most."""

from __future__ import annotations

from landcover.nouns.base import Noun


class NextPoint(Noun):
    """A place to be labelled."""

    rank: int
    """1 for the place that helps most."""
    lon: float
    """Longitude of the pixel's centre, degrees."""
    lat: float
    """Latitude, degrees."""
    code: int
    """Class of the map there."""
    name: str
    """Its name."""
    confidence: float
    """Confidence of the map there, 0-1."""
    distance_m: float | None
    """Distance to the nearest sample, or place of a better rank, metres; None where there is
    none."""
    score: float
    """(1 - confidence) x share of the class in the map x distance; only its order counts."""


class ClassShrinkage(Noun):
    """What the new places would do to the interval of a class's area."""

    code: int
    """Class code."""
    name: str
    """Name of the class."""
    mapped_ha: float
    """Area in the map, hectares."""
    n_known: int
    """Reference points on the class in the map."""
    n_new: int
    """New places on the class in the map."""
    half_width_ha: float | None
    """Half of the 95 % interval of the area now, hectares; None where it is unknown."""
    expected_ha: float | None
    """The same with the new places."""

    @property
    def change(self) -> float | None:
        """Expected change of the interval as a share of it, -1 … 0."""
        if not self.half_width_ha or self.expected_ha is None:
            return None
        return self.expected_ha / self.half_width_ha - 1


class LabelPlan(Noun):
    """Places to be labelled next, and what that is worth."""

    points: tuple[NextPoint, ...]
    """Places, the best first."""
    classes: tuple[ClassShrinkage, ...]
    """Expected effect, class by class."""
    n_samples: int
    """Samples (points) that were there already."""
    notes: tuple[str, ...] = ()
    """What a reader must know, one sentence each."""
