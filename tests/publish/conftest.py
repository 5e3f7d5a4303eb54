"""A small mosaic on disk, and the page of a run that has everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landcover.learn.accuracy import accuracy
from landcover.learn.bootstrap import Predictions, gap_between, shares_of
from landcover.learn.calibration import expected_calibration_error, reliability
from landcover.learn.validation import score
from landcover.nouns.grid import Grid
from landcover.nouns.legend import Legend, LegendClass
from landcover.nouns.model import Feature, ModelCard, feature_set
from landcover.nouns.trust import ApplicabilityReport, CoverageReport, TrustReport
from landcover.nouns.validation import Calibration, CalibrationBin, Validation
from landcover.parts.class_names import Names
from landcover.parts.validation.point_accuracy import judge
from landcover.publish.outlines import outline_of
from landcover.publish.page import CheckedView, Page, QualityPage, SampleSummary
from landcover.publish.quality import Candidate, SeasonQuality, TileQuality
from landcover.publish.zone_files import Cell, write_cell
from landcover.stores.rasters import RasterStyle, write_raster
from landcover.tiling import tile_grid, tiles_intersecting

LEGEND = Legend(
    classes=(
        LegendClass(code=1, name="closedForest", colour="#007800", title="Closed forest"),
        LegendClass(code=7, name="cropland", colour="#F096FF", title="Cropland"),
        LegendClass(code=9, name="permanentWater", colour="#0032C8", title="Permanent water"),
    )
)
GRID = Grid(crs="EPSG:32631", ulx=501360, uly=5629680, pixel=10, width=1100, height=1300)

TRUST = TrustReport(
    applicability=ApplicabilityReport(
        n_references=60, index_threshold=0.4, training_outside_percent=3.0,
        held_out_outside_percent=8.25, accuracy_inside=0.94, accuracy_outside=0.5,
    ),
    n_held_out_groups=30,
    sha256="0" * 64,
    coverages=(
        CoverageReport(
            stated=0.9, mean=0.913, lowest=0.81, highest=0.97, mean_size=1.25,
            by_class={"closedForest": 0.95, "cropland": 0.72, "permanentWater": 1.0},
            score_limit=0.6,
        ),
        CoverageReport(
            stated=0.99, mean=1.0, lowest=1.0, highest=1.0, mean_size=3.0,
            by_class={"closedForest": 1.0, "cropland": 1.0, "permanentWater": 1.0},
            score_limit=None,
        ),
    ),
)  # fmt: skip


@pytest.fixture(scope="session")
def legend() -> Legend:
    """Three classes, their codes with gaps between them."""
    return LEGEND


@pytest.fixture(scope="session")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mosaic of 1,100 x 1,300 px: water above, forest and crops below, a strip of nodata."""
    folder = tmp_path_factory.mktemp("mosaic")
    rng = np.random.default_rng(0)
    classes = rng.choice(np.array([1, 7], np.uint8), GRID.shape)
    classes[:300] = 9
    classes[:, :110] = 0
    colours = {1: (0, 120, 0, 255), 7: (240, 150, 255, 255), 9: (0, 50, 200, 255), 0: (0, 0, 0, 0)}
    style = RasterStyle("uint8", 0, ("land cover class",), colours=colours, categories={1: "x"})
    write_raster(folder / "classification.tif", classes, GRID, style)
    confidence = np.where(classes == 0, 255, 127).astype(np.uint8)
    style = RasterStyle("uint8", 255, ("p",), scale=1 / 254)
    write_raster(folder / "confidence.tif", confidence, GRID, style)
    for number, band in enumerate(("B02", "B03", "B04")):
        values = rng.integers(200, 1500, GRID.shape).astype(np.int16) + 100 * number
        values[:, :110] = -32768
        style = RasterStyle("int16", -32768, (band,), scale=1e-4)
        write_raster(folder / f"{band}.tif", values.astype(np.int16), GRID, style)
    return folder


