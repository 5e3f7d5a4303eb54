"""From the name of a stage to the function that does its work, imported at first use."""

from __future__ import annotations

from importlib import import_module

from landcover.nouns.stages import TABLE, Stage
from landcover.parts.task import StageFunction


def stage_function(stage: Stage) -> StageFunction:
    """Import a stage and give its function, which bears its name."""
    function: StageFunction = getattr(import_module(TABLE[stage].module), stage)
    return function
