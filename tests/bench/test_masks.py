"""The bench of masks on three dates whose errors can be worked by hand."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deliveries import angle_xml, deliver

from landcover.bench import mask_cost, masks
from landcover.bench.tables import Request, lines
from landcover.errors import InputError


@pytest.fixture
def asked(tmp_path: Path, workspace_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """A clear date of 1000, and two of 1100 and 1300 that are cloudy from the left."""
    for day, value, n_cloud in ((3, 1000, 0), (6, 1100, 4), (9, 1300, 8)):
        scl = np.full((12, 12), 4)
        scl[:, :n_cloud] = 9
        layers = {"B04": np.full((12, 12), value), "SCL": scl}
        layers["B04"][0, 11] = 1000
        cloud = 100 * n_cloud / 12
        deliver(tmp_path / "in", day, layers, {}, angle_xml((35, 150), (0, 100)), cloud=cloud)
    few = {"no growth": ("mask.growth_m=0",), "wide": ("mask.growth_m=60",),
           "ladder": ("composite.ladder.growths_m=[60, 0]",)}  # fmt: skip
    monkeypatch.setattr(masks, "VARIANTS", few)
    folder = tmp_path / "scratch"
    folder.mkdir()
    return Request(folder=folder, region=tmp_path / "in")


def test_errors_worked_by_hand(asked: Request) -> None:
    told: list[float] = []
    report = masks.measure(asked, lambda share, what: told.append(share))
    assert report.facts == {"31UDS truth": "2021-06-03 against 2 dates"}
    found: dict[str, Any] = {row.engine: row.result for row in report.rows}
    assert list(found) == [n + v for v in ("", " + nbar") for n in ("no growth", "wide", "ladder")]
    # Columns 0-3 are cloud on both dates, 4-7 on one, 8-11 on none: 1100 and mean 1200.
    assert [found[n]["nodata_percent"] for n in masks.VARIANTS] == [33.33, 41.67, 33.33]
    plain = found["no growth"]["bands"]["B04"]
    assert (plain["pixels"], plain["bias"], plain["median"]) == (96, 100, 100)
    # 48 px of 100, 47 of 200, one of 0.
    assert plain["mean"] == round((48 * 100 + 47 * 200) / 96, 1)
    assert plain["mean_unbiased"] == round((47 * 100 + 100) / 96, 1)
    # The wide mask hides one column more of each date, 4 and 8: there the second rung counts.
    assert found["wide"]["bands"]["B04"]["pixels"] == 84
    assert found["ladder"]["shared"]["B04"] == found["wide"]["bands"]["B04"]
    rungs = found["ladder"]["rungs"]
    assert [rungs[name]["B04"]["pixels"] for name in ("60 m", "0 m")] == [84, 12]
    assert rungs["0 m"]["B04"]["median"] == 100
    # Seen from straight above, the view changes nothing.
    assert found["ladder + nbar"] == found["ladder"]
    assert told == sorted(told)
    text = "\n".join(lines(report))
    assert "31UDS ladder" in text
    assert "rung 60 m" in text


def test_what_it_needs_is_told(asked: Request, tmp_path: Path) -> None:
    # Without a folder of products, the cost of refinement is measured: a quarter is simulated.
    plain = Request(folder=tmp_path)
    assert masks.disk_gb(plain) == mask_cost.disk_gb(plain) > 0
    assert asked.region is not None
    for place in sorted(asked.region.iterdir())[1:]:
        place.rename(tmp_path / place.name)
    with pytest.raises(InputError, match="no tile here has several dates"):
        masks.measure(asked, lambda *_: None)


@pytest.mark.slow
def test_what_refinement_costs_is_measured_beside_decoding(tmp_path: Path) -> None:
    asked = Request(folder=tmp_path, pixels=240, products=6, repeats=1)
    report = masks.measure(asked, lambda *_: None)
    engines = ["mask.variant deck", "mask.variant ours", "decode alone, once each"]
    if find_spec("ukis_csmask") is not None:
        engines.insert(2, mask_cost.UKIS)
    assert [row.engine for row in report.rows] == engines
    assert [row.result["masks"] for row in report.rows[:-1]] == [6] * (len(engines) - 1)
    assert report.rows[-1].result == {"products": 6, "widest": 240}
    assert len(report.notes) == 2, "the learned mask reads other bands"
    assert "of the CPU of decoding SCL, B02, B11, B08 once each" in report.notes[0]
