"""Quality of tiles: colours, shares, footprints."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from pyproj import Geod
from shapely.geometry import shape

from landcover.errors import InputError
from landcover.nouns.colour import rgb_of
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output, Wanted
from landcover.publish.outlines import outline_of
from landcover.publish.quality import (
    Candidate,
    SeasonQuality,
    TileQuality,
    describe,
    feature_collection,
    quality_colour,
    safe_quality_colour,
    season_quality,
    why_degraded,
    worst_first,
)
from landcover.tiling import tile_grid

GRID = Grid(crs="EPSG:32631", ulx=501360, uly=5629680, pixel=10, width=64, height=64)


@pytest.mark.parametrize(
    ("percent", "colour"),
    [
        (0, "#00FF00"), (5, "#00FF00"), (10, "#55AA00"), (12.5, "#808000"), (20, "#FF0000"),
        (37, "#FF0000"), (None, "#808080"),
    ],
)  # fmt: skip
def test_colours_run_from_green_to_red(percent: float | None, colour: str) -> None:
    assert quality_colour(percent) == colour


def tile(*shares: float | None) -> TileQuality:
    seasons = tuple(
        SeasonQuality(period=f"2021-s{i}", status="empty" if s is None else "ok", nodata_percent=s)
        for i, s in enumerate(shares)
    )
    return TileQuality(tile="31UDS", grid=GRID, geometry=outline_of(GRID), seasons=seasons)


def test_the_worst_season_decides() -> None:
    assert tile(1, 12.5, 3).nodata_percent == 12.5
    assert tile(1, 12.5, 3).colour == "#808000"


def test_a_tile_without_a_season_is_grey() -> None:
    assert tile(1, None).nodata_percent is None
    assert (tile(1, None).colour, tile(1, None).status) == ("#808080", "empty")


def test_the_map_of_the_tiles_is_geojson() -> None:
    document = json.loads(json.dumps(feature_collection([tile(7, 12.5)])))
    feature = document["features"][0]
    assert shape(feature["geometry"]).is_valid
    assert feature["properties"]["color"] == "#808000"
    assert feature["properties"]["nodata_pct"] == 12.5
    assert feature["properties"]["status_by_season"] == {"2021-s0": "ok", "2021-s1": "ok"}
    assert feature["properties"]["nodata_pct_by_season"] == {"2021-s0": 7, "2021-s1": 12.5}


@pytest.mark.parametrize("name", ["31UDS", "30SUF", "19HCC"])
def test_a_footprint_has_the_area_of_its_tile(name: str) -> None:
    area, _ = Geod(ellps="WGS84").geometry_area_perimeter(shape(outline_of(tile_grid(name))))
    assert area == pytest.approx(109_800**2, rel=0.005)  # positive: counter-clockwise


def test_a_footprint_is_cut_at_the_antimeridian() -> None:
    found = shape(outline_of(tile_grid("01KAB")))
    assert found.geom_type == "MultiPolygon"
    assert found.is_valid
    assert shapely.union_all(found).bounds[0] == -180
    assert found.bounds[2] == 180


def test_only_utm_grids_have_footprints() -> None:
    with pytest.raises(InputError, match="UTM"):
        outline_of(GRID.model_copy(update={"crs": "EPSG:3857"}))


def output(stage: str, params: dict[str, object], stats: dict[str, object]) -> Output:
    wanted = Wanted(stage=stage, version=1, unit="31UDS/2021-spring", inputs={}, params=params)
    return Output(id=wanted.id, wanted=wanted, key="", files=(), stats=stats)


CHOICE = (
    Candidate(
        name="A", date="2021-03-05", baseline=400, cloud_percent=1.0, nodata_percent=0.0,
        is_used=True, reason="primary month",
    ),
    Candidate(
        name="B", date="2021-03-08", cloud_percent=71.4, nodata_percent=0.0, is_used=False,
        reason="cloud 71.4 % above 20 %",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("min_clear", "missing"), [(1, 10.0), (2, 30.0)])
def test_pixels_with_too_few_observations_are_missing(min_clear: int, missing: float) -> None:
    coverage = {"percent_0": 10.0, "percent_1": 20.0, "percent_2_or_more": 70.0}
    stats = {
        "status": "degraded",
        "coverage": coverage,
        "missing_layers": ["B09"],
        "warnings": [],
        "products": [
            {
                "name": "A", "date": "2021-03-05", "baseline": 509, "offsets": [-1000],
                "offset_decision": "metadata", "cloud_percent": 1.0, "nodata_percent": 0.0,
                "mask": {"cloud_percent": 1.0},
            }
        ],
    }  # fmt: skip
    composite = output("composite", {"min_clear": min_clear}, stats)
    season = season_quality("2021-spring", CHOICE, composite)
    assert season.nodata_percent == missing
    assert (season.status, season.basis) == ("degraded", "composite")
    assert why_degraded(stats) == ("fewer than two full products", "no product has B09")
    assert why_degraded({**stats, "status": "ok", "missing_layers": []}) == ()
    # What the composite knows of its products wins over what their names say.
    assert [(c.name, c.baseline, c.offsets) for c in season.used] == [("A", 509, (-1000,))]
    assert [(c.name, c.offsets) for c in season.candidates] == [("A", (-1000,)), ("B", ())]


def test_a_season_without_a_composite_keeps_its_candidates_and_reason() -> None:
    season = season_quality(
        "2021-spring", CHOICE, None, unreadable=["C: damaged"], reason="the mask failed"
    )
    assert (season.status, season.reason, season.basis) == ("empty", "the mask failed", None)
    assert [c.reason for c in season.candidates] == ["primary month", "cloud 71.4 % above 20 %"]
    assert season.unreadable == ("C: damaged",)
    assert season.cloud_percent == 1.0


def test_the_tiles_to_look_at_first_are_those_without_composites() -> None:
    def named(name: str, *shares: float | None) -> TileQuality:
        return tile(*shares).model_copy(update={"tile": name})

    tiles = [named("31UDS", 1, 2), named("31UES", 30, 2), named("31UFS", 1, None),
             named("31UDT", None, None), named("31UET", 9, None)]  # fmt: skip
    ranked = [found.tile for found in worst_first(tiles)]
    assert ranked == ["31UDT", "31UET", "31UFS", "31UES", "31UDS"]


def test_a_line_says_what_hovering_shows() -> None:
    assert describe(tile(1, 12.5)) == "31UDS: ok, 12.5 % missing, 0 products"
    assert describe(tile(None)) == "31UDS: empty, share unknown, 0 products"


@pytest.mark.parametrize(
    ("percent", "colour"),
    [(0, "#FFF7BC"), (5, "#FFF7BC"), (12.5, "#ECAB65"), (20, "#D95F0E"), (None, "#808080")],
)
def test_colours_for_colour_blind_readers_grow_darker(percent: float | None, colour: str) -> None:
    assert safe_quality_colour(percent) == colour
    # Relative luminance alone tells good from bad: no reader needs the hue.
    lightness = [
        float(np.dot((0.2126, 0.7152, 0.0722), rgb_of(safe_quality_colour(share))))
        for share in range(5, 21)
    ]
    assert lightness == sorted(lightness, reverse=True)
    assert lightness[0] > 2 * lightness[-1]
