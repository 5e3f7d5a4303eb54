"""The products of a season delivered otherwise: the same numbers as flat GeoTIFFs with an item.

As Earth Search delivers its Collection 1: deflate, predictor 2, blocks of 1,024 px, and an item
that tells the offset of each band.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.season import Season
from landcover.bench.tables import Progress

if TYPE_CHECKING:
    from landcover.nouns.product import Product

BLOCK = 1024
BYTES_PER_PIXEL = 40.0
"""Of one product on disk, per pixel of 10 m."""


def as_cogs(season: Season, folder: Path, progress: Progress) -> Season:
    """Write every product of a season as GeoTIFFs with a STAC item.

    Args:
        season: SAFE folders.
        folder: Where the products go.
        progress: Is told how far it is.

    Returns:
        The same season, delivered so.
    """
    from landcover.products.reading import read_product

    paths = list(_of_season(season))
    for number, path in enumerate(paths):
        progress(number / len(paths), "writing GeoTIFFs of the same numbers")
        _write(read_product(path), folder / path.stem)
    return Season(folder, season.tile, season.year, season.month)


def _of_season(season: Season) -> Iterator[Path]:
    yield from sorted(
        season.products.glob(f"*_{season.year}{season.month:02}*_T{season.tile}_*.SAFE")
    )


def _write(product: Product, folder: Path) -> None:
    from landcover.products.stac_assets import ASSETS

    folder.mkdir(parents=True)
    keys = {layer: key for key, layer in ASSETS.items()}
    assets: dict[str, Any] = {}
    for file in product.files:
        _as_cog(file.href, folder / f"{file.layer}.tif")
        band = {"offset": file.offset / file.scale, "scale": 1 / file.scale}
        assets[keys[file.layer]] = {"href": f"{file.layer}.tif", "raster:bands": [band]}
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": product.name,
        "assets": assets,
        "properties": {
            "s2:product_uri": f"{product.name}.SAFE",
            "s2:processing_baseline": f"{product.baseline // 100:02}.{product.baseline % 100:02}",
            "s2:generation_time": product.generated.isoformat(),
            "grid:code": f"MGRS-{product.tile}",
            "platform": f"sentinel-{product.spacecraft[1:].lower()}",
            "datetime": product.datatake.isoformat(),
            "eo:cloud_cover": product.cloud_percent,
            "s2:nodata_pixel_percentage": product.nodata_percent,
        },
    }
    (folder / f"{product.name}.json").write_text(json.dumps(item, indent=1))


def _as_cog(source: str, target: Path) -> None:
    import rasterio

    with rasterio.open(source) as band:
        pixels, place = band.read(1), {"crs": band.crs, "transform": band.transform}
    side = {"blockxsize": BLOCK, "blockysize": BLOCK} if min(pixels.shape) >= BLOCK else {}
    with rasterio.open(
        target, "w", driver="GTiff", width=pixels.shape[1], height=pixels.shape[0], count=1,
        dtype=pixels.dtype, tiled=True, compress="deflate", predictor=2, **place, **side,
    ) as raster:  # fmt: skip
        raster.write(pixels, 1)
