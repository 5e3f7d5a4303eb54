"""Files as they reach people: zipped twice, spelled apart, masked, in folders, with side files."""

from __future__ import annotations

import time
import unicodedata
import zipfile

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from pyproj import Transformer

from landcover.errors import InputError
from landcover.labels.files import is_side_file
from landcover.labels.kml import read_kmz
from landcover.labels.mapping import read_mapping
from landcover.labels.reading import read_labels
from landcover.labels.zones import read_zones
from landcover.tiling import tile_grid

POINT = "<Point><coordinates>{x},{y},0</coordinates></Point>"


def placemark(name, x=-4.0, y=36.5):
    return f"<Placemark><name>{name}</name>{POINT.format(x=x, y=y)}</Placemark>"


def kml(body):
    return f'<?xml version="1.0"?><kml><Document>{body}</Document></kml>'


def zipped(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def shapefile(folder, name, lon, label):
    folder.mkdir(parents=True, exist_ok=True)
    pyogrio.raw.write(
        str(folder / f"{name}.shp"),
        geometry=np.array([shapely.to_wkb(shapely.Point(lon, 36.5))], dtype=object),
        field_data=[np.array([label], dtype=object)],
        fields=np.array(["label"]),
        geometry_type="Point",
        crs="EPSG:4326",
        driver="ESRI Shapefile",
    )


# Archives


@pytest.fixture
def two_of_a_name(tmp_path):
    shapefile(tmp_path / "in/north/fields", "Parcels", -4.0, "forest")
    shapefile(tmp_path / "in/south", "Parcels", -4.1, "water")
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        for file in sorted((tmp_path / "in").rglob("Parcels.*")):
            archive.write(file, file.relative_to(tmp_path / "in"))
        archive.writestr("__MACOSX/south/._Parcels.shp", b"\0\5\x16\7")
        archive.writestr("south/._Parcels.shp", b"\0\5\x16\7")
    return tmp_path / "both.zip"


def test_two_shapefiles_of_a_name_have_to_be_told_apart(two_of_a_name):
    with pytest.raises(InputError, match=r"2 shapefiles \('north/fields/Parcels', 'south/Parcels'"):
        read_labels(two_of_a_name)
    assert read_labels(two_of_a_name, layer="south/Parcels").counts == {"permanentWater": 1}
    found = read_labels(two_of_a_name, layer="north/fields/Parcels")
    assert found.counts == {"closedForest": 1}


def test_one_shapefile_is_called_by_its_name_however_deep(tmp_path):
    shapefile(tmp_path / "in/a/b/c", "deep", -4.0, "forest")
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        for file in (tmp_path / "in").rglob("deep.*"):
            archive.write(file, file.relative_to(tmp_path / "in"))
    assert read_labels(tmp_path / "one.zip", layer="deep").counts == {"closedForest": 1}


def test_a_kmz_without_main_file_is_read_whole(tmp_path):
    members = {
        "2020/fields.kml": kml(placemark("forest")),
        "2021/fields.kml": kml(placemark("water", -4.1) + placemark("cropland", -4.2)),
        "2021/notes.txt": "no labels",
    }
    table = read_labels(zipped(tmp_path / "a.kmz", **members))
    assert table.counts == {"closedForest": 1, "cropland": 1, "permanentWater": 1}
    assert read_kmz(tmp_path / "a.kmz").numbers.tolist() == [1, 2, 3]


def test_a_kmz_is_followed_along_its_links(tmp_path):
    link = "<NetworkLink><Link><href>{}</href></Link></NetworkLink>"
    members = {
        "doc.kml": kml(placemark("forest") + link.format("sub/a.kml") + link.format("gone.kml")),
        "sub/a.kml": kml(placemark("water", -4.1) + link.format("../doc.kml")),
        "sub/old.kml": kml(placemark("cropland", -4.2)),
    }
    table = read_labels(zipped(tmp_path / "a.kmz", **members))
    assert table.counts == {"closedForest": 1, "permanentWater": 1}
    assert "sub/old.kml" in table.warnings[0]


def test_a_kml_that_only_links_elsewhere_says_so(tmp_path):
    (tmp_path / "a.kml").write_text(kml("<NetworkLink><Link><href>https://h/x.kml</href></Link>"
                                        "</NetworkLink>"))  # fmt: skip
    with pytest.raises(InputError, match=r"links to 'https://h/x\.kml', and links are not"):
        read_labels(tmp_path / "a.kml")


def test_a_damaged_member_is_named(tmp_path):
    members = {"a.kml": kml(placemark("forest")), "b.kml": "<kml><cut"}
    with pytest.raises(InputError, match=r"a\.kmz: b\.kml: malformed KML"):
        read_labels(zipped(tmp_path / "a.kmz", **members))


# Side files


@pytest.mark.parametrize(
    ("name", "is_side"),
    [
        ("._labels.gpkg", True), ("~$labels.csv", True), (".DS_Store", True),
        ("__MACOSX/x/labels.kml", True), ("a\\__MACOSX\\labels.kml", True),
        ("labels.gpkg", False), ("my__MACOSX/labels.kml", False), ("a~$b.csv", False),
    ],
)  # fmt: skip
def test_side_files(name, is_side):
    assert is_side_file(name) is is_side


def test_side_files_of_other_formats_are_passed_over(tmp_path):
    shapefile(tmp_path / "f", "fields", -4.0, "forest")
    (tmp_path / "f/._fields.shp").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    (tmp_path / "f/~$table.parquet").write_bytes(b"\5user")
    (tmp_path / "f/.hidden.geojson").write_text("{")
    assert read_labels(tmp_path / "f").counts == {"closedForest": 1}


# Folders of a KML as classes


def folder(name, *inside):
    return f"<Folder><name>{name}</name>{''.join(inside)}</Folder>"


@pytest.mark.parametrize(
    "body",
    [
        # The class above, and a region inside it.
        folder("forest", folder("north", placemark("Untitled")), placemark("Untitled", -4.1))
        + folder("water", folder("south", placemark("Untitled", -4.2))),
        # The other way round.
        folder("north", folder("forest", placemark("Untitled"), placemark("Untitled", -4.1)))
        + folder("south", folder("water", placemark("Untitled", -4.2))),
    ],
    ids=["outer", "inner"],
)
def test_folders_are_classes_at_any_depth(tmp_path, body):
    (tmp_path / "a.kml").write_text(kml(folder("My places", body)))
    table = read_labels(tmp_path / "a.kml", unknown="drop")
    assert table.counts == {"closedForest": 2, "permanentWater": 1}


def test_a_name_that_is_a_class_wins_over_the_folder(tmp_path):
    (tmp_path / "a.kml").write_text(kml(folder("water", placemark("forest"))))
    assert read_labels(tmp_path / "a.kml").counts == {"closedForest": 1}


# Words


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("012: cropland\nyes: builtUp\n", {"12": "cropland", "yes": "builtUp"}),
        ("0x1F: cropland\n1e3: builtUp\n", {"0x1F": "cropland", "1e3": "builtUp"}),
        ("2021-05-01: cropland\n1:30: builtUp\n", {"2021-05-01": "cropland", "1:30": "builtUp"}),
        ("off: null\n~: cropland\n'': ~\n", {"off": None, "~": "cropland", "": None}),
        ('{"on": "cropland", "007": null}', {"on": "cropland", "7": None}),
    ],
)
def test_a_mapping_is_made_of_words(tmp_path, text, mapping):
    (tmp_path / "m.yaml").write_text(text)
    assert read_mapping(tmp_path / "m.yaml") == mapping


