"""Publish: the report of a run comes out whatever became of its parts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from stac_schemas import failures

from landcover.errors import InputError
from landcover.learn.accuracy import accuracy
from landcover.learn.bootstrap import Predictions
from landcover.learn.validation import score
from landcover.ledger import outputs, units
from landcover.nouns.grid import Grid
from landcover.nouns.headline import headline_of
from landcover.nouns.model import Feature, ModelCard, feature_set
from landcover.nouns.output import Output, Wanted
from landcover.nouns.receipt import Receipt
from landcover.nouns.run import Run, State, Unit, UnitState
from landcover.nouns.run_arguments import RunArguments
from landcover.nouns.stages import Stage
from landcover.nouns.validation import Validation
from landcover.parts.task import Task
from landcover.pipeline.planning import WHOLE_RUN
from landcover.recipe import Recipe, make_recipe
from landcover.stages.publish import publish
from landcover.stores.rasters import RasterStyle, write_raster
from landcover.stores.workspace import Workspace, open_workspace

GRID = Grid(crs="EPSG:32631", ulx=501360, uly=5629680, pixel=10, width=64, height=48)
SEASONS = [
    {"name": "spring", "primary_month": 3, "fallback_month": 4},
    {"name": "autumn", "primary_month": 11, "fallback_month": 10},
]
PRODUCT = {"date": "2021-03-05", "cloud_percent": 3.0, "nodata_percent": 0.0}
CODES = {4: "herbaceousVegetation", 7: "cropland"}


class FakeRun:
    """A ledger with outputs of one tile, written without running any stage."""

    def __init__(self, root: Path, **arguments: Any) -> None:
        self.workspace: Workspace = open_workspace(
            f"file://{root}/objects", f"sqlite://{root}/records.sqlite"
        )
        more = arguments.pop("recipe", {})
        self.recipe: Recipe = make_recipe(
            {"name": "test", "title": "Test map", "seasons": SEASONS, **more}
        )
        labels: str | None = arguments.pop("labels", "/data/labels.geojson")
        self.run = Run(
            id=root.name,
            recipe_id="0" * 16,
            arguments=RunArguments(
                tiles=("31UDS",), year=2021, products="/data/products", labels=labels
            ),
            label_id="b" * 16 if labels else None,
            simulated=arguments.pop("simulated", False),
        )
        self.task = Task(self.workspace, self.run, self.recipe, WHOLE_RUN)

    def state(
        self, stage: Stage, unit: Unit, made: list[Output], state: State = "done", message: str = ""
    ) -> None:
        record = UnitState(
            run=self.run.id, stage=stage, unit=unit, state=state, message=message,
            outputs=tuple(output.id for output in made),
        )  # fmt: skip
        units.save(self.workspace.records, record)

    def output(
        self,
        stage: str,
        unit: str,
        stats: dict[str, Any],
        make: Callable[[Path], None] | None = None,
        params: dict[str, Any] | None = None,
    ) -> Output:
        wanted = Wanted(stage=stage, version=1, unit=unit, inputs={}, params=params or {})

        def write(path: Path) -> dict[str, Any]:
            path.mkdir(parents=True)
            assert make is not None
            make(path)
            return {}

        key = f"{stage}/{wanted.id}"
        return outputs.commit(self.workspace, wanted, key, write if make else None, stats)

    def prepare(self) -> None:
        for season in ("spring", "autumn"):
            name = f"2021-{season}"
            unit = Unit(id=f"31UDS.{name}", label=f"31UDS {name}", tile="31UDS", span=name)
            seen = {**PRODUCT, "date": "2021-03-05T11:00:00Z"}
            candidates = [
                {**seen, "name": "USED", "is_used": True, "reason": "primary month"},
                {**seen, "name": "CLOUDY", "is_used": False, "reason": "cloud 71 % above 20 %"},
            ]
            params = {"candidates": candidates, "unreadable": []}
            chosen = self.output("collect", f"31UDS/{name}", {"status": "ok"}, params=params)
            composite = self.output("composite", f"31UDS/{name}", _stats(season), params=_MINIMUM)
            self.state("collect", unit, [chosen])
            self.state("mask", unit, [])
            self.state("composite", unit, [composite])

    def learn(self) -> None:
        card = _card()
        stats = {
            "n_rows": 100, "n_lost": 10, "lost_by_class": {"cropland": 10},
            "lost_by_feature": {"slope": 10}, "counts": {"cropland": 90},
            "groups": {"cropland": [4, 2]}, "rare": ["herbaceousVegetation"],
        }  # fmt: skip
        samples = self.output("train", "samples", stats)
        model = self.output("train", "model", {}, lambda p: _write(p / "card.json", card.to_json()))
        self.state("train", WHOLE_RUN, [samples, model])
        self.workspace.records.replace_one(
            "labels", {"_id": "b" * 16, "dropped": {"not in the legend": 3}}
        )

    def map(self, *, mosaic_state: State = "done", message: str = "") -> None:
        tile = Unit(id="31UDS", label="31UDS", tile="31UDS")
        self.state("classify", tile, [self.output("classify", "31UDS", {"nodata_percent": 25.0})])
        self.mosaic(["31UDS"], mosaic_state, message)

    def mosaic(self, mapped: list[str], state: State = "done", message: str = "") -> None:
        zone = Unit(id="32631", label="zone EPSG:32631", cell="32631")
        stats = {"period": "spring", "tiles": ["31UDS"], "mapped": mapped}
        made = [self.output("mosaic", "32631", stats, lambda p: _mosaic(p, bool(mapped)))]
        self.state("mosaic", zone, made if state == "done" else [], state, message)

    def validate(self) -> None:
        reference = np.array([4] * 30 + [7] * 70, np.uint8)
        report = accuracy(
            np.roll(reference, 10), reference, legend=self.recipe.labels.legend,
            groups=np.arange(100) // 5, title="t", design="held out", simulated=False, seed=0,
        )  # fmt: skip
        made = self.output(
            "validate",
            "accuracy",
            {"overall": report.overall, "n": report.n},
            lambda p: _write(p / "accuracy.json", report.to_json()),
        )
        predictions = Predictions(
            np.roll(reference, 10).astype(np.int64), reference.astype(np.int64),
            (np.arange(100) // 5).astype(str),
        )  # fmt: skip
        split = score(predictions, "groups", legend=self.recipe.labels.legend)
        whole = Validation(splits=(split,), gaps=())
        beside = self.output(
            "validate",
            "validation",
            {"headline": headline_of(whole).to_document()},
            lambda p: _write(p / "validation.json", whole.to_json()),
        )
        self.state("validate", WHOLE_RUN, [made, beside])

    def publish(self) -> tuple[Path, dict[str, Any], str]:
        """Folder and record of the report, and the page's text."""
        publish(self.task)
        (made,) = self.task.made
        folder = Path(self.task.href(made))
        return folder, made.stats, (folder / "index.html").read_text(encoding="utf-8")