@pytest.fixture(scope="session")
def cell(mosaic: Path) -> Cell:
    """The zone of that mosaic."""
    return Cell(
        cell="32631",
        folder=str(mosaic),
        tiles=("31UDS",),
        mapped=("31UDS",),
        period="2021-spring",
        dates=("2021-03-05",),
    )


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory, cell: Cell) -> tuple[Path, Page]:
    """Folder with the files of the zone, and a page that shows everything there may be."""
    folder = tmp_path_factory.mktemp("report")
    tags = {"title": "Land cover <test>, 2021", "model": "f" * 16}
    view = write_cell(
        folder, cell, LEGEND.classes, tags, title="Land cover <test>, 2021", is_simulated=False
    )
    features = feature_set([Feature(name="spring_B02", period="spring", layer="B02", kind="band")])
    card = ModelCard(
        id="f" * 16,
        kind="random-forest",
        features=features,
        codes=LEGEND.codes,
        names=LEGEND.names,
        colours=tuple(c.colour for c in LEGEND.classes),
        parameters={"n_trees": 100},
        seed=0,
        sample_set_id="a" * 16,
        n_train_rows=90,
        n_train_groups=12,
        class_counts={1: 30, 7: 30, 9: 30},
        arrays_sha256="0" * 64,
        versions={"numpy": "2"},
        missing_layers=("spring_B09",),
        trust=TRUST,
    )
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"/>'
    (folder / "signatures.svg").write_text(drawing, encoding="utf-8")
    (folder / "suspects.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    codes = np.array([1] * 40 + [7] * 40 + [9] * 20, np.uint8)
    mapped = codes.copy()
    mapped[:6] = 7
    page = Page(
        title="Land cover <test>",
        year=2021,
        recipe="mediterranean-rf",
        simulated=False,
        views=(view,),
        tiles=(tile_quality("31UDS"), tile_quality("31UES", empty=True)),
        legend=LEGEND.classes,
        accuracy=accuracy(
            mapped,
            codes,
            legend=LEGEND,
            groups=np.arange(100) // 5,
            title="t",
            design="held-out groups",
            simulated=False,
            seed=0,
        ),
        validation=validation_of(mapped, codes),
        samples=SampleSummary(
            n_rows=100,
            n_lost=10,
            lost_by_class={"cropland": 10},
            lost_by_feature={"slope": 10},
            counts={"closedForest": 30, "cropland": 30, "permanentWater": 30},
            groups={"closedForest": (4, 2), "cropland": (4, 2)},
            rare=("permanentWater",),
            dropped={"mapped to nothing: 99": 7},
        ),
        card=card,
        checked=CheckedView(
            signatures="signatures.svg", suspects="suspects.geojson", n_suspects=3, n_points=40
        ),
        troubles=("collect skipped: 31UES 2021-autumn: no usable product.",),
    )
    return folder, page


def validation_of(mapped: np.ndarray, codes: np.ndarray) -> Validation:
    """Pixels that flatter, blocks, calibration, and a probability sample of the map."""
    groups = (np.arange(100) // 5).astype(str)
    flattering = Predictions(codes.astype(np.int64), codes.astype(np.int64), groups)
    honest = Predictions(mapped.astype(np.int64), codes.astype(np.int64), groups)
    pairs = [(entry.code, entry.name) for entry in LEGEND.classes]
    shares = [shares_of(judged, LEGEND.codes) for judged in (flattering, honest)]
    curve = reliability([0.95] * 50 + [0.65] * 50, [True] * 45 + [False] * 20 + [True] * 35)
    points = pd.DataFrame({"code": codes, "group": groups})
    names = Names({entry.code: entry.name for entry in LEGEND.classes})
    area = {1: 300.0, 7: 500.0, 9: 200.0}
    return Validation(
        splits=(
            score(flattering, "rows", legend=LEGEND, n_folds=5),
            score(honest, "blocks", legend=LEGEND, n_folds=5),
        ),
        gaps=(gap_between(*shares, ("rows", "blocks"), pairs),),
        calibration=Calibration(
            bins=tuple(CalibrationBin(**entry._asdict()) for entry in curve),
            expected_error=expected_calibration_error(curve), brier=0.2, log_loss=0.4, n=100,
        ),
        independent=judge(mapped, points, area, names, design="stratified", title="t"),
        notes=("Not measured by tiles: all samples are of one tile.",),
    )  # fmt: skip


def tile_quality(tile: str, *, empty: bool = False, grid: Grid = GRID) -> TileQuality:
    """One tile with a good season and, if wanted, one without a composite."""
    product = {"date": "2021-03-05", "nodata_percent": 0.0, "baseline": 509}
    used = Candidate(
        name="S2A_USED", cloud_percent=3.0, is_used=True, reason="primary month",
        offsets=(-1000,), offset_decision="metadata", **product,
    )  # fmt: skip
    refused = Candidate(
        name="S2A_REFUSED", cloud_percent=71.4, is_used=False, reason="cloud 71.4 % above 20 %",
        **product,
    )  # fmt: skip
    good = SeasonQuality(
        period="2021-spring",
        status="ok",
        candidates=(used, refused),
        basis="composite",
        percent_0=10.0,
        percent_1=20.0,
        percent_2_or_more=70.0,
        nodata_percent=10.0,
        missing_layers=("B09",),
        warnings=("S2A_USED has no B01; the others make it.",),
    )
    bad = SeasonQuality(
        period="2021-autumn",
        status="empty",
        reason="no usable product.",
        candidates=(refused.model_copy(update={"name": "S2A_CLOUDY"}),),
        unreadable=("S2A_DAMAGED: truncated",),
    )
    seasons = (good, bad) if empty else (good,)
    return TileQuality(tile=tile, grid=grid, geometry=outline_of(grid), seasons=seasons)


def region(tiles: tuple[TileQuality, ...]) -> QualityPage:
    return QualityPage(
        title="Land cover <test>", year=2021, recipe="mediterranean-rf", source="products",
        simulated=True, tiles=tiles,
    )  # fmt: skip


def whole_tile(tile: str, percent: float | None, status: str = "ok") -> TileQuality:
    """A whole tile whose worst season lacks so many pixels; None: it has no composite."""
    grid = tile_grid(tile)
    both = tile_quality(tile, empty=percent is None, grid=grid)
    shares = {"percent_0": percent, "percent_1": 0.0, "percent_2_or_more": 100 - (percent or 0)}
    good = both.seasons[0].model_copy(
        update={} if percent is None else {**shares, "nodata_percent": percent, "status": status}
    )
    return both.model_copy(update={"seasons": (good, *both.seasons[1:])})


@pytest.fixture(scope="session")
def twelve() -> QualityPage:
    """Twelve neighbours: good, middling and bad ones, one of them without an autumn."""
    shares = [5.0, 10.0, 12.5, 20.0, 0.0, 1.5, 3.0, 4.9, 5.1, 7.0, None, 37.0]
    names = [f"30S{column}{row}" for row in "GFE" for column in "TUVW"]
    return region(
        tuple(
            whole_tile(name, share, "degraded" if share == 20 else "ok")
            for name, share in zip(names, shares, strict=True)
        )
    )


@pytest.fixture(scope="session")
def hundreds() -> QualityPage:
    """450 tiles of a wide region with two seasons each; the last has no autumn."""
    box = [(-9, 36), (18, 36), (18, 51), (-9, 51), (-9, 36)]
    names = tiles_intersecting({"type": "Polygon", "coordinates": [box]})[:450]
    tiles = []
    for number, name in enumerate(names[:-1]):
        tile = whole_tile(name, float(number % 19))
        autumn = tile.seasons[0].model_copy(update={"period": "2021-autumn"})
        tiles.append(tile.model_copy(update={"seasons": (*tile.seasons, autumn)}))
    return region((*tiles, whole_tile(names[-1], None)))
