"""The front door: what it writes, what it refuses, and that it writes the same twice."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.simulate import SimulatedRegion, simulate


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_everything_is_where_the_region_says(region: SimulatedRegion) -> None:
    assert region.tiles == ("30SUF", "30SVF")
    assert len(list(region.products.glob("*.SAFE"))) == 2 * (3 * 3 + 2)
    assert [path.name for path in region.dem.iterdir()] == ["ASTGTMV003_N36W005_dem.tif"]
    assert all(path.is_file() for path in region.truth.values())
    assert "says nothing about the world" in (region.folder / "SIMULATED.txt").read_text()


def test_same_seed_same_bytes_and_another_seed_another_region(tmp_path: Path) -> None:
    one, same, other = (
        digests(simulate(tmp_path / name, tiles=["31TCJ"], seed=seed).folder)
        for name, seed in (("one", 3), ("same", 3), ("other", 4))
    )
    assert one == same
    changed = {name for name in one if one[name] != other.get(name)}
    assert {Path(name).suffix for name in changed} >= {".jp2", ".tif", ".geojson", ".xml"}


def test_progress_rises_from_nothing_to_all(tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []
    simulate(tmp_path, tiles=["31TCJ"], progress=lambda what, done: heard.append((what, done)))
    shares = [done for _, done in heard]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert any("31TCJ 2021-06" in what for what, _ in heard)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"pixels": 234}, "multiple of 6 from 240 to 1100"),
        ({"pixels": 250}, "multiple of 6 from 240 to 1100"),
        ({"year": 1999}, "2016 to 2099"),
        ({"products_per_season": 2}, "3 to 6"),
        ({"points_per_class": 0}, "1 to 10000"),
        ({"seed": -1}, "from 0"),
        ({"tiles": ["30SUF", "31TCJ"]}, "one UTM zone"),
        ({"tiles": []}, "one UTM zone"),
        ({"tiles": ["30SUF", "30SWF"]}, "do not touch"),
        ({"tiles": ["30IUF"]}, "is no Sentinel-2 tile"),
        ({"tiles": ["30PUF"]}, "no such square in latitude band P"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(
    tmp_path: Path, arguments: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        simulate(tmp_path / "region", **arguments)  # type: ignore[arg-type]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="not an empty folder"):
        simulate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
