"""The fields of a recipe that say how ground truth is read."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ModelWrapValidatorHandler, field_validator, model_validator

from landcover.nouns.legend import MEDITERRANEAN, Legend
from landcover.nouns.reference_legends import LEGENDS
from landcover.recipe.section import Section

Mapping = dict[str, str | None] | str


def with_text_keys(mapping: Any) -> Any:
    """Make labels of the keys: YAML reads 11 as a number, and label files may hold either."""
    if mapping is None or isinstance(mapping, str):
        return mapping
    if not isinstance(mapping, dict):
        raise ValueError("expected a table of 'label: class', or the path of a file with one")
    wrong = [name for name in mapping.values() if not (name is None or isinstance(name, str))]
    if wrong:
        raise ValueError(f"expected the name of a class or null, found {wrong[0]!r}")
    return {str(key): name for key, name in mapping.items()}


class LabelSource(Section):
    """What differs for one of several label files; what is null is as for all."""

    file: str
    """Name of the file, or a pattern such as ``*.gpkg``; the first entry that fits counts."""
    field: str | None = None
    """Column or property that holds the label."""
    second: str | None = None
    """Column that holds the label of the second level."""
    layer: str | None = None
    """Layer of a GeoPackage, or shapefile in a zip, where there are several."""
    crs: str | None = None
    """Reference system of the coordinates, such as ``EPSG:32630``, where the file has none."""
    mapping: Mapping | None = None
    """Label in the file → class; asked before the mapping for all files."""

    _keys = field_validator("mapping", mode="before")(with_text_keys)


class Labels(Section):
    """How ground truth is read (docs/methods/labels.md)."""

    legend: Legend = MEDITERRANEAN
    """Classes of the map: code, name, colour, and the names that label files use; or the name of
    a legend: ``mediterranean`` or ``hrlc``."""
    merge: dict[str, str] = Field(default_factory=dict)
    """Class → class that it becomes a part of; the legend of a recipe that was read is merged."""
    field: str | None = None
    """Column or property that holds the label; found by itself if null."""
    second: str | None = None
    """Column that holds the label of the second level; null if there is none."""
    mapping: Mapping = Field(default_factory=dict)
    """Label in the file → class name of the legend, null drops it; a CSV or YAML file with it, of
    which a run keeps what it said when it began; or the public map whose codes the file has:
    ``copernicus``, ``worldcover``, ``hrlc`` or ``mediterranean``."""
    unknown: Literal["error", "drop"] = "error"
    """What happens to labels that are neither in the legend nor in the mapping."""
    layer: str | None = None
    """Layer of a GeoPackage, or shapefile in a zip, where there are several."""
    crs: str | None = None
    """Reference system of files that declare none, such as ``EPSG:32630``."""
    sources: tuple[LabelSource, ...] = ()
    """What differs for one of several label files."""
    conflicts: Literal["drop", "first"] = "drop"
    """A place of several classes: drop all its points, or keep those of the file named first."""
    polygons: Literal["pole", "grid", "random"] = "pole"
    """One point per polygon at its pole of inaccessibility; a grid of points inside; or random
    points inside, 30 m apart."""
    grid_step_m: float = Field(30.0, gt=0, allow_inf_nan=False)
    """Distance of the points of ``grid``, metres."""
    points_per_polygon: int = Field(10, ge=1)
    """Most random points in one part of a polygon; it gives one, and another for each hectare."""
    min_radius_m: float = Field(0.0, ge=0, allow_inf_nan=False)
    """Polygons whose inner circle is smaller are dropped, metres."""
    points_per_class: int = Field(200, ge=1)
    """Points drawn per class from a label raster."""
    neighbourhood: Literal[1, 3] = 3
    """Side of the block of pixels taken around a point; 1 in polygons narrower than 30 m."""
    assign: Literal["primary", "all", "mgrs"] = "primary"
    """Which of the overlapping tiles gets a point."""

    _keys = field_validator("mapping", mode="before")(with_text_keys)

    @field_validator("legend", mode="before")
    @classmethod
    def _a_legend_has_a_name(cls, legend: Any) -> Any:
        if not isinstance(legend, str):
            return legend
        if legend not in LEGENDS:
            raise ValueError(f"no legend {legend!r}; known are {', '.join(LEGENDS)}")
        return LEGENDS[legend]

    @model_validator(mode="wrap")
    @classmethod
    def _with_merged_classes(cls, data: Any, handler: ModelWrapValidatorHandler[Labels]) -> Labels:
        labels = handler(data)
        if not labels.merge:
            return labels
        return labels.model_copy(update={"legend": labels.legend.merged(labels.merge)})
