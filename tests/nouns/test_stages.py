"""The table of stages: names, groups and modules agree, and listing it imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from landcover.nouns.stages import GROUPS, STAGES, TABLE, Group, Stage, version_of
from landcover.stages.registry import stage_function


def test_every_row_has_a_name_that_the_type_checker_knows() -> None:
    assert get_args(Stage) == STAGES
    assert get_args(Group) == tuple(GROUPS)


def test_a_group_is_a_run_of_neighbours_in_the_story() -> None:
    assert [stage for stages in GROUPS.values() for stage in stages] == list(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_a_row_leads_to_the_function_of_its_name(stage: Stage) -> None:
    function = stage_function(stage)
    assert getattr(function, "__name__", "") == stage
    assert getattr(function, "__module__", "") == TABLE[stage].module
    assert version_of(stage) >= 1


def test_listing_the_stages_imports_nothing_heavy() -> None:
    code = (
        "import sys; from landcover.nouns.stages import TABLE, GROUPS\n"
        "from landcover.stages.registry import stage_function\n"
        "import landcover.recipe\n"
        "print(*(name.partition('.')[0] for name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "sklearn", "numba", "pandas", "scipy", "rasterio", "matplotlib", "dask"}
    assert "landcover" in found.stdout
    assert not heavy & set(found.stdout.split())


def test_stages_import_what_makes_something_when_they_make_it() -> None:
    """A plan calls every stage, and loads seconds' worth of libraries for none of them."""
    code = (
        "import sys; from landcover.nouns.stages import STAGES\n"
        "from landcover.stages.registry import stage_function\n"
        "from importlib import import_module\n"
        "from landcover.nouns.feature_kind import FEATURE_KINDS\n"
        "print(*(stage_function(stage).__name__ for stage in STAGES))\n"
        "print(*(import_module(row.module).KIND for row in FEATURE_KINDS.values()))\n"
        "import landcover.labels.zones\n"
        "print(*(name.partition('.')[0] for name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "publish" in found.stdout
    assert not {"sklearn", "numba", "pandas"} & set(found.stdout.split())
