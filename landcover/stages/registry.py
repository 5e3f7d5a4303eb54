"""Stage names and the functions behind them; imported by workers, never by DAG files."""

from __future__ import annotations

from collections.abc import Mapping

from landcover.nouns.run import Stage
from landcover.parts.task import StageFunction
from landcover.stages.classify import classify
from landcover.stages.collect import collect
from landcover.stages.composite import composite
from landcover.stages.explain import explain
from landcover.stages.mask import mask
from landcover.stages.mosaic import mosaic
from landcover.stages.publish import publish
from landcover.stages.sample import sample
from landcover.stages.terrain import terrain
from landcover.stages.train import train
from landcover.stages.validate import validate

STAGE_FUNCTIONS: Mapping[Stage, StageFunction] = {
    "collect": collect,
    "mask": mask,
    "composite": composite,
    "terrain": terrain,
    "sample": sample,
    "train": train,
    "explain": explain,
    "classify": classify,
    "mosaic": mosaic,
    "validate": validate,
    "publish": publish,
}