@pytest.mark.parametrize("text", ["b: x\na: x\nb: x\n", "{a: x, b: y, 'a': z}", '{"a": 1, "a": 2}'])
def test_a_doubled_key_is_refused(tmp_path, text):
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(InputError, match=r"the key '[ab]' appears twice"):
        read_mapping(tmp_path / "m.yaml")


def test_a_long_mapping_takes_linear_time(tmp_path):
    (tmp_path / "m.yaml").write_text("".join(f"word{k}: cropland\n" for k in range(20_000)))
    began = time.process_time()
    assert len(read_mapping(tmp_path / "m.yaml")) == 20_000
    assert time.process_time() - began < 20  # quadratic: over a minute


def test_a_mapping_in_a_recipe_is_made_of_words_too():
    from landcover.recipe import read_recipe

    found = read_recipe(
        "recipes/mediterranean-rf.yaml", ["labels.mapping={010: cropland, no: builtUp, 1_1: null}"]
    )
    assert found.labels.mapping == {"010": "cropland", "no": "builtUp", "1_1": None}


def apart(text):
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize("spell", [str, apart], ids=["composed", "decomposed"])
def test_letters_with_accents_are_one_however_they_are_typed(tmp_path, spell):
    table = f"lat,lon,{spell('catégorie')}\n36.5,-4,{spell('Eaux intérieures')}\n"
    (tmp_path / "a.csv").write_text(table, encoding="utf-8")
    (tmp_path / "m.yaml").write_text(f"{spell('eaux intérieures')}: permanentWater\n")
    for wanted in ("catégorie", apart("catégorie")):
        found = read_labels(tmp_path / "a.csv", label=wanted, mapping=tmp_path / "m.yaml")
        assert found.counts == {"permanentWater": 1}


def test_a_column_of_polygons_is_found_however_it_is_typed(tmp_path):
    square = '{"type":"Polygon","coordinates":[[[0,0],[0,1],[1,1],[0,0]]]}'
    (tmp_path / "z.geojson").write_text(
        '{"type":"Feature","properties":{"' + apart("región") + '":"A"},"geometry":' + square + "}"
    )
    assert read_zones(tmp_path / "z.geojson", "región")[0].name == "A"


@pytest.mark.parametrize("first", ["sep=;", "SEP=;\r", '"sep=;"', "sep=;;;"])
def test_the_line_that_names_the_separator_is_passed_over(tmp_path, first):
    text = f"{first}\nlat;lon;label\n36.5;-4;forest\n36.6;-4;nonsense\n"
    (tmp_path / "a.csv").write_text(text, newline="")
    with pytest.raises(InputError, match=r"'nonsense' .*first in row 4"):
        read_labels(tmp_path / "a.csv")


