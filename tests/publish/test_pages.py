"""The page: what must be said is said, nothing is fetched, the same page twice is the same."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from landcover.nouns.grid import Grid
from landcover.publish.cautions import notes_of
from landcover.publish.page import Page, zone_name
from landcover.publish.pages import render
from landcover.publish.quality import TileQuality
from landcover.publish.report_files import write_page
from landcover.publish.tables import accuracy_csv
from landcover.publish.templates import area, baseline, percent, size

VOID = {"meta", "link", "img", "br", "input"}


class Outline(HTMLParser):
    """Checks that elements close, and collects what the page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.refers: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.refers += [str(found[k]) for k in ("href", "src") if k in found]
        if tag == "img":
            self.images.append(found)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


def read(html: str) -> tuple[Outline, str]:
    outline = Outline()
    outline.feed(html)
    assert outline.open == []
    return outline, " ".join(" ".join(outline.text).split())


def changed(page: Page, **update: Any) -> Page:
    return page.model_copy(update=update)


def test_the_page_says_what_a_mapping_lead_asks_for(report: tuple[Path, Page]) -> None:
    outline, text = read(render(report[1]))
    assert "Land cover <test>, 2021" in text  # escaped in the source
    for wanted in (
        "UTM zone 31N", "94.0 %", "100", "held-out groups", "Closed forest", "Commission error",
        "Omission error", "S2A_USED", "05.09", "-1000", "the product's own metadata",
        "S2A_REFUSED", "cloud 71.4 % above 20 %", "no product has B09", "has no B01",
        "mapped to nothing: 99", "random forest, 100 trees", "spring_B02", "spring_B09",
        "collect skipped: 31UES 2021-autumn", "2,970 ha",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert all(image["alt"] for image in outline.images)
    assert [image["src"] for image in outline.images] == [
        "map_32631.png",
        "true_colour_32631.png",
        "signatures.svg",
    ]


def test_nothing_is_fetched_and_every_link_is_beside_the_page(report: tuple[Path, Page]) -> None:
    folder, page = report
    html = render(page)
    assert not re.search(r"https?://|<script|@import|url\((?!#)", html)
    for target in read(html)[0].refers:
        assert target.startswith(("#", "data:")) or (folder / target).is_file(), target


def test_the_same_page_gives_the_same_bytes(report: tuple[Path, Page]) -> None:
    assert render(report[1]) == render(Page.from_json(report[1].to_json()))


def levels(page: Page) -> dict[str, str]:
    return {note.text: note.level for note in notes_of(page)}


def note_with(page: Page, words: str) -> str:
    found = [level for text, level in levels(page).items() if words in text]
    assert found, f"{words!r} not in {list(levels(page))}"
    assert words in read(render(page))[1]
    return found[0]


def test_simulated_data_are_named_first(report: tuple[Path, Page]) -> None:
    _, text = read(render(changed(report[1], simulated=True)))
    assert text.index("SIMULATED DATA") < text.index("Overall accuracy")
    assert "SIMULATED" not in render(report[1])
    assert "Copernicus" not in read(render(changed(report[1], simulated=True)))[1]


def test_unknown_accuracy_is_an_alarm(report: tuple[Path, Page]) -> None:
    page = changed(report[1], accuracy=None, accuracy_missing="No sample was held out.")
    # The page of the fixture has independent points, which tell how accurate the map is.
    assert not any("Accuracy not measured" in text for text in levels(page))
    assert "Accuracy not measured" not in render(page)
    page = changed(page, validation=None)
    assert note_with(page, "Accuracy not measured: No sample was held out.") == "alarm"


def test_a_map_worse_than_one_class_is_an_alarm(report: tuple[Path, Page]) -> None:
    accuracy = report[1].accuracy
    assert accuracy is not None
    poor = accuracy.model_copy(update={"overall": 0.105, "majority_baseline": 0.656})
    page = changed(report[1], accuracy=poor)
    assert note_with(page, "a map of one class only would be right on 65.6 %") == "alarm"
    assert not any("one class only" in text for text in levels(report[1]))


def test_a_class_that_was_not_held_out_is_named(report: tuple[Path, Page]) -> None:
    words = "Not held out, so of unknown accuracy: Permanent water"
    assert note_with(report[1], words) == "warning"


def whole(tile: TileQuality) -> TileQuality:
    grid = Grid(crs="EPSG:32631", ulx=0, uly=0, pixel=120, width=915, height=915)
    return tile.model_copy(update={"grid": grid})


def patch(tile: TileQuality, name: str = "31UDS") -> TileQuality:
    grid = Grid(crs="EPSG:32631", ulx=0, uly=0, pixel=10, width=64, height=64)
    return tile.model_copy(update={"grid": grid, "tile": name})


def test_a_patch_of_a_tile_is_called_one(report: tuple[Path, Page]) -> None:
    tile = report[1].tiles[0]
    page = changed(report[1], tiles=(patch(tile),))
    words = "31UDS: this covers only 640 x 640 m of the tile (0.003 %)."
    assert note_with(page, words) == "warning"
    assert not any("covers" in text for text in levels(changed(page, tiles=(whole(tile),))))


def test_many_patches_are_summed_up(report: tuple[Path, Page]) -> None:
    names = ("31UDS", "31UES", "31UFS", "30SUF")
    page = changed(report[1], tiles=tuple(patch(report[1].tiles[0], name) for name in names))
    assert note_with(page, "4 of 4 tiles are covered only in part") == "warning"


def test_tiles_and_zones_that_are_missing_are_named(report: tuple[Path, Page]) -> None:
    page = changed(report[1], zones_missing={"32632": "The disk is full."})
    assert note_with(page, "UTM zone 32N is missing from this report. The disk is full.") == "alarm"
    assert note_with(page, "1 of 2 tiles could not be prepared for every season") == "warning"


def test_alarms_come_before_warnings(report: tuple[Path, Page]) -> None:
    found = [n.level for n in notes_of(changed(report[1], accuracy=None, accuracy_missing="x"))]
    assert found == sorted(found)  # alarm < warning


def test_a_run_without_labels_shows_composites_and_quality_only(
    report: tuple[Path, Page],
) -> None:
    view = (
        report[1]
        .views[0]
        .model_copy(update={"map_picture": None, "areas": (), "mapped": (), "nodata_percent": None})
    )
    page = changed(
        report[1], views=(view,), accuracy=None, card=None, samples=None, legend=(),
        map_missing="No ground truth was given.", accuracy_missing="no map",
    )  # fmt: skip
    outline, text = read(render(page))
    assert note_with(page, "There is no class map. No ground truth was given.") == "alarm"
    assert [image["src"] for image in outline.images] == ["true_colour_32631.png"]
    assert "Confusion" not in text
    assert "S2A_USED" in text
    assert "Overall accuracy" not in text


def test_a_run_without_anything_still_has_a_page(report: tuple[Path, Page]) -> None:
    tile = report[1].tiles[1]
    lost = tile.model_copy(update={"grid": None, "seasons": tile.seasons[1:]})
    page = Page(
        title="t", year=2021, recipe="r", simulated=False, views=(), tiles=(lost,),
        map_missing="No tile could be classified.",
    )  # fmt: skip
    _, text = read(render(page))
    assert "No tile could be prepared, so there is nothing to show" in text
    assert note_with(page, "No tile could be prepared for every season") == "alarm"


def test_documents_lie_beside_the_page(report: tuple[Path, Page], tmp_path: Path) -> None:
    page = report[1]
    assert page.accuracy is not None
    saved = tmp_path / "in.json"
    saved.write_text(page.accuracy.to_json())
    out = tmp_path / "out"
    out.mkdir()
    write_page(out, changed(page, accuracy=None, samples=None), saved, None, {})
    assert sorted(p.name for p in out.iterdir()) == [
        "accuracy.csv", "accuracy.json", "index.html", "model_card.json", "products.csv",
        "quality.geojson", "quality.json", "quality.png",
    ]  # fmt: skip
    quality = json.loads((out / "quality.json").read_text())
    assert [tile["tile"] for tile in quality["tiles"]] == ["31UDS", "31UES"]
    assert quality["tiles"][0]["seasons"][0]["candidates"][1]["name"] == "S2A_REFUSED"
    assert "accuracy.csv" in (out / "index.html").read_text()


def test_the_table_of_accuracy_holds_the_matrix(report: tuple[Path, Page]) -> None:
    accuracy = report[1].accuracy
    assert accuracy is not None
    rows = list(csv.DictReader(StringIO(accuracy_csv(accuracy))))
    assert [row["name"] for row in rows] == ["closedForest", "cropland", "permanentWater"]
    crops = rows[1]
    assert (crops["reference_closedForest"], crops["reference_cropland"]) == ("6", "40")
    assert float(crops["users_accuracy"]) == pytest.approx(40 / 46, abs=1e-6)
    assert float(rows[0]["producers_accuracy"]) == pytest.approx(34 / 40)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (percent(None), "–"), (percent(0.0), "0.0 %"), (percent(0.02), "< 0.1 %"),
        (percent(99.96), "100.0 %"), (area(32.49), "32.5 ha"), (area(9999.4), "9,999 ha"),
        (area(12_055), "121 km²"), (baseline(509), "05.09"), (baseline(207), "02.07"),
        (size(542), "542 bytes"), (size(84_740), "84.7 kB"), (size(3_117_393), "3.12 MB"),
        (zone_name("32730"), "UTM zone 30S"), (zone_name("3035"), "EPSG:3035"),
    ],
)  # fmt: skip
def test_numbers_are_written_for_people(written: str, wanted: str) -> None:
    assert written == wanted


