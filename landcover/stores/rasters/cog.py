"""Cloud Optimized GeoTIFFs: what people get (docs/methods/mosaics.md#files)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import rasterio
from rasterio.errors import RasterioError
from rasterio.shutil import copy as copy_raster

from landcover.stores.rasters.reading import GDAL_OPTIONS, damaged
from landcover.stores.rasters.writing import FINE_BLOCK, unwritable


def write_cog(
    source: str | Path,
    path: str | Path,
    *,
    resampling: Literal["MODE", "AVERAGE"],
    tags: Mapping[str, str],
    categories: Mapping[int, str] | None = None,
) -> None:
    """Copy a GeoTIFF into a Cloud Optimized GeoTIFF with overviews (docs/methods/mosaics.md#files).

    The source is not touched. Colour table, nodata, description and scale come along. Names of
    categories go into the file as metadata of the band (``class_7``), and where GDAL and QGIS
    look for them, into ``{path}.aux.xml``.

    Args:
        source: A GeoTIFF of ours.
        path: Where the COG goes.
        resampling: ``MODE`` for classes, ``AVERAGE`` for continuous values; both pass over nodata.
        tags: Metadata added to those of the source.
        categories: Name of each code of the first band.

    Raises:
        InputError: The source cannot be read.
        UnavailableError: The disk is full.
    """
    if not Path(source).is_file():
        raise damaged(str(source), FileNotFoundError(source))
    view = Path(path).with_suffix(".vrt")
    with rasterio.Env(**GDAL_OPTIONS):
        try:
            # A virtual copy takes what is added, so that the source keeps its bytes.
            copy_raster(source, view, driver="VRT")
            view.write_text(_annotated(view.read_text(), tags, categories or {}))
            copy_raster(
                view,
                path,
                driver="COG",
                COMPRESS="DEFLATE",
                PREDICTOR="NO" if resampling == "MODE" else "YES",
                BLOCKSIZE=FINE_BLOCK,
                OVERVIEW_RESAMPLING=resampling,
                BIGTIFF="IF_SAFER",
                NUM_THREADS=1,
            )
        except RasterioError as error:
            raise unwritable(str(path), error) from error
        finally:
            view.unlink(missing_ok=True)


def write_picture_cog(source: str | Path, path: str | Path, *, quality: int) -> None:
    """Copy red, green, blue and opacity into a Cloud Optimized GeoTIFF of WebP pictures.

    Args:
        source: A GeoTIFF of ours with four bands, uint8; opacity is 0 or 255.
        path: Where the COG goes; its overviews average what is opaque.
        quality: Of the pictures, 0-100. Opacity is kept as it is.

    Raises:
        InputError: The source cannot be read.
        UnavailableError: The disk is full.
    """
    view = Path(path).with_suffix(".vrt")
    with rasterio.Env(**GDAL_OPTIONS):
        try:
            copy_raster(source, view, driver="VRT")
            view.write_text(_coloured(view.read_text()))
            copy_raster(
                view,
                path,
                driver="COG",
                COMPRESS="WEBP",
                QUALITY=quality,
                BLOCKSIZE=FINE_BLOCK,
                OVERVIEW_RESAMPLING="AVERAGE",
                BIGTIFF="IF_SAFER",
                NUM_THREADS=1,
            )
        except RasterioError as error:
            raise unwritable(str(path), error) from error
        finally:
            view.unlink(missing_ok=True)


def _coloured(text: str) -> str:
    """Say which band of a virtual copy is which, and leave out what was said of its values."""
    root = ElementTree.fromstring(text)
    for metadata in root.findall("Metadata"):
        root.remove(metadata)
    for band, colour in zip(
        root.findall("VRTRasterBand"), ("Red", "Green", "Blue", "Alpha"), strict=True
    ):
        for element in band.findall("ColorInterp"):
            band.remove(element)
        ElementTree.SubElement(band, "ColorInterp").text = colour
    return ElementTree.tostring(root, encoding="unicode")


def level_ends(path: str | Path) -> tuple[int, ...]:
    """Tell how many bytes from the beginning of a COG hold its levels.

    Args:
        path: A Cloud Optimized GeoTIFF, in which the coarsest level comes first.

    Returns:
        Bytes up to and with each level, ascending: the coarsest first, the pixels themselves last.
    """
    with rasterio.open(path) as raster:
        n_overviews = len(raster.overviews(1))
    ends = []
    for level in (*reversed(range(n_overviews)), None):
        # Opened at its level it tells the size; where the blocks are, the whole file tells.
        with rasterio.open(path, **({} if level is None else {"overview_level": level})) as raster:
            high, wide = raster.block_shapes[0]
            down, across = -(-raster.height // high), -(-raster.width // wide)
        end = 0
        with rasterio.open(path) as raster:
            for row in range(down):
                for column in range(across):
                    place, size = (
                        raster.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", 1, level)
                        for what in ("OFFSET", "SIZE")
                    )
                    end = max(end, int(place) + int(size)) if place else end
        ends.append(end)
    return tuple(ends)


def _annotated(text: str, tags: Mapping[str, str], categories: Mapping[int, str]) -> str:
    root = ElementTree.fromstring(text)
    metadata = root.find("Metadata")
    if metadata is None:
        metadata = ElementTree.Element("Metadata")
        root.insert(2, metadata)
    for key, value in tags.items():
        ElementTree.SubElement(metadata, "MDI", key=key).text = value
    band = root.find("VRTRasterBand")
    if categories and band is not None:
        _name_in_file(band, categories)
        names = ElementTree.Element("CategoryNames")
        for code in range(max(categories) + 1):
            ElementTree.SubElement(names, "Category").text = categories.get(code, "")
        after = [child.tag for child in band].index("ColorInterp")
        band.insert(after + 1, names)
        band.append(_attribute_table(categories, band.find("ColorTable")))
    return ElementTree.tostring(root, encoding="unicode")


def _name_in_file(band: ElementTree.Element, categories: Mapping[int, str]) -> None:
    """Put names of categories among the band's metadata, which the GeoTIFF itself carries."""
    metadata = band.find("Metadata")
    if metadata is None:
        metadata = ElementTree.Element("Metadata")
        band.insert(0, metadata)
    for entry in metadata.findall("MDI"):
        if str(entry.get("key")).startswith("class_"):
            metadata.remove(entry)
    for code, name in sorted(categories.items()):
        ElementTree.SubElement(metadata, "MDI", key=f"class_{code}").text = name


def _attribute_table(
    categories: Mapping[int, str], colours: ElementTree.Element | None
) -> ElementTree.Element:
    # GDAL's numbers: type 0 integer, 2 text; usage 5 the value, 2 its name, 6-8 red, green, blue.
    fields = [("Value", 0, 5), ("Class", 2, 2)]
    if colours is not None:
        fields += [("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8)]
    table = ElementTree.Element("GDALRasterAttributeTable", tableType="thematic")
    for index, (name, kind, usage) in enumerate(fields):
        field = ElementTree.SubElement(table, "FieldDefn", index=str(index))
        for tag, value in (("Name", name), ("Type", kind), ("Usage", usage)):
            ElementTree.SubElement(field, tag).text = str(value)
    for index, (code, name) in enumerate(sorted(categories.items())):
        row = ElementTree.SubElement(table, "Row", index=str(index))
        shades = [] if colours is None else [colours[code].get(c, "0") for c in ("c1", "c2", "c3")]
        for value in (str(code), name, *shades):
            ElementTree.SubElement(row, "F").text = value
    return table