# Rasters


def masked(path, *, mask, crs="EPSG:32630", dtype="uint16", alpha=False):
    values = np.full((40, 40), 40, dtype)
    values[:, 20:] = 80
    place = rasterio.Affine(10, 0, 300_000, 0, -10, 4_000_000)
    profile = {"driver": "GTiff", "width": 40, "height": 40, "dtype": dtype, "crs": crs,
               "transform": place, "count": 1 + alpha}  # fmt: skip
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "w", **profile) as file:
        file.write(values, 1)
        if alpha:
            file.write(np.where(mask, 255, 0).astype(dtype), 2)
            file.colorinterp = [rasterio.enums.ColorInterp.gray, rasterio.enums.ColorInterp.alpha]
        else:
            file.write_mask(mask)
    return path


@pytest.mark.parametrize("alpha", [False, True], ids=["mask beside the file", "alpha band"])
def test_masked_pixels_are_no_labels(tmp_path, alpha):
    mask = np.ones((40, 40), bool)
    mask[:, 10:] = False
    table = read_labels(masked(tmp_path / "a.tif", mask=mask, alpha=alpha))
    assert table.counts == {"cropland": 200}
    assert table.dropped == {"nodata": 1200}


def test_a_raster_is_read_within_the_tiles_only(tmp_path):
    values = np.full((600, 900), 40, "uint8")
    values[:, 450:] = 80
    path = tmp_path / "wide.tif"
    # 9 x 6 degrees, of which a tile is a corner.
    with rasterio.open(
        path, "w", driver="GTiff", width=900, height=600, count=1, dtype="uint8", crs="EPSG:4326",
        transform=rasterio.Affine(0.01, 0, -9, 0, -0.01, 41), tiled=True,
    ) as file:  # fmt: skip
        file.write(values, 1)
    grid = tile_grid("30SUF")
    points = read_labels(path, within=[grid]).points
    to_grid = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    x, y = to_grid.transform(points["lon"], points["lat"])
    west, south, east, north = grid.bounds
    assert len(points) == 400
    assert ((x >= west) & (x <= east) & (y >= south) & (y <= north)).all()
    with pytest.raises(InputError, match="every pixel within the tiles is nodata"):
        read_labels(path, within=[tile_grid("31UDS")])


def oblong(path, crs, transform):
    with rasterio.open(
        path, "w", driver="GTiff", width=20, height=20, count=1, dtype="uint8", crs=crs,
        transform=transform,
    ) as file:  # fmt: skip
        file.write(np.full((20, 20), 40, "uint8"), 1)
    return path


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ((10, 0, 3e5, 0, -20, 4e6), "pixels of 10 x 20 are not square"),
        ((10, 0, 3e5, 0, 10, 4e6), "rows run from south to north"),
        ((-10, 0, 3e5, 0, -10, 4e6), "columns run from east to west"),
        ((10, 2, 3e5, 2, -10, 4e6), "not north-up"),
    ],
)
def test_what_is_wrong_with_a_georeference_is_said(tmp_path, numbers, says):
    path = oblong(tmp_path / "a.tif", "EPSG:32630", rasterio.Affine(*numbers))
    with pytest.raises(InputError, match=says):
        read_labels(path)


# Long edges


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3035", "EPSG:3857"])
def test_edges_are_straight_in_the_system_of_the_file(tmp_path, crs):
    """A strip of 6 degrees with corners only holds what a strip with a vertex every metre does."""
    box = shapely.box(-7, 36.8, -1, 36.9)
    if crs != "EPSG:4326":
        there = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
        corners = [there(x, y) for x, y in ((-7, 36.8), (-1, 36.8), (-1, 36.9), (-7, 36.9))]
        box = shapely.Polygon(corners)
    path = tmp_path / "z.gpkg"
    pyogrio.raw.write(
        str(path), geometry=np.array([shapely.to_wkb(box)], dtype=object),
        field_data=[np.array(["a"], dtype=object)], fields=np.array(["name"]),
        geometry_type="Polygon", crs=crs, driver="GPKG",
    )  # fmt: skip
    (zone,) = read_zones(path, "name")
    dense = shapely.get_coordinates(shapely.segmentize(box, box.length / 200_000))
    if crs != "EPSG:4326":
        back = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
        dense = np.column_stack(back(dense[:, 0], dense[:, 1]))
    true = shapely.Polygon(dense)
    assert true.symmetric_difference(zone.polygon).area < 1e-5 * true.area


def test_short_edges_keep_their_vertices(tmp_path):
    from landcover.tiling.edges import densify

    field = shapely.box(300_000, 4_000_000, 300_400, 4_000_300)
    (kept,) = densify(np.array([field], dtype=object), "EPSG:32630")
    assert shapely.get_num_coordinates(kept) == 5
    (dense,) = densify(np.array([shapely.box(0, 0, 1, 0.005)], dtype=object), "EPSG:4326")
    assert shapely.get_num_coordinates(dense) == 2 * 100 + 2 + 1