def test_splits_stand_side_by_side(report: tuple[Path, Page]) -> None:
    _, page = report
    html = render(page)
    assert "The gap: Random pixels → Spatial blocks, -6.0 percentage points overall" in html
    # Forest: all 40 found by pixels at random, 34 of 40 by blocks.
    assert "-15.0" in html
    assert "20 / 20" in html
    assert "Not measured by tiles" in html
    assert "expected calibration error" in html


def test_independent_points_give_areas_with_intervals(report: tuple[Path, Page]) -> None:
    _, page = report
    assert page.validation is not None
    assert page.validation.independent is not None
    area = page.validation.independent.area
    assert area is not None
    # Six of the 46 points that are mapped as crops are forest: 500 ha x 6 / 46 are added to it.
    forest = area.classes[0].area
    assert forest.value == pytest.approx(300 + 500 * 6 / 46)
    html = render(page)
    assert "365.2 ha ± " in html
    refused = page.validation.independent.model_copy(
        update={"area": None, "refused": "Area: an interval needs a probability sample."}
    )
    without = page.validation.model_copy(update={"independent": refused})
    html = render(page.model_copy(update={"validation": without}))
    assert "No interval and no area." in html
    assert "Area: an interval needs a probability sample." in html
    assert "ha ± " not in html


