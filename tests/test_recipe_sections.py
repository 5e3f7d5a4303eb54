"""Sections of a recipe: explained key by key, and each a file of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from landcover.cli import cli
from landcover.errors import UsageError
from landcover.recipe import read_recipe
from landcover.recipe.explained import explained, section_names

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("[!e]*.yaml"))
TABLES = [name for name in section_names() if name not in ("seasons", "tolerance_percent")]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_what_is_explained_is_the_same_recipe(path: Path, tmp_path: Path) -> None:
    recipe = read_recipe(path)
    text = explained(recipe)
    (tmp_path / "again.yaml").write_text(text)
    assert read_recipe(tmp_path / "again.yaml") == recipe
    # Every key of every section has its meaning above it.
    lines = text.split("\n")
    for key in ("growth_m", "max_cloud_percent", "fill_voids", "train_fraction", "block_km"):
        place = next(k for k, line in enumerate(lines) if line.strip().startswith(f"{key}:"))
        assert lines[place - 1].strip().startswith("#")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_section_may_be_a_file_of_its_own(path: Path, tmp_path: Path) -> None:
    recipe = read_recipe(path)
    document = {**yaml.safe_load(explained(recipe))}
    (tmp_path / "parts").mkdir()
    for name in TABLES:
        if document.get(name) is not None:
            (tmp_path / "parts" / f"{name}.yaml").write_text(explained(recipe, name))
            document[name] = f"parts/{name}.yaml"
    (tmp_path / "whole.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    assert read_recipe(tmp_path / "whole.yaml") == recipe
    other = read_recipe(tmp_path / "whole.yaml", ["mask.growth_m=30"])
    assert (other.mask.growth_m, other.mask.threshold) == (30, recipe.mask.threshold)
    other = read_recipe(path, [f"mask={tmp_path / 'parts' / 'mask.yaml'}"])
    assert other == recipe


def test_a_wrong_file_of_a_section_is_told(tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    least = "name: r\nseasons: [{name: s, primary_month: 6, fallback_month: 7}]\n"
    recipe.write_text(least + "mask: gone.yaml\n")
    with pytest.raises(UsageError, match=r"mask: gone\.yaml: the recipe cannot be read"):
        read_recipe(recipe)
    (tmp_path / "gone.yaml").write_text("growth: 3\n")
    with pytest.raises(UsageError, match=r"'mask\.growth'; did you mean 'growth_m'"):
        read_recipe(recipe)
    (tmp_path / "gone.yaml").write_text("- 3\n")
    with pytest.raises(UsageError, match="a section is a table of keys, found list"):
        read_recipe(recipe)


def test_the_command_shows_a_section() -> None:
    shown = CliRunner().invoke(cli, ["recipe", "check", str(RECIPES[0]), "--section", "mask"])
    assert shown.exit_code == 0
    assert "# Which observations are left out" in shown.stdout
    assert yaml.safe_load(shown.stdout)["variant"] == "paper"
    wrong = CliRunner().invoke(cli, ["recipe", "check", str(RECIPES[0]), "--section", "masks"])
    assert wrong.exit_code == 2
    assert "no section of a recipe; there are seasons, selection, mask" in wrong.output


def test_layers_and_joins_say_which_probabilities_they_read() -> None:
    """Before calibration or after it (docs/methods/trust.md#calibration-in-training)."""
    recipe = read_recipe(RECIPES[0])
    joined, kept = (
        " ".join(explained(recipe, section).replace("#", " ").split())
        for section in ("mosaic", "classify")
    )
    assert "feather: calibrated probabilities averaged" in joined
    assert "each tile's calibrated probabilities follow those around" in joined
    assert "calibrated probabilities of all classes, their entropy, their margin" in kept
    assert "set_size (classes that remain plausible by the probabilities before calib" in kept
