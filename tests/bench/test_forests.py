"""The benches of maps, on a tile of a few pixels: the same map by the stage and by scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from landcover import api
from landcover.bench import forests, orfeo, predict, season, synthetic
from landcover.bench.tables import Cost, Row

PIXELS = 60


@pytest.fixture(scope="module")
def tile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("tile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "SAMPLES", 900)
        predict.prepared(str(folder), PIXELS, 3, None)()
        yield folder


def test_the_stage_and_scikit_learn_make_the_same_map(tile: Path) -> None:
    ours = predict.ours(str(tile), PIXELS, 2, "forest")()()
    assert ours == predict.plain(str(tile), PIXELS, 2, 1000)()()
    assert ours != predict.ours(str(tile), PIXELS, 1, "stump")()()


def test_orfeo_gets_the_rows_that_train(tile: Path, tmp_path: Path) -> None:
    season.use(tile / "workspace")
    names = orfeo._write_samples(tmp_path / orfeo.SAMPLES)
    written = (tmp_path / orfeo.SAMPLES).read_text().splitlines()
    assert written[0].split(",") == [*names, "code"]
    assert len(written) - 1 == len(synthetic.training_rows(api.open_workspace()))


def test_forests_of_any_size_map_the_same_tile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthetic, "SAMPLES", 900)
    runs = {"2 trees": ("model.trees=2",), "5 trees": ("model.trees=5",)}
    monkeypatch.setattr(forests, "RUNS", runs)
    forests.prepared(str(tmp_path), PIXELS, 3)()
    for name in runs:
        forests.mapped(str(tmp_path), name)()
        found = api.open_workspace().records.find("outputs", {"wanted.stage": "classify"})
        assert len(found) == 1 + list(runs).index(name)


def test_the_cost_of_a_tree_is_that_between_the_smallest_and_the_largest_forest() -> None:
    rows = [
        Row(name, "ours", Cost(seconds=1.0, cpu_seconds=2.0 + 0.01 * count, peak_mb=1.0), 1)
        for name, count in zip(forests.RUNS, forests.TREES, strict=True)
    ]
    (sentence,) = forests._by_trees(rows)
    assert "10.0 ms" in sentence
    assert "about 2.0 s" in sentence
