"""The label report: a page that opens from disk and shows each point in its place."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from landcover.nouns.label_summary import (
    ClassCount,
    Conflict,
    LabelSummary,
    SourceCount,
    Spacing,
    TileCount,
)
from landcover.publish.label_map import MOST_POINTS, label_map
from landcover.publish.label_report import metres, render_labels

CLASSES = (
    ClassCount(code=1, name="wood", title="Wood & <scrub>", colour="#007800", points=2, groups=2,
               second={"pine": 1, "oak": 1}),
    ClassCount(code=2, name="sea", title="Sea", colour="#0032C8", points=1, groups=1),
)  # fmt: skip


def points(lon: list[float], lat: list[float], code: list[int]) -> pd.DataFrame:
    ids = [f"{number:016x}" for number in range(len(lon))]
    return pd.DataFrame({"point_id": ids, "lon": lon, "lat": lat, "code": code})


POINTS = points([-4.6, -4.5, -4.4], [36.6, 36.7, 36.6], [1, 1, 2])


def summary(**changes: Any) -> LabelSummary:
    known: dict[str, Any] = {
        "points": 3, "groups": 3, "classes": CLASSES,
        "sources": (SourceCount(name="a.csv", points=3, classes={"wood": 2, "sea": 1}),),
        "tiles": (TileCount(tile="30SUF", points=2, classes={"wood": 2}),),
        "tiles_are_given": True, "outside": 1, "outside_classes": {"sea": 1},
        "dropped": {"duplicate": 7}, "conflict_places": 1,
        "conflicts": (Conflict(lon=1.5, lat=2.5, label="wood", source="a.csv", number=12,
                               is_kept=False),),
        "single_pixels": 0, "spacing": Spacing(nearest_m=12.3, median_m=4567, near=2, near_other=0),
        "warnings": ("Look at <this>.",),
    }  # fmt: skip
    return LabelSummary(**{**known, **changes})


class Balanced(HTMLParser):
    """Fails where an element is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_says_what_was_counted() -> None:
    page = render_labels(summary(), POINTS)
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    for said in ("Ground truth: 3 points of 2 classes", "Look at &lt;this&gt;.", "66.7 %", "pine",
                 "Wood &amp; &lt;scrub&gt;", "1.5000000", "4.57 km", "of the 1 given hold points",
                 "outside", "duplicate"):  # fmt: skip
        assert said in page, said
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:,)', page)
    assert page == render_labels(summary(), POINTS)


def test_the_page_without_tiles_conflicts_or_spacing() -> None:
    bare = summary(tiles=(), tiles_are_given=False, outside=3, conflicts=(), conflict_places=0,
                   spacing=None, dropped={}, warnings=())  # fmt: skip
    page = render_labels(bare, POINTS)
    assert 'id="conflicts"' not in page
    assert "Nearest other" not in page


def test_every_point_is_drawn_in_its_place() -> None:
    drawing = label_map(POINTS, CLASSES, [])
    wood, sea = ([tuple(map(float, p.split())) for p in re.findall(r"M([\d. ]+)h0", d.path)]
                 for d in drawing.dots)  # fmt: skip
    assert [dots.colour for dots in drawing.dots] == ["#007800", "#0032C8"]
    (x0, y0), (x1, y1) = wood
    ((x2, y2),) = sea
    assert x0 < x1 < x2
    assert y1 < y0 == y2  # north is up
    # A tenth of a degree of longitude is cos(36.65°) of one of latitude.
    assert (x1 - x0) / (y0 - y1) == pytest.approx(np.cos(np.radians(36.65)), rel=0.01)
    assert all(0 < x < drawing.width and 0 < y < drawing.height for x, y in [*wood, *sea])


def test_tiles_are_outlined_and_small_places_shown_close_up() -> None:
    drawing = label_map(POINTS, CLASSES, ["30SUF", "30SVF"])
    assert [(tile.tile, tile.is_named) for tile in drawing.outlines] == [
        ("30SUF", True), ("30SVF", True)
    ]  # fmt: skip
    assert "close up" in render_labels(summary(), POINTS.assign(lon=POINTS["lon"] / 1e3 - 4.5))
    assert "close up" not in render_labels(summary(), POINTS.assign(lon=[-5.2, -4.6, -4.2]))


def test_points_around_the_antimeridian_lie_together() -> None:
    drawing = label_map(points([179.9, -179.9], [0.0, 0.1], [1, 2]), CLASSES, [])
    x = [float(re.findall(r"M([\d.]+)", dots.path)[0]) for dots in drawing.dots]
    assert x[0] < x[1]
    assert any(line.text.startswith("180.0") for line in drawing.lines)


def test_one_point_is_a_map() -> None:
    drawing = label_map(POINTS.head(1), CLASSES, [])
    assert drawing.n_drawn == 1
    assert drawing.width > 0
    assert drawing.height > 0


def test_of_very_many_points_a_lot_is_drawn() -> None:
    n = MOST_POINTS + 5
    drawing = label_map(points([1.0] * n, [1.0] * n, [1] * n), CLASSES, [])
    assert drawing.n_drawn == MOST_POINTS


@pytest.mark.parametrize(
    ("distance", "text"), [(0.123, "0.123 m"), (31, "31 m"), (4567, "4.57 km"), (2e5, "200 km")]
)
def test_distances_in_words(distance: float, text: str) -> None:
    assert metres(distance) == text
