"""What classes look like in the samples, feature by feature."""

from __future__ import annotations

from pydantic import Field

from landcover.nouns.base import Noun


class FeatureDistribution(Noun):
    """One feature among the rows of one class, in the feature's unit."""

    mean: float
    """Mean."""
    p05: float
    """5 % of the rows lie below."""
    p25: float
    """25 % of the rows lie below."""
    p50: float
    """Median."""
    p75: float
    """75 % of the rows lie below."""
    p95: float
    """95 % of the rows lie below."""


class ClassSignature(Noun):
    """The rows of one class."""

    code: int
    """Class code."""
    name: str
    """Name of the class."""
    colour: str
    """Its colour, ``#RRGGBB``."""
    n: int = Field(ge=1)
    """Rows."""
    features: dict[str, FeatureDistribution]
    """Feature → its spread, in the order of the columns."""


class Signatures(Noun):
    """The classes of a sample set, by code."""

    classes: tuple[ClassSignature, ...]
    """One for each class."""
