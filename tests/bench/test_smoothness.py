"""Smoothness in time on a few dates that can be worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover.bench import smoothness
from landcover.bench.tables import Cost, Request, Row
from landcover.errors import InputError


def series(judge: list[float], days: list[int]) -> smoothness.Series:
    values = np.array(judge, np.float32).reshape(-1, 1, 1)
    blue = np.zeros(values.shape, np.int16)
    codes = np.full(values.shape, 4, np.uint8)
    return smoothness.Series(
        np.array(days), np.zeros(len(days), np.int64), blue, blue, blue, values, codes
    )


def test_departures_are_from_the_line_between_clear_neighbours() -> None:
    found = series([1000, 5000, 1300, 1500, 2000], [0, 5, 10, 20, 60])
    clear = np.array([True, False, True, True, True]).reshape(-1, 1, 1)
    masks = dict.fromkeys(("SCL", "deck", "ours, 400"), clear)
    departure = smoothness.departures(found, masks)[:, 0, 0]
    # Day 5: halfway between 1000 and 1300. Day 10: halfway between 1000 and 1500. The first and
    # the last date have one neighbour, and day 20 one that is 40 days away.
    assert departure[1:3].tolist() == [3850, 50]
    assert np.isnan(departure[[0, 3, 4]]).all()


def test_figures_of_what_is_kept() -> None:
    departure = np.array([10, 20, 90, np.nan], np.float32).reshape(-1, 1, 1)
    seen = np.isfinite(departure)
    clear = np.array([True, True, False, True]).reshape(-1, 1, 1)
    figures = smoothness._figures(departure, seen, clear, seen)
    assert figures["kept_percent"] == 66.7
    assert figures["departure"] == 15
    assert figures["minus_scl"][0] < 0
    same = smoothness._figures(departure, seen, seen, seen)
    assert same["minus_scl"] == [0, 0]


def test_what_it_needs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANDCOVER_DATA", raising=False)
    with pytest.raises(InputError, match="bench smoothness: LANDCOVER_DATA must name a folder"):
        smoothness.measure(Request(folder=tmp_path), lambda *_: None)
    assert smoothness.disk_gb(Request(folder=tmp_path)) == 0


def test_harvest_is_bare_ground_after_vegetation_that_stays_bare() -> None:
    found = series([0] * 6, [0, 5, 10, 15, 20, 25])
    codes = np.array([4, 9, 5, 3, 5, 4], np.uint8).reshape(-1, 1, 1)
    ground = smoothness.ground_changes(found._replace(scl=codes))
    assert ground["bare"][:, 0, 0].tolist() == [False, False, True, False, True, False]
    # The second date of bare ground follows bare ground; were the next one green, neither counts.
    assert ground["harvest"][:, 0, 0].tolist() == [False, False, True, False, False, False]
    codes[4] = 4
    assert not smoothness.ground_changes(found._replace(scl=codes))["harvest"].any()


def test_the_picture_has_a_curve_a_family(tmp_path: Path) -> None:
    result = {"kept_percent": 50.0, "departure": 480.0, "interval": [400.0, 570.0],
              "called_cloud_percent": {"bare": 3.0, "snow": 9.0}}  # fmt: skip
    names = ("SCL", "deck", "ours, 200", "ours, 400", "B02 below 400", "SCL, 90% at random")
    rows = [Row("x", name, Cost(0, 0, 0), repeats=1, result=result) for name in names]
    path = smoothness._draw(rows, tmp_path / "pictures")
    assert path.read_bytes()[:4] == b"\x89PNG"
