"""Smoothness in time on a few dates that can be worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover.bench import smoothness
from landcover.bench.tables import Request
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
