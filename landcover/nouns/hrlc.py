"""The legend of the CCI High Resolution Land Cover maps (HRLC): leaf type, not crown cover.

Names and classes are those of the mission's documents; codes and colours were seen in the code of a
public viewer of the maps, and no user guide that confirms them was at hand: see :data:`UNVERIFIED`.
"""

from __future__ import annotations

from typing import Final

from landcover.nouns.legend import Legend, LegendClass, LegendEntry


def _class(code: int, name: str, colour: str, title: str, *aliases: str) -> LegendClass:
    return LegendClass(
        code=code, name=name, colour=colour, title=title, aliases=(str(code), *aliases)
    )


_WATER: Final = LegendClass(
    code=140,
    name="openWater",
    colour="#0046C8",
    title="Open water",
    aliases=("140", "141", "142", "water", "open water seasonal", "open water permanent"),
    second=(
        LegendEntry(
            code=141, name="openWaterSeasonal", colour="#5B95FF", title="Open water, seasonal",
            aliases=("141", "seasonal", "seasonal water"),
        ),
        LegendEntry(
            code=142, name="openWaterPermanent", colour="#0046C8", title="Open water, permanent",
            aliases=("142", "permanent", "permanent water"),
        ),
    ),
)  # fmt: skip

HRLC: Final = Legend(
    classes=(
        _class(
            10, "treeEvergreenBroadleaf", "#006400", "Tree cover, evergreen broadleaf",
            "tree cover evergreen broadleaf", "evergreen broadleaf",
        ),
        _class(
            20, "treeEvergreenNeedleleaf", "#003C00", "Tree cover, evergreen needleleaf",
            "tree cover evergreen needleleaf", "evergreen needleleaf",
        ),
        _class(
            30, "treeDeciduousBroadleaf", "#00A000", "Tree cover, deciduous broadleaf",
            "tree cover deciduous broadleaf", "deciduous broadleaf",
        ),
        _class(
            40, "treeDeciduousNeedleleaf", "#285000", "Tree cover, deciduous needleleaf",
            "tree cover deciduous needleleaf", "deciduous needleleaf",
        ),
        _class(
            50, "shrubEvergreen", "#966400", "Shrub cover, evergreen",
            "shrub cover evergreen", "evergreen shrub", "evergreen shrubs", "shrubs evergreen",
        ),
        _class(
            60, "shrubDeciduous", "#AA7300", "Shrub cover, deciduous",
            "shrub cover deciduous", "deciduous shrub", "deciduous shrubs", "shrubs deciduous",
        ),
        _class(70, "grassland", "#FFB432", "Grasslands", "grasslands"),
        _class(80, "cropland", "#FFFF64", "Croplands", "croplands"),
        _class(
            90, "woodyAquatic", "#1BCBAE", "Woody vegetation, aquatic or regularly flooded",
            "woody vegetation aquatic or regularly flooded",
        ),
        _class(
            100, "grassAquatic", "#00DC82", "Grassland vegetation, aquatic or regularly flooded",
            "grassland vegetation aquatic or regularly flooded",
        ),
        _class(110, "lichensMosses", "#FFDCD2", "Lichens and mosses", "lichens and mosses"),
        _class(120, "bareArea", "#FFF5D7", "Bare areas", "bare areas", "bare"),
        _class(130, "builtUp", "#C31400", "Built-up"),
        _WATER,
        _class(
            150, "snowIce", "#FFFFFF", "Snow and ice",
            "snow and ice", "permanent snow and ice", "snow", "ice",
        ),
    )
)  # fmt: skip
"""Fifteen classes. Four kinds of tree cover by leaf, so nothing is said of how dense they stand."""

UNVERIFIED: Final = frozenset({*HRLC.codes, 141, 142})
"""Codes that no user guide at hand confirms; a page that does takes its code out of here."""
