"""``docs/your-area.md`` is the script: its commands run as they stand, against local servers.

Only the words that name an archive become addresses of servers on this machine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import rasterio.shutil
import shapely
from fake_servers import Account, FakeServer, contents, files, google, odata, s3, stac

from landcover.products.naming import parse_name
from landcover.products.stac_assets import ASSETS
from landcover.simulate import SimulatedRegion, simulate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "your-area.md"
TILE = "30SUF"
EODATA = "Sentinel-2/MSI/L2A"
STEPS = 10


def blocks(title: str) -> list[str]:
    """List the commands of the guide, those of one archive among the three."""
    found = []
    for part in re.split(r"^##+ ", GUIDE.read_text(), flags=re.MULTILINE):
        name = part.partition("\n")[0]
        if name[0].isdigit() or name == title:
            found += re.findall(r"^```sh\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
    return found


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    out = tmp_path_factory.mktemp("simulated") / "region"
    return simulate(out, tiles=(TILE,), pixels=240, points_per_class=12, seed=5)


@pytest.fixture
def folder(region: SimulatedRegion, tmp_path: Path) -> Path:
    """What the person of the guide has: an area and labels."""
    shutil.copy(region.labels, tmp_path / "labels.geojson")
    places = [f["geometry"] for f in json.loads(region.labels.read_text())["features"]]
    box = shapely.box(
        *shapely.GeometryCollection([shapely.geometry.shape(p) for p in places]).bounds
    )
    (tmp_path / "area.geojson").write_text(json.dumps(shapely.geometry.mapping(box)))
    return tmp_path


@pytest.fixture(scope="module")
def elevation(region: SimulatedRegion, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The cells as Copernicus publishes its own: named so, as COGs, with a list."""
    folder, names = tmp_path_factory.mktemp("glo30"), []
    for path in sorted(region.dem.glob("*.tif")):
        corner = path.name.removeprefix("ASTGTMV003_").removesuffix("_dem.tif")
        names.append(f"Copernicus_DSM_COG_10_{corner[:3]}_00_{corner[3:]}_00_DEM")
        (folder / names[-1]).mkdir()
        target = folder / names[-1] / f"{names[-1]}.tif"
        rasterio.shutil.copy(path, target, driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=512)
    (folder / "tileList.txt").write_text("\n".join(names))
    with files(contents(folder), {"ETag": '"0123"'}) as server:
        yield f"glo30+{server.url}"


def earth_search(region: SimulatedRegion, scratch: Path, stack: ExitStack) -> tuple[str, str]:
    """Serve the products as Earth Search does: items, and each layer as a GeoTIFF."""
    names = {layer: key for key, layer in ASSETS.items()}
    items, objects = [], {}
    for safe in sorted(region.products.iterdir()):
        fields = parse_name(safe.name)
        assert fields is not None
        assets = {}
        for layer, key in names.items():
            path = min(safe.rglob(f"*_{layer}_*0m.jp2"), default=None)
            if path is None:
                continue
            target = scratch / "layer.tif"
            rasterio.shutil.copy(path, target, driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=512)
            objects[f"{safe.stem}/{layer}.tif"] = target.read_bytes()
            offset = 0 if fields.baseline < 400 or layer in ("SCL", "AOT", "WVP") else -0.1
            assets[key] = {
                "href": f"{{url}}/assets/{safe.stem}/{layer}.tif",
                "raster:bands": [{"nodata": 0, "scale": 0.0001, "offset": offset}],
            }
        items.append(item_of(safe, assets))
    server = stack.enter_context(stac(items, objects))
    return "earth-search", f"'stac+{server.url}?collection=sentinel-2-l2a'"


