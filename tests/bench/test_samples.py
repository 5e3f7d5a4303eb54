"""The benches of samples and of training: every way gives the same, and answers are compared."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landcover.bench import layers, samples, train
from landcover.bench.tables import Request
from landcover.labels.reading import read_labels
from landcover.stages.sample import sample
from landcover.stores.rasters import read_array

PIXELS = 120


@pytest.fixture(autouse=True)
def same_environment(monkeypatch: pytest.MonkeyPatch, workspace_folder: Path) -> None:
    """Give the variables back that a bench takes away from its process."""
    for name, value in list(os.environ.items()):
        if name.startswith("LANDCOVER_"):
            monkeypatch.setenv(name, value)


def test_every_way_of_sampling_gives_the_same_numbers(tmp_path: Path) -> None:
    layers.write_layers(tmp_path / "layers", PIXELS, 3, lambda share, what: None)
    samples.write_labels(tmp_path, "few", PIXELS, 20, 3)
    found = {
        work.__name__: work(str(tmp_path), PIXELS)()()
        for work in (samples.ours, samples.by_windows, samples.by_bands)
    }
    assert len(set(found.values())) == 1, found


def test_the_sampled_numbers_are_those_of_the_files(tmp_path: Path) -> None:
    layers.write_layers(tmp_path / "layers", PIXELS, 3, lambda share, what: None)
    samples.write_labels(tmp_path, "few", PIXELS, 20, 3)
    task = layers.task_at_sampling(tmp_path / "layers", tmp_path / "few.csv", tmp_path, PIXELS)
    sample(task)
    assert task.made[0].stats["n_points"] == 20
    with task.local(task.made[0]) as path:
        table = pd.read_parquet(path)
    assert len([name for name in table if name.startswith(("spring_", "autumn_"))]) == 46
    for name, layer, ratio in (("summer_B04", "B04", 1), ("autumn_B09", "B09", 6)):
        values, grid = read_array(tmp_path / "layers" / name.split("_")[0] / f"{layer}.tif")
        assert grid.pixel == 10 * ratio
        there = values[0, table["row"] // ratio, table["column"] // ratio]
        np.testing.assert_array_equal(table[name], (there / 10_000).astype(np.float32))


def test_both_files_hold_the_same_labels(tmp_path: Path) -> None:
    samples.write_labels(tmp_path, "many", PIXELS, 50, 1)
    csv = read_labels(tmp_path / "many.csv").points
    parquet = read_labels(tmp_path / "many.parquet").points
    assert len(csv) == 50
    columns = ["lon", "lat", "code"]
    pd.testing.assert_frame_equal(csv[columns], parquet[columns])


def test_ours_answers_as_scikit_learn_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "TREES", 3)
    monkeypatch.setattr(train, "HELD_OUT", 90)
    known = {"folder": str(tmp_path), "rows": 180, "seed": 0, "threads": 1}
    train.ours(kind="random-forest", **known)()()
    train.scikit_learn(**known)()()
    mine, theirs = (np.load(tmp_path / f"{n}.npy") for n in ("random-forest", "scikit-learn-0"))
    assert mine.shape == (90,)
    np.testing.assert_array_equal(mine, theirs)


def test_made_up_points_do_not_come_twice() -> None:
    features, codes = train.samples(900, 0)
    others, _ = train.samples(900, 1)
    assert features.shape == (900, 72)
    assert set(codes) <= set(range(1, 10))
    assert np.bincount(codes)[1] > np.bincount(codes)[8]
    # Nine rows of a point share their label; rows of other seeds are other points.
    assert (codes.reshape(-1, 9) == codes.reshape(-1, 9)[:, :1]).all()
    assert not np.isin(features[:, 0], others[:, 0]).any()


def test_disk_is_announced(tmp_path: Path) -> None:
    assert samples.disk_gb(Request(folder=tmp_path, full=True)) == pytest.approx(4.1, abs=0.1)
    assert train.disk_gb(Request(folder=tmp_path)) < 0.01
