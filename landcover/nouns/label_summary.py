"""What a label report says about ground truth."""

from __future__ import annotations

from pydantic import Field

from landcover.nouns.base import Noun


class ClassCount(Noun):
    """The points of one class."""

    code: int
    name: str
    title: str
    colour: str
    points: int
    groups: int
    """Points, polygons and fields that they come from: what a split keeps together."""
    second: dict[str, int] = Field(default_factory=dict)
    """Class of the second level → points; empty where the class has none."""


class SourceCount(Noun):
    """The points of one file."""

    name: str
    points: int
    classes: dict[str, int]
    """Class name → points."""


class TileCount(Noun):
    """The points of one tile."""

    tile: str
    points: int
    classes: dict[str, int]
    """Class name → points."""


class Conflict(Noun):
    """A point at a position of several classes."""

    lon: float
    lat: float
    label: str
    source: str
    number: int
    """Row or feature in its file."""
    is_kept: bool


class Spacing(Noun):
    """How near the points are to each other."""

    nearest_m: float
    """Distance of the nearest two, metres."""
    median_m: float
    """Median over the points of the distance to the nearest other, metres."""
    near: int
    """Points with another nearer than 30 m, whose 3x3 blocks may share pixels."""
    near_other: int
    """Points whose nearest other is nearer than 10 m and of another class: perhaps one pixel."""


class LabelSummary(Noun):
    """Counts of ground truth by class, source and tile, and what is odd about it."""

    points: int
    groups: int
    classes: tuple[ClassCount, ...]
    """Every class of the legend, in its order."""
    sources: tuple[SourceCount, ...]
    """Files, in the order given."""
    tiles: tuple[TileCount, ...]
    """Tiles by id, those asked for without a point included."""
    tiles_are_given: bool
    """True where tiles were asked for; otherwise each point is in its primary tile."""
    outside: int
    """Points in none of the tiles."""
    outside_classes: dict[str, int]
    """Class name → points in none of the tiles."""
    outside_if_swapped: int | None = None
    """Points that would lie in none of the tiles given if longitude and latitude changed places."""
    dropped: dict[str, int]
    """Reason → features or points left out."""
    conflict_places: int
    """Positions of several classes."""
    conflicts: tuple[Conflict, ...]
    """The first 200 points there."""
    single_pixels: int
    """Points of which only the centre pixel is sampled."""
    spacing: Spacing | None
    """None where there is one point."""
    warnings: tuple[str, ...]
    """What a person should know, one sentence each."""
