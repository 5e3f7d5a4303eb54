"""The fields of a recipe that say where training points come from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from landcover.recipe.labels import Mapping, with_text_keys
from landcover.recipe.section import Section


class Sampling(Section):
    """Where training points come from (docs/methods/sampling.md#strategies).

    The existing map is an argument of the run, ``--label-map``.
    """

    strategy: Literal["standard", "enhanced", "full-map"] = "standard"
    """``standard``: the labels train; ``enhanced``: classes with few labels are filled up with
    points of an existing map, which only train; ``full-map``: points of the map train, and the
    labels only judge."""
    target: Literal["max", "avg"] = "max"
    """Points up to which ``enhanced`` fills a class: those of the largest class, or the mean."""
    samples_per_class: int = Field(200, ge=1)
    """Points of each class of ``full-map``."""
    mapping: Mapping = Field(default_factory=dict)
    """Code of the map → class, null drops it; a CSV or YAML file with it; or the public map whose
    codes it has: ``copernicus``, ``worldcover``, ``hrlc`` or ``mediterranean``. Maps that name
    their classes, as ours do, need none."""
    erosion: Literal[0, 2, 3] = 2
    """Side of the element by which the mask of each class is eroded once, pixels of the map; 3
    leaves room for the nine pixels around a point, 0 keeps borders."""
    spacing_m: float = Field(30.0, ge=0, allow_inf_nan=False)
    """Least distance between two points of the map, metres."""
    distance_m: float = Field(1000.0, ge=0, allow_inf_nan=False)
    """Least distance of a point of the map to any label, metres: labels judge."""
    seed: int | None = Field(None, ge=0)
    """Seed of the draw; that of the model if null."""

    _keys = field_validator("mapping", mode="before")(with_text_keys)

    @property
    def is_on(self) -> bool:
        """True where points come from a map."""
        return self.strategy != "standard"
