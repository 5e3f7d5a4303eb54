"""The quality map of a region: page, picture and tables, for a dozen tiles and for hundreds."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from landcover.publish.page import QualityPage
from landcover.publish.pages import MOST_LISTED, MOST_SHOWN, render_quality
from landcover.publish.quality import SeasonQuality, TileQuality, lost_share
from landcover.publish.quality_picture import draw_quality_map
from landcover.publish.report_files import write_quality
from landcover.publish.tables import products_csv


def colours_of(path: Path) -> set[str]:
    pixels = np.round(255 * imread(path)[..., :3]).astype(int).reshape(-1, 3)
    return {"#{:02X}{:02X}{:02X}".format(*row) for row in np.unique(pixels, axis=0)}


def read(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


def test_a_region_of_twelve_tiles_has_map_page_and_tables(
    tmp_path: Path, twelve: QualityPage
) -> None:
    write_quality(tmp_path, twelve)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "index.html", "products.csv", "quality.geojson", "quality.json", "quality.png",
    ]  # fmt: skip
    features = json.loads(read(tmp_path, "quality.geojson"))["features"]
    assert [f["properties"]["tile"] for f in features] == [t.tile for t in twelve.tiles]
    by_tile = {f["id"]: f["properties"] for f in features}
    # Worked numbers: 5, 10, 12.5 and 20 % of the worst season.
    assert [by_tile[t]["color"] for t in ("30STG", "30SUG", "30SVG", "30SWG")] == [
        "#00FF00", "#55AA00", "#808000", "#FF0000",
    ]  # fmt: skip
    assert by_tile["30SVE"]["status"] == "empty"
    assert by_tile["30SVE"]["color"] == "#808080"
    assert by_tile["30SVE"]["nodata_pct"] is None
    assert by_tile["30SVE"]["status_by_season"] == {"2021-spring": "ok", "2021-autumn": "empty"}
    assert by_tile["30STG"]["products"] == [
        {"name": "S2A_USED", "date": "2021-03-05", "cloud": 3.0, "nodata": 0.0}
    ]
    # The picture has the colours for colour-blind readers of 5, 10, 12.5, 20 % and none.
    assert {"#FFF7BC", "#F2C482", "#ECAB65", "#D95F0E", "#808080"} <= colours_of(
        tmp_path / "quality.png"
    )


def test_each_tile_of_the_map_leads_to_its_products(twelve: QualityPage) -> None:
    html = render_quality(twelve)
    for tile in twelve.tiles:
        assert html.count(f'<a href="#tile-{tile.tile}"') == 1 + len(tile.seasons)
        assert html.count(f'id="tile-{tile.tile}"') == 1
    assert "<title>30SWG: degraded, 20.0 % missing, 1 product</title>" in html
    assert not re.search(r"https?://|<script|@import|url\((?!#)", html)


def test_an_empty_season_shows_its_candidates_with_their_reasons(twelve: QualityPage) -> None:
    html = render_quality(twelve)
    section = html[html.index('id="tile-30SVE"') : html.index('id="tile-30SWE"')]
    autumn = section[section.index("2021-autumn") :]
    assert "S2A_CLOUDY" in autumn
    assert "cloud 71.4 % above 20 %" in autumn
    assert "S2A_DAMAGED: truncated" in autumn
    # One empty tile needs no search: its products are open from the start.
    assert html.count("<details open>") == 1


def test_the_same_region_gives_the_same_bytes(tmp_path: Path, twelve: QualityPage) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_quality(tmp_path / name, twelve)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_what_else_lies_in_the_folder_is_not_listed(tmp_path: Path, twelve: QualityPage) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    (tmp_path / "photos").mkdir()
    write_quality(tmp_path, twelve)
    assert "diary" not in read(tmp_path, "index.html")
    assert "quality.png" in read(tmp_path, "index.html")


def test_words_from_outside_are_escaped(twelve: QualityPage) -> None:
    tile = twelve.tiles[0]
    odd = tile.seasons[0].model_copy(update={"warnings": ("<b>&</b>",)})
    changed = tile.model_copy(update={"seasons": (odd,)})
    html = render_quality(twelve.model_copy(update={"tiles": (changed,)}))
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in html
    assert "<b>" not in html


def test_where_the_shares_come_from_is_said(twelve: QualityPage) -> None:
    estimated = tuple(
        tile.model_copy(
            update={"seasons": tuple(s.model_copy(update={"basis": "metadata"})
                                     for s in tile.seasons)}
        )
        for tile in twelve.tiles
    )  # fmt: skip
    html = render_quality(twelve.model_copy(update={"tiles": estimated}))
    assert "as if clouds were independent" in html
    assert "counted" not in html
    assert "estimated" not in render_quality(twelve)


def test_hundreds_of_tiles_are_folded_away(tmp_path: Path, hundreds: QualityPage) -> None:
    write_quality(tmp_path, hundreds)
    html = read(tmp_path, "index.html")
    assert len(hundreds.tiles) == 450
    assert f"The {MOST_SHOWN} tiles to look at first" in html
    assert html.count('<tbody>\n<tr class="season">') == MOST_LISTED * 2
    # Of so many tiles only the empty one is open.
    assert html.count("<details open>") == 1
    assert "All 450 tiles" in html
    assert len(html) < 1_000_000
    # What the page leaves out is in the table.
    rows = list(csv.DictReader(StringIO(read(tmp_path, "products.csv"))))
    assert {row["tile"] for row in rows} == {tile.tile for tile in hundreds.tiles}
    assert imread(tmp_path / "quality.png").shape[1] < 1600
    # The tile without any composite is among those to look at first.
    first = html[html.index("to look at first") : html.index("All 450 tiles")]
    assert hundreds.tiles[-1].tile in first


def test_a_map_across_the_antimeridian_is_drawn_in_one_piece(
    tmp_path: Path, twelve: QualityPage
) -> None:
    from landcover.publish.quality_svg import lay_out

    tiles = tuple(twelve.tiles[0].model_copy(update={"tile": name}) for name in ("60KXF", "01KCA"))
    west, _, east, _ = lay_out(tiles).bounds
    assert east - west < 5  # degrees, not 357
    draw_quality_map(tiles, tmp_path / "q.png", "t")
    assert "#FFF7BC" in colours_of(tmp_path / "q.png")


def test_products_are_listed_used_or_not(twelve: QualityPage) -> None:
    rows = [row for row in csv.DictReader(StringIO(products_csv(twelve.tiles)))
            if row["tile"] == "30SVE"]  # fmt: skip
    assert [(r["season"], r["product"], r["baseline"], r["used"]) for r in rows] == [
        ("2021-spring", "S2A_USED", "05.09", "yes"),
        ("2021-spring", "S2A_REFUSED", "05.09", "no"),
        ("2021-autumn", "S2A_CLOUDY", "05.09", "no"),
        ("2021-autumn", "", "", "no"),
    ]
    assert rows[2]["reason"] == "cloud 71.4 % above 20 %"
    assert rows[3]["reason"] == "S2A_DAMAGED: truncated"


def test_a_season_without_products_has_its_line_and_no_formula(twelve: QualityPage) -> None:
    bare = SeasonQuality(period="2021-spring", status="empty", reason="=1+1")
    tile: TileQuality = twelve.tiles[0].model_copy(update={"seasons": (bare,)})
    (row,) = csv.DictReader(StringIO(products_csv([tile])))
    assert (row["tile"], row["status"], row["reason"]) == ("30STG", "empty", "'=1+1")


def test_the_table_tells_the_loss_of_the_map_beside_seasons_that_are_ok(
    twelve: QualityPage,
) -> None:
    """Layers of 60 m lose 18 and 30 % where those of 10 m lose 5 and 10 % of the season."""
    first, second, unknown = twelve.tiles[:3]
    tiles = (
        first.model_copy(update={"lost_percent": 18.0}),
        # Half of it was worked on, so that it counts half: (18 + 30 / 2) / 1.5.
        second.model_copy(update={"lost_percent": 30.0, "windows_percent": 50.0}),
        unknown,
    )
    assert lost_share(tiles) == pytest.approx(22.0)
    assert lost_share((unknown,)) is None
    html = render_quality(twelve.model_copy(update={"tiles": tiles}))
    before, table = html.split("<table", 1)
    assert "The map will have no class on 22.0 % of the pixels of all tiles" in before
    assert "and other layers may be missing where these are there" in before
    rows = re.findall(r"<tr>.*?</tr>", table.split("</table>", 1)[0], flags=re.DOTALL)
    assert "Map without class" in rows[0]
    shown = (("18.0 %", "5.0 %"), ("30.0 %", "10.0 %"), ("–", "12.5 %"))
    for row, (lost, none) in zip(rows[1:], shown, strict=True):
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row)
        assert ">ok<" in cells[1]
        assert (cells[2], cells[5]) == (lost, none)
    assert "Map without class" not in render_quality(twelve)