def test_a_page_without_validation_has_no_such_section(report: tuple[Path, Page]) -> None:
    _, page = report
    assert "Side by side" not in render(page.model_copy(update={"validation": None}))


def test_a_file_of_a_common_grid_is_not_blamed_for_its_empty_part(
    report: tuple[Path, Page],
) -> None:
    view = report[1].views[0].model_copy(update={"nodata_percent": 99.0})
    zones = changed(report[1], views=(view, view.model_copy(update={"cell": "32632"})))
    assert any("99.0 % of the map has no class" in text for text in levels(zones))
    assert "do not add their areas up" in render(zones)
    cells = [
        view.model_copy(update={"cell": f"3035_E28N{n}", "tiles": ("31UDS", "31UES"),
                                "is_feathered": True})
        for n in (16, 17)
    ]  # fmt: skip
    page = changed(report[1], views=tuple(cells))
    assert not any("has no class" in text for text in levels(page))
    html = render(page)
    assert "do not add their areas up" not in html
    assert "their probabilities averaged" in html
    assert "lies deepest" not in html
    assert zone_name("3035_E28N16") == "EPSG:3035, cell E28N16"


def test_cells_of_a_zone_are_added_up(report: tuple[Path, Page]) -> None:
    view = report[1].views[0]
    cells = tuple(view.model_copy(update={"cell": f"32631_E{n}N56"}) for n in (4, 5, 6))
    page = changed(report[1], views=cells)
    (areas,) = page.zone_areas.values()
    assert list(page.zone_areas) == ["UTM zone 31N"]
    for one, three in zip(view.areas, areas, strict=True):
        assert (three.code, three.pixels) == (one.code, 3 * one.pixels)
        assert three.hectares == pytest.approx(3 * one.hectares, abs=1e-3)
        assert three.percent == pytest.approx(one.percent, abs=1e-3)
    html = render(page)
    assert "<h3>UTM zone 31N, all cells</h3>" in html
    assert "UTM zone 31N in 3 cells of 100 km, pixels of 10 m</p>" in html
    assert html.count("<dt>Classified area") == 1
    assert "<h3>UTM zone 31N, cell E4N56</h3>" in html
    assert "do not add their areas up" not in html
    assert not report[1].zone_areas
    assert not changed(report[1], views=cells[:1]).zone_areas
