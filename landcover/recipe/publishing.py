"""The fields of a recipe that say what is written beside the published maps."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from landcover.recipe.section import Section

VectorFormat = Literal["gpkg", "parquet"]


class Publish(Section):
    """What is written beside the published maps."""

    vectors: tuple[VectorFormat, ...] = ()
    """Polygons of the classes too: ``gpkg`` (GeoPackage), ``parquet`` (GeoParquet)."""
    simplify: float = Field(0.0, ge=0, le=100, allow_inf_nan=False)
    """How far their lines are simplified, pixels: corners go whose triangle is smaller than the
    square of it, neighbours keep one line; 0 keeps the pixels' steps."""

    probabilities: bool = False
    """The probability of every class too, a band a class, as COG with each map: in overlaps of the
    tile that the class is from, or with ``mosaic.blend: feather`` the mean; needs
    ``probabilities`` in ``classify.keep``, and adds it."""

    @field_validator("vectors")
    @classmethod
    def _they_differ(cls, vectors: tuple[VectorFormat, ...]) -> tuple[VectorFormat, ...]:
        if len(set(vectors)) != len(vectors):
            raise ValueError("a format appears twice")
        return vectors
