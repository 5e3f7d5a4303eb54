"""Products of other dates that share their rasters."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.products.reading import read_product
from landcover.simulate import relink_product
from landcover.sources.local import LocalSource

from .conftest import Safe


@pytest.fixture
def june(safes: list[Safe]) -> Safe:
    return next(safe for safe in safes if safe.path.name.startswith("S2B_MSIL2A_20210608"))


def test_all_times_and_orbits_move_and_pixels_stay(june: Safe, tmp_path: Path) -> None:
    made = Safe(relink_product(june.path, tmp_path, days=20))
    assert made.path.name == june.path.name.replace("20210608", "20210628")
    before = next(june.path.glob("GRANULE/*")).name
    after = next(made.path.glob("GRANULE/*")).name
    orbit = int(re.findall(r"_A(\d{6})_", before)[0])
    assert after == before.replace("20210608", "20210628").replace(
        f"_A{orbit:06d}_", f"_A{orbit + 286:06d}_"
    )
    assert made.text("PRODUCT_URI") == made.path.name
    assert made.text("DATATAKE_SENSING_START").startswith("2021-06-28T")
    assert made.text("GENERATION_TIME").startswith("2021-06-28T")
    for file in made.path.rglob("*.xml"):
        assert "0608" not in file.read_text()
        assert "06-08" not in file.read_text()
    assert set(made.path.rglob("*.jp2")) == set(made.images.values())
    for layer, image in made.images.items():
        assert os.path.samefile(image, june.images[layer])
    assert np.array_equal(made.numbers("B02"), june.numbers("B02"))


def test_the_library_takes_it_for_a_product_of_its_own(june: Safe, tmp_path: Path) -> None:
    first = read_product(june.path)
    second = read_product(relink_product(june.path, tmp_path, days=-10))
    assert second.name != first.name
    assert (first.datatake - second.datatake).days == 10
    assert second.spacecraft == first.spacecraft
    assert second.relative_orbit == first.relative_orbit
    assert second.layers == first.layers
    assert second.warnings == ()


def test_links_to_another_disk_are_symbolic(
    june: Safe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    made = Safe(relink_product(june.path, tmp_path, days=10))
    assert all(image.is_symlink() for image in made.images.values())
    assert np.array_equal(made.numbers("SCL"), june.numbers("SCL"))


def test_a_product_taken_from_its_folder_stays_marked(june: Safe, tmp_path: Path) -> None:
    relink_product(june.path, tmp_path, days=10)
    assert not (tmp_path / "SIMULATED.txt").exists()
    assert LocalSource(tmp_path).is_simulated


@pytest.mark.parametrize("days", [0, 5, -15])
def test_other_days_are_refused(june: Safe, tmp_path: Path, days: int) -> None:
    with pytest.raises(InputError, match="multiple of 10"):
        relink_product(june.path, tmp_path, days=days)


def test_real_products_and_existing_ones_are_left_alone(june: Safe, tmp_path: Path) -> None:
    relink_product(june.path, tmp_path, days=10)
    with pytest.raises(InputError, match="exists"):
        relink_product(june.path, tmp_path, days=10)
    real = tmp_path / june.path.name
    real.mkdir()
    with pytest.raises(InputError, match="only simulated products"):
        relink_product(real, tmp_path, days=10)
