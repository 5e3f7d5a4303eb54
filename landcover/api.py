"""The front door: every public name, and nothing heavy at import.

Names are looked up where they live when they are first used, so that a DAG file or a command
line that only needs one of them does not pay for the others. Functions that take arrays take
numpy or xarray alike (:mod:`landcover.views.adapter`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landcover.features import normalisation as _normalisation
    from landcover.front.estimates import estimate as estimate
    from landcover.front.estimates import record_estimate as record_estimate
    from landcover.front.experiments import experiment_runs as experiment_runs
    from landcover.front.experiments import publish_experiment as publish_experiment
    from landcover.front.quality import publish_quality as publish_quality
    from landcover.front.questions import label_next as label_next
    from landcover.front.questions import quality_map as quality_map
    from landcover.front.runs import cancel as cancel
    from landcover.front.runs import mark_lost as mark_lost
    from landcover.front.runs import plan as plan
    from landcover.front.runs import plan_lanes as plan_lanes
    from landcover.front.runs import report as report
    from landcover.front.runs import run as run
    from landcover.front.runs import run_inline as run_inline
    from landcover.front.runs import start_run as start_run
    from landcover.front.shards import adopt as adopt
    from landcover.front.shards import left_of_shard as left_of_shard
    from landcover.front.shards import plan_shards as plan_shards
    from landcover.front.shards import report_shard as report_shard
    from landcover.front.shards import stop_shard as stop_shard
    from landcover.front.tile_detail import tile_detail as tile_detail
    from landcover.front.tile_detail import tile_picture as tile_picture
    from landcover.front.watching import run_changes as run_changes
    from landcover.front.watching import run_roster as run_roster
    from landcover.front.watching import units_of_cause as units_of_cause
    from landcover.front.workspace import open_workspace as open_workspace
    from landcover.labels.polygons import polygons_to_points as polygons_to_points
    from landcover.labels.reading import read_labels as read_labels
    from landcover.learn.accuracy import accuracy as accuracy
    from landcover.learn.area import area_weighted_accuracy as area_weighted_accuracy
    from landcover.learn.area import sample_size as sample_size
    from landcover.learn.balancing import balance as balance
    from landcover.learn.calibrator import calibrate as calibrate
    from landcover.learn.explain import explain as explain
    from landcover.learn.selection import select_features as select_features
    from landcover.learn.separability import jeffries_matusita as jeffries_matusita
    from landcover.raster import (
        clouds,
        composite,
        denoise,
        gap_filling,
        indices,
        terrain,
        texture,
        topography,
    )
    from landcover.raster import (
        refine_masks as _refining,
    )
    from landcover.raster.terrain_shadow import restore_terrain_shadow as restore_terrain_shadow
    from landcover.recipe import read_recipe as read_recipe
    from landcover.simulate import simulate as simulate
    from landcover.tiling import primary_tile as primary_tile
    from landcover.tiling import tile_grid as tile_grid
    from landcover.tiling import tiles_containing as tiles_containing
    from landcover.tiling import tiles_intersecting as tiles_intersecting
    from landcover.views.adapter import adapted
    from landcover.views.axes import ROWS
    from landcover.views.fitting import fit_classifier as fit_classifier
    from landcover.views.maps import mosaic as mosaic
    from landcover.views.opening import load_model as load_model
    from landcover.views.opening import open_composite as open_composite
    from landcover.views.opening import open_features as open_features
    from landcover.views.opening import open_map as open_map
    from landcover.views.opening import open_product as open_product
    from landcover.views.samples import sample_at as sample_at

    correct_topography = adapted(topography.correct_topography, ROWS["correct_topography"])
    denoise_dem = adapted(denoise.denoise_dem, ROWS["denoise_dem"])
    expand_cloud_mask = adapted(clouds.expand_cloud_mask, ROWS["expand_cloud_mask"])
    fill_gaps = adapted(gap_filling.fill_gaps, ROWS["fill_gaps"])
    glcm_textures = adapted(texture.glcm_textures, ROWS["glcm_textures"])
    median_composite = adapted(composite.median_composite, ROWS["median_composite"])
    refine_masks = adapted(_refining.refine_masks, ROWS["refine_masks"])
    normalise = adapted(_normalisation.normalise, ROWS["normalise"])
    slope_aspect = adapted(terrain.slope_aspect, ROWS["slope_aspect"])
    spectral_index = adapted(indices.spectral_index, ROWS["spectral_index"])

_HOMES = {
    "features.normalisation": ("normalise",),
    "front.estimates": ("estimate", "record_estimate"),
    "front.experiments": ("experiment_runs", "publish_experiment"),
    "front.quality": ("publish_quality",),
    "front.questions": ("label_next", "quality_map"),
    "front.runs": (
        "cancel", "mark_lost", "plan", "plan_lanes", "report", "run", "run_inline", "start_run",
    ),
    "front.shards": ("adopt", "left_of_shard", "plan_shards", "report_shard", "stop_shard"),
    "front.tile_detail": ("tile_detail", "tile_picture"),
    "front.watching": ("run_changes", "run_roster", "units_of_cause"),
    "front.workspace": ("open_workspace",),
    "labels.polygons": ("polygons_to_points",),
    "labels.reading": ("read_labels",),
    "learn.accuracy": ("accuracy",),
    "learn.area": ("area_weighted_accuracy", "sample_size"),
    "learn.balancing": ("balance",),
    "learn.calibrator": ("calibrate",),
    "learn.explain": ("explain",),
    "learn.selection": ("select_features",),
    "learn.separability": ("jeffries_matusita",),
    "raster.clouds": ("expand_cloud_mask",),
    "raster.composite": ("median_composite",),
    "raster.denoise": ("denoise_dem",),
    "raster.gap_filling": ("fill_gaps",),
    "raster.indices": ("spectral_index",),
    "raster.refine_masks": ("refine_masks",),
    "raster.terrain": ("slope_aspect",),
    "raster.terrain_shadow": ("restore_terrain_shadow",),
    "raster.texture": ("glcm_textures",),
    "raster.topography": ("correct_topography",),
    "recipe": ("read_recipe",),
    "simulate": ("simulate",),
    "tiling": ("primary_tile", "tile_grid", "tiles_containing", "tiles_intersecting"),
    "views.fitting": ("fit_classifier",),
    "views.maps": ("mosaic",),
    "views.opening": (
        "load_model", "open_composite", "open_features", "open_map", "open_product",
    ),
    "views.samples": ("sample_at",),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Find a public name where it lives."""
    if name not in _HOME:
        raise AttributeError(f"landcover.api has no {name!r}; it has {', '.join(__all__)}")
    found = getattr(import_module(f"landcover.{_HOME[name]}"), name)
    row = import_module("landcover.views.axes").ROWS.get(name)
    if row is not None:
        found = import_module("landcover.views.adapter").adapted(found, row)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names: what completion and help show."""
    return __all__