_MINIMUM = {"min_clear": 1}


def _stats(season: str) -> dict[str, Any]:
    return {
        "status": "ok",
        "period": {"label": season},
        "layers": {"B04": GRID.to_document()},
        "coverage": {"percent_0": 12.5, "percent_1": 7.5, "percent_2_or_more": 80.0},
        "missing_layers": ["B09"],
        "warnings": [],
        "products": [
            {**PRODUCT, "name": "USED", "baseline": 509, "offsets": [-1000],
             "offset_decision": "metadata", "mask": {}},
        ],
    }  # fmt: skip


def _card() -> ModelCard:
    return ModelCard(
        id="c" * 16,
        kind="random-forest",
        features=feature_set([Feature(name="slope", period=None, layer="slope", kind="terrain")]),
        codes=tuple(CODES),
        names=tuple(CODES.values()),
        colours=("#FFFF4C", "#F096FF"),
        parameters={"n_trees": 100},
        seed=0,
        sample_set_id="a" * 16,
        n_train_rows=90,
        n_train_groups=6,
        class_counts=dict.fromkeys(CODES, 45),
        arrays_sha256="0" * 64,
        versions={},
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _mosaic(folder: Path, has_map: bool) -> None:
    codes = np.full(GRID.shape, 7, np.uint8)
    codes[:12] = 4
    codes[-12:] = 0
    colours = {4: (255, 255, 76, 255), 7: (240, 150, 255, 255)}
    style = RasterStyle("uint8", 0, ("land cover class",), colours=colours)
    if has_map:
        write_raster(folder / "classification.tif", codes, GRID, style)
        write_raster(folder / "confidence.tif", codes * 20, GRID, RasterStyle("uint8", 255))
    for band in ("B04", "B03", "B02"):
        values = (codes * 100).astype(np.int16)
        write_raster(folder / f"{band}.tif", values, GRID, RasterStyle("int16", -32768, (band,)))


def whole_run(root: Path, **arguments: Any) -> FakeRun:
    run = FakeRun(root, **arguments)
    run.prepare()
    run.learn()
    run.map()
    run.validate()
    return run


def test_a_whole_run_gives_its_page_and_files(tmp_path: Path) -> None:
    folder, stats, html = whole_run(tmp_path).publish()
    assert stats == {
        "page": "index.html",
        "maps": ["map_32631.tif"],
        "pngs": ["map_32631.png", "true_colour_32631.png"],
    }
    assert sorted(p.name for p in folder.iterdir()) == [
        "accuracy.csv", "accuracy.json", "collection.json", "confidence_32631.tif", "index.html",
        "item_32631.json", "map_32631.png", "map_32631.qml", "map_32631.sld", "map_32631.tif",
        "map_32631.tif.aux.xml", "map_32631_colour_blind.qml", "map_32631_colours.txt",
        "model_card.json", "model_item.json", "preview", "preview.html", "preview.json",
        "products.csv", "quality.geojson", "quality.json", "quality.png", "receipt.json",
        "true_colour_32631.png", "true_colour_32631.tif", "validation.csv", "validation.json",
    ]  # fmt: skip
    assert 'href="preview.html"' in html
    receipt = Receipt.from_json((folder / "receipt.json").read_text())
    assert [step.wanted.stage for step in receipt.steps] == ["mosaic", "validate"]
    assert receipt.arguments["products"] == "products"  # no folder of this machine
    for wanted in ("Test map: tile 31UDS, 2021", "Cropland", "CLOUDY", "cloud 71 % above 20 %",
                   "not in the legend: 3", "Not held out", "640 x 480 m of the tile"):  # fmt: skip
        assert wanted in html, wanted
    with rasterio.open(folder / "map_32631.tif") as raster:
        assert raster.tags()["model"] == "c" * 16
        assert raster.tags()["simulated"] == "no"
        assert raster.colormap(1)[7] == (240, 150, 255, 255)
        assert np.unique(raster.read(1)).tolist() == [0, 4, 7]
    quality = json.loads((folder / "quality.geojson").read_text())
    assert quality["features"][0]["properties"]["color"] == "#808000"  # 12.5 % missing


def test_the_same_run_elsewhere_gives_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        folder, _, _ = whole_run(tmp_path / name).publish()
        files = (p for p in sorted(folder.rglob("*")) if p.is_file())
        found.append((folder.name, {str(p.relative_to(folder)): p.read_bytes() for p in files}))
    (first, some), (second, other) = found
    assert first == second  # the id
    assert [name for name in some if some[name] != other.get(name)] == []
    assert some.keys() == other.keys()


def test_a_second_publish_reuses_the_first(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    run.publish()
    again = Task(run.workspace, run.run, run.recipe, WHOLE_RUN)
    publish(again)
    assert again.n_reused == len(again.made) == 1


def test_a_map_that_was_changed_after_it_was_made_is_not_published(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    zone = run.task.outputs_of("mosaic", "32631")[0]
    path = Path(run.task.href(zone)) / "classification.tif"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # of the same size: only its checksum tells
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"classification\.tif has other bytes than its record"):
        run.publish()


def test_a_new_trouble_makes_a_new_page(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    before, _, _ = run.publish()
    other = Unit(id="31UES.2021-spring", label="31UES 2021-spring", tile="31UES")
    run.state("collect", other, [], "skipped", "31UES 2021-spring: no product in /data/products.")
    run.task.made.clear()
    after, _, html = run.publish()
    assert after != before
    assert "31UES 2021-spring: no product in products." in html
    assert "/data/" not in html


def test_simulated_runs_say_so_everywhere(tmp_path: Path) -> None:
    folder, _, html = whole_run(tmp_path, simulated=True).publish()
    assert "SIMULATED DATA" in html
    with rasterio.open(folder / "map_32631.tif") as raster:
        assert raster.tags()["simulated"] == "yes"
    assert json.loads((folder / "quality.json").read_text())["simulated"] is True


def test_without_labels_the_page_has_composites_and_quality(tmp_path: Path) -> None:
    run = FakeRun(tmp_path, labels=None)
    run.prepare()
    run.mosaic(mapped=[])
    folder, stats, html = run.publish()
    assert stats["maps"] == []
    assert sorted(p.name for p in folder.iterdir()) == [
        "index.html", "products.csv", "quality.geojson", "quality.json", "quality.png",
        "receipt.json", "true_colour_32631.png",
    ]  # fmt: skip
    assert "There is no class map" in html
    assert "CLOUDY" in html


def test_a_zone_that_could_not_be_joined_is_named(tmp_path: Path) -> None:
    run = FakeRun(tmp_path)
    run.prepare()
    run.learn()
    run.map(mosaic_state="failed", message="zone EPSG:32631: the disk is full.")
    run.validate()
    _, stats, html = run.publish()
    assert stats["maps"] == []
    assert "UTM zone 31N is missing from this report. zone EPSG:32631: the disk is full." in html
    assert "Confusion matrix" in html


def test_unknown_accuracy_is_said_with_its_reason(tmp_path: Path) -> None:
    run = FakeRun(tmp_path)
    run.prepare()
    run.learn()
    run.map()
    run.state("validate", WHOLE_RUN, [], "skipped", "No sample was held out.")
    folder, _, html = run.publish()
    assert "Accuracy not measured: No sample was held out." in html
    assert not (folder / "accuracy.csv").exists()


@pytest.mark.parametrize(
    ("has_reference", "said"),
    [
        (True, "Overall accuracy 80.0 % (60.0 to 95.0 % over resampled groups), by groups (points, "
         "polygons, fields) left out: 100 sample pixels of 20 groups, no probability sample."),
        (False, "Accuracy not measured: no reference. The model was trained on samples of other "
         "places or years, and no labels were given."),
    ],
)  # fmt: skip
def test_page_map_stac_and_receipt_say_how_accurate_the_map_is(
    tmp_path: Path, *, has_reference: bool, said: str
) -> None:
    run = FakeRun(tmp_path, labels="/data/labels.geojson" if has_reference else None)
    run.prepare()
    run.learn()
    run.map()
    if has_reference:
        run.validate()
    folder, _, html = run.publish()
    assert ("Accuracy not measured: no reference." in html) is not has_reference
    item = json.loads((folder / "item_32631.json").read_text())
    assert item["properties"]["landcover:accuracy"] == said
    for name in ("item_32631.json", "model_item.json", "collection.json"):
        assert failures(json.loads((folder / name).read_text())) == []
    assert said in json.loads((folder / "collection.json").read_text())["description"]
    assert Receipt.from_json((folder / "receipt.json").read_text()).accuracy == said
    with rasterio.open(folder / "map_32631.tif") as raster:
        assert raster.tags()["accuracy"] == said


def test_a_run_in_which_nothing_worked_has_a_page(tmp_path: Path) -> None:
    run = FakeRun(tmp_path)
    for season in ("spring", "autumn"):
        unit = Unit(id=f"31UDS.2021-{season}", label=f"31UDS 2021-{season}", tile="31UDS")
        run.state("collect", unit, [], "skipped", f"31UDS 2021-{season}: no usable product.")
    folder, _, html = run.publish()
    assert "No tile could be prepared" in html
    (feature,) = json.loads((folder / "quality.geojson").read_text())["features"]
    assert feature["properties"]["color"] == "#808080"
    assert feature["properties"]["nodata_pct"] is None


@pytest.mark.parametrize("path", ["/data/products", "/data/labels.geojson"])
def test_paths_of_this_machine_stay_out_of_the_id(tmp_path: Path, path: str) -> None:
    run = whole_run(tmp_path)
    other = Unit(id="x", label="x")
    run.state("collect", other, [], "failed", f"x: {path}/a.tif is damaged.")
    publish(run.task)
    assert "/data/" not in json.dumps(run.task.made[0].to_document())


def test_an_empty_season_shows_why_each_product_was_left_out(tmp_path: Path) -> None:
    name = "S2A_MSIL2A_20210305T105021_N0509_R051_T31UDS_20210305T150000"
    cloudy = {
        "name": name, "date": "2021-03-05T10:50:21Z", "cloud_percent": 71.4,
        "nodata_percent": 12.0, "is_used": False, "reason": "cloud 71.4 % above 20 %",
    }  # fmt: skip

    def report(key: str, candidates: list[dict[str, Any]]) -> tuple[Path, str]:
        run = FakeRun(tmp_path / key)
        unit = Unit(id="31UDS.2021-spring", label="31UDS 2021-spring", tile="31UDS")
        run.state("collect", unit, [], "skipped", "31UDS 2021-spring: no usable product.")
        record = {"run": run.run.id, "tile": "31UDS", "period": "2021-spring", "status": "empty"}
        run.workspace.records.replace_one(
            "selections", {"_id": 16 * key, **record, "names": [], "candidates": candidates}
        )
        folder, _, html = run.publish()
        return folder, html

    folder, html = report("1", [cloudy])
    row = html[html.index(name) : html.index("cloud 71.4 % above 20 %")]
    assert "<td>05.09</td>" in row  # as the name tells
    assert "12.0 %" in row
    assert f"{name},2021-03-05,05.09,71.4,12.0,no,cloud" in (folder / "products.csv").read_text()
    # The record is an input: another choice makes another report.
    assert report("2", [])[0].name != folder.name


def test_a_report_is_written_although_the_products_are_gone(tmp_path: Path) -> None:
    run = FakeRun(tmp_path)
    run.prepare()
    unit = Unit(id="31UDS.2021-spring", label="31UDS 2021-spring", tile="31UDS")
    wanted = Wanted(
        stage="composite", version=1, unit="31UDS/2021-spring", params=_MINIMUM,
        inputs={"products": ("p" * 16,), "masks": ("d" * 16,)},
    )  # fmt: skip
    stats = _stats("spring")
    run.state(
        "composite", unit, [outputs.commit(run.workspace, wanted, "composite/x", None, stats)]
    )
    run.mosaic(mapped=[])
    _, stats, html = run.publish()
    assert stats["pngs"] == ["true_colour_32631.png"]
    assert "Cloud masks before and after" not in html


def test_importing_the_stages_loads_no_plotting_and_no_templates() -> None:
    code = (
        "import sys; from landcover.nouns.stages import STAGES\n"
        "from landcover.stages.registry import stage_function\n"
        "print([stage_function(stage) for stage in STAGES] and ' '.join(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in found.stdout.split()}
    assert "landcover" in loaded
    assert not loaded & {"matplotlib", "jinja2"}


def test_polygons_are_written_on_request(tmp_path: Path) -> None:
    ids = []
    for name, how in (("plain", {}), ("polygons", {"vectors": ["gpkg", "parquet"]})):
        run = FakeRun(tmp_path / name, recipe={"publish": how})
        run.prepare()
        run.learn()
        run.map()
        run.validate()
        folder, _, html = run.publish()
        ids.append(folder.name)
        found = {p.name for p in folder.iterdir() if p.suffix in (".gpkg", ".parquet")}
        assert found == ({"map_32631.gpkg", "map_32631.parquet"} if how else set())
        assert ("polygons of the classes, GeoParquet" in html) is bool(how)
        assets = json.loads((folder / "item_32631.json").read_text())["assets"]
        assert ({"polygons", "polygons_parquet"} <= assets.keys()) is bool(how)
    assert ids[0] != ids[1]