def item_of(safe: Path, assets: dict[str, object]) -> dict[str, object]:
    fields = parse_name(safe.name)
    assert fields is not None
    # One mirror writes the name with a small letter, and the simulator does as well.
    (metadata,) = safe.glob("MTD_MSIL2[Aa].xml")
    text = metadata.read_text()
    (cloud,) = re.findall(r"<Cloud_Coverage_Assessment>(.*?)<", text)
    (nodata,) = re.findall(r"<NODATA_PIXEL_PERCENTAGE>(.*?)<", text)
    return {
        "type": "Feature", "stac_version": "1.0.0", "stac_extensions": [], "geometry": None,
        "id": safe.stem, "collection": "sentinel-2-l2a", "assets": assets,
        "links": [{"rel": "self", "href": f"{{url}}/collections/sentinel-2-l2a/items/{safe.stem}"}],
        "properties": {
            "datetime": f"{fields.datatake:%Y-%m-%dT%H:%M:%S}Z",
            "created": f"{fields.datatake:%Y-%m-%dT23:59:59}Z",
            "platform": f"sentinel-{fields.spacecraft[1:].lower()}",
            "grid:code": f"MGRS-{TILE}",
            "eo:cloud_cover": float(cloud), "s2:nodata_pixel_percentage": float(nodata),
            "s2:processing_baseline": f"{fields.baseline // 100:02d}.{fields.baseline % 100:02d}",
            "s2:product_uri": safe.name, "earthsearch:boa_offset_applied": False,
        },
    }  # fmt: skip


def copernicus(region: SimulatedRegion, _: Path, stack: ExitStack) -> tuple[str, str]:
    """Serve catalogue and bucket of the Copernicus Data Space."""
    entries = []
    for number, safe in enumerate(sorted(region.products.iterdir())):
        fields = parse_name(safe.name)
        assert fields is not None
        entries.append(
            {
                "Id": f"id-{number}",
                "Name": safe.name,
                "S3Path": f"/eodata/{EODATA}/{safe.name}",
                "Online": True,
                "ContentDate": {"Start": f"{fields.datatake:%Y-%m-%dT%H:%M:%S}.024Z"},
                "Attributes": [{"Name": "cloudCover", "Value": 7.5}],
            }
        )
    catalogue = stack.enter_context(odata(entries, {}, Account()))
    store = stack.enter_context(s3("eodata", contents(region.products, f"{EODATA}/"), key="KEY"))
    return "cdse-odata", f"'cdse-odata?catalogue={catalogue.url}/odata/v1&s3={store.url}'"


def google_bucket(region: SimulatedRegion, _: Path, stack: ExitStack) -> tuple[str, str]:
    """Serve the public bucket."""
    objects = contents(region.products, "L2/tiles/30/S/UF/")
    server: FakeServer = stack.enter_context(google("gcp-public-data-sentinel-2", objects))
    return "google", f"'google?endpoint={server.url}'"


def test_the_guide_has_ten_steps_and_three_archives() -> None:
    text = GUIDE.read_text()
    steps = re.findall(r"^## (\d+)\. ", text, re.MULTILINE)
    assert steps == [str(number) for number in range(1, STEPS + 1)]
    assert text.count("**not tried against the live service**") == 3
    assert all(len(blocks(title)) == 9 for title in ("Earth Search", "Google"))


@pytest.mark.parametrize(
    ("title", "serve"),
    [
        ("Earth Search", earth_search),
        ("Copernicus Data Space", copernicus),
        ("Google", google_bucket),
    ],
    ids=["earth-search", "copernicus", "google"],
)
def test_the_guide_is_a_script_that_ends_in_a_map(
    title, serve, region, folder, elevation, tmp_path_factory
) -> None:
    with ExitStack() as stack:
        word, address = serve(region, tmp_path_factory.mktemp("scratch"), stack)
        script = "\n".join(blocks(title))
        assert f"export PRODUCTS={word}\n" in script
        script = script.replace(f"PRODUCTS={word}\n", f"PRODUCTS={address}\n")
        assert script.count("--dem glo30 ") == 2
        script = script.replace("--dem glo30 ", f"--dem {elevation} ")
        known = {k: v for k, v in os.environ.items() if not k.startswith("LANDCOVER_")}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            capture_output=True,
            text=True,
            env={
                **known,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{known['PATH']}",
                "LANDCOVER_CDSE_S3_KEY": "KEY",
                "LANDCOVER_CDSE_S3_SECRET": "hidden",
            },
        )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    (page,) = folder.glob("workspace/objects/**/index.html")
    assert "Land cover of my area" in page.read_text()
    (published,) = page.parent.glob("map_*.tif")
    with rasterio.open(published) as file:
        assert (file.read(1) > 0).mean() > 0.2
