"""The benches of textures and filling judge what they say they judge."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from landcover.bench.restore import gap_errors, hidden_errors, real_gaps
from landcover.bench.texture import by_scikit_image, write_image
from landcover.cli import cli
from landcover.raster.texture import glcm_textures
from landcover.stores.rasters import read_array

MONTHS = np.arange(20) % 12 + 1


def test_hidden_months_of_a_line_are_filled_without_error() -> None:
    line = 100.0 * np.arange(20)[:, None, None, None] + np.zeros((20, 2, 3, 3))
    told = hidden_errors(line, MONTHS)
    assert set(told) >= {"Runs of 1", "Runs of 2", "Runs of 3", "One month of winter"}
    # Of the middle of three nothing is adjacent; the ends of two are a month off.
    assert told["Runs of 1"].startswith("ours 0, deck 0 on 100 %")
    assert told["Runs of 2"].startswith("ours 0, deck 100 on 100 %")
    assert told["Runs of 3"].startswith("ours 0, deck 100 on 67 %")
    assert "same month of the other year 1200" in told["Runs of 1"]


def test_what_is_unknown_is_not_judged() -> None:
    months = np.ones((20, 1, 2, 2))
    months[:, :, 0] = np.nan
    judged = [int(re.sub(r".*; ([\d,]+) numbers", r"\1", text).replace(",", ""))
              for text in hidden_errors(months, MONTHS).values()]  # fmt: skip
    assert judged[0] == 18 * 2, "months 1 to 18, two pixels each"


def test_the_rival_computes_the_same(tmp_path: Path) -> None:
    write_image(tmp_path / "texture.tif", 20, seed=1)
    band = read_array(tmp_path / "texture.tif")[0][0]
    ours = np.stack(glcm_textures(band))[:, 3:-3, 3:-3]
    np.testing.assert_allclose(ours, by_scikit_image(band), rtol=1e-6, atol=1e-6)


def test_a_window_that_is_none_is_told(tmp_path: Path) -> None:
    asked = ["features", "--tile", "30SUF", "--export", str(tmp_path / "out"), "--window", "1,2,3",
             "--workspace", str(tmp_path / "none")]  # fmt: skip
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 2
    assert "--window 1,2,3: expected row,column,height,width in pixels." in done.output
    assert not list(tmp_path.iterdir()), "nothing was made"


def test_gaps_are_counted_by_their_first_month_and_length() -> None:
    missing = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0]], bool).T[:, None]
    assert real_gaps(missing, np.array([11, 12, 1, 2, 3])) == {(12, 2): 1, (3, 1): 1, (11, 2): 1}


def test_hidden_runs_weigh_as_often_as_such_gaps_occur() -> None:
    # A bend in the third month: it alone is filled wrongly, by 100; a line is filled rightly.
    line = np.array([0, 100, 300, 300, 400, 500, 600], float).reshape(-1, 1, 1, 1)
    months = np.arange(1, 8)
    told = gap_errors(line, months, {(3, 1): 3, (5, 1): 1, (6, 4): 4})
    ((case, text),) = told.items()
    assert case == "As real gaps lie (50 % of their kinds)"
    assert text.startswith("ours 75,")
    assert gap_errors(line, months, {(6, 4): 4}) == {}
