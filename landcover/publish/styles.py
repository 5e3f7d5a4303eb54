"""Styles that desktop programs read: names and colours beside a map."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from landcover.nouns.colour import rgb_of
from landcover.nouns.legend import LegendClass

COLOUR_BLIND = (
    "#117733", "#999933", "#DDCC77", "#88CCEE", "#44AA99", "#BBBBBB", "#AA4499", "#CC6677",
    "#332288",
)  # fmt: skip
"""Nine colours that stay apart for colour-blind readers, in the order of the nine classes: the
"muted" scheme of P. Tol, Colour Schemes, SRON/EPS/TN/09-002 (2021), its pale grey darkened."""


def qml(legend: Sequence[LegendClass]) -> str:
    """Write a QGIS style for a class map: one paletted entry per class, by its title.

    QGIS takes it by itself where it lies beside the map under the map's name.

    Args:
        legend: Classes of the map.

    Returns:
        XML text of a ``.qml`` file.
    """
    root = ElementTree.Element("qgis", version="3.22", styleCategories="Symbology")
    renderer = ElementTree.SubElement(
        ElementTree.SubElement(root, "pipe"),
        "rasterrenderer",
        type="paletted", band="1", alphaBand="-1", opacity="1", nodataColor="",
    )  # fmt: skip
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for entry in legend:
        ElementTree.SubElement(
            palette, "paletteEntry",
            value=str(entry.code), label=entry.title, color=entry.colour.lower(), alpha="255",
        )  # fmt: skip
    ElementTree.indent(root)
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return head + ElementTree.tostring(root, encoding="unicode") + "\n"


def sld(legend: Sequence[LegendClass], name: str) -> str:
    """Write an OGC style (SLD 1.0.0) for a class map, as GeoServer and QGIS read it.

    Args:
        legend: Classes of the map.
        name: Name of the layer.

    Returns:
        XML text of an ``.sld`` file: each value has one colour and one label, nodata none.
    """
    root = ElementTree.Element(
        "StyledLayerDescriptor",
        {"version": "1.0.0", "xmlns": "http://www.opengis.net/sld"},
    )
    layer = ElementTree.SubElement(root, "NamedLayer")
    ElementTree.SubElement(layer, "Name").text = name
    rule = layer
    for tag in ("UserStyle", "FeatureTypeStyle", "Rule"):
        rule = ElementTree.SubElement(rule, tag)
    colours = ElementTree.SubElement(
        ElementTree.SubElement(rule, "RasterSymbolizer"), "ColorMap", type="values"
    )
    for entry in legend:
        ElementTree.SubElement(
            colours, "ColorMapEntry",
            color=entry.colour.lower(), quantity=str(entry.code), label=entry.title, opacity="1",
        )  # fmt: skip
    ElementTree.indent(root)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + ElementTree.tostring(root, encoding="unicode") + "\n"


def colour_map(legend: Sequence[LegendClass]) -> str:
    """Write a colour map as text: ``value,red,green,blue,alpha,name``, a line per class.

    QGIS loads it for a paletted or singleband raster; ``gdaldem color-relief`` takes the first
    five fields of a line.
    """
    lines = ["# value,red,green,blue,alpha,name"]
    for entry in legend:
        shades = rgb_of(entry.colour)
        name = " ".join(entry.title.replace(",", " ").split())
        lines.append(",".join((str(entry.code), *map(str, shades), "255", name)))
    return "\n".join(lines) + "\n"


def for_colour_blind(legend: Sequence[LegendClass]) -> tuple[LegendClass, ...] | None:
    """Give the classes colours that colour-blind readers can tell apart.

    Args:
        legend: Classes of the map; the second palette goes by code, so that a class keeps its
            colour on every map.

    Returns:
        The classes in new colours; None where a code is beyond the palette.
    """
    if any(entry.code > len(COLOUR_BLIND) for entry in legend):
        return None
    return tuple(
        entry.model_copy(update={"colour": COLOUR_BLIND[entry.code - 1]}) for entry in legend
    )
