"""QGIS styles: names and colours of every class."""

from __future__ import annotations

from xml.etree import ElementTree

from landcover.nouns.legend import MEDITERRANEAN, LegendClass
from landcover.publish.styles import COLOUR_BLIND, colour_map, for_colour_blind, qml, sld


def entries(text: str) -> dict[str, tuple[str | None, str | None]]:
    """Code → name and colour, as a program would read them."""
    found = ElementTree.fromstring(text).iterfind("./pipe/rasterrenderer/colorPalette/paletteEntry")
    return {str(e.get("value")): (e.get("label"), e.get("color")) for e in found}


def test_a_style_names_and_colours_every_class() -> None:
    found = entries(qml(MEDITERRANEAN.classes))
    assert len(found) == 9
    assert found["1"] == ("Closed forest", "#007800")
    assert found["9"] == ("Permanent water", "#0032c8")
    renderer = ElementTree.fromstring(qml(MEDITERRANEAN.classes)).find("./pipe/rasterrenderer")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("band")) == ("paletted", "1")


def test_names_with_signs_of_xml_survive() -> None:
    entry = LegendClass(code=3, name="x", colour="#010203", title='Rock & "ice" <5 %')
    assert entries(qml([entry])) == {"3": ('Rock & "ice" <5 %', "#010203")}


def test_the_second_palette_keeps_names_and_tells_classes_apart() -> None:
    others = for_colour_blind(MEDITERRANEAN.classes)
    assert others is not None
    assert [c.title for c in others] == [c.title for c in MEDITERRANEAN.classes]
    assert len({c.colour for c in others}) == 9
    # A class has its colour on every map, whichever other classes it has.
    assert for_colour_blind(MEDITERRANEAN.classes[6:7]) == (others[6],)


def test_a_legend_beyond_the_second_palette_has_none() -> None:
    far = LegendClass(code=len(COLOUR_BLIND) + 1, name="x", colour="#000000", title="x")
    assert for_colour_blind([far]) is None


def test_a_map_server_gets_one_value_per_class() -> None:
    root = ElementTree.fromstring(sld(MEDITERRANEAN.classes, "map").partition("\n")[2])
    spaces = {"s": "http://www.opengis.net/sld"}
    colours = root.find(".//s:RasterSymbolizer/s:ColorMap", spaces)
    assert colours is not None
    assert colours.get("type") == "values"
    found = {e.get("quantity"): (e.get("label"), e.get("color")) for e in colours}
    assert len(found) == 9
    assert found["8"] == ("Built-up", "#fa0000")


def test_a_colour_map_is_plain_lines() -> None:
    odd = LegendClass(code=30, name="x", colour="#010203", title="Rock, ice")
    assert colour_map([MEDITERRANEAN.classes[0], odd]).splitlines() == [
        "# value,red,green,blue,alpha,name",
        "1,0,120,0,255,Closed forest",
        "30,1,2,3,255,Rock ice",
    ]
