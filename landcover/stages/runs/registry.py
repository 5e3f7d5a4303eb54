"""Stage names and the functions behind them; imported by workers, never by DAG files."""

from __future__ import annotations

from collections.abc import Mapping

from landcover.nouns.run import Stage
from landcover.stages.accuracy.validate import validate
from landcover.stages.learning.explain import explain
from landcover.stages.learning.sample import sample
from landcover.stages.learning.train import train
from landcover.stages.maps.classify import classify
from landcover.stages.maps.mosaic import mosaic
from landcover.stages.preparation.collect import collect
from landcover.stages.preparation.composite import composite
from landcover.stages.preparation.mask import mask
from landcover.stages.preparation.terrain import terrain
from landcover.stages.reports.publish import publish
from landcover.stages.task import StageFunction

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
