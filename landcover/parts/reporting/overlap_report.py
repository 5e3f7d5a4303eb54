"""What a report shows of the places where neighbouring tiles overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landcover.nouns.legend import LegendClass
from landcover.nouns.output import Output
from landcover.publish.page import OverlapView


def seams_of(mosaic: Output, legend: Sequence[LegendClass]) -> dict[str, Any]:
    """Give ``overlaps`` and ``absent`` of a map's view; mosaics of older versions have neither."""
    titles = {entry.code: entry.title for entry in legend}
    views = [_view(document, titles) for document in mosaic.stats.get("overlaps", [])]
    ranked = sorted(views, key=lambda view: (-view.percent, view.first, view.second))
    return {"overlaps": tuple(ranked), "absent": tuple(mosaic.stats.get("absent", ()))}


def _view(document: Mapping[str, Any], titles: Mapping[int, str]) -> OverlapView:
    commonest = ""
    # The order of the two codes only says which tile has which class.
    counts: dict[tuple[int, int], int] = {}
    for pair, n in document["classes"].items():
        low, high = sorted(int(code) for code in pair.split("-"))
        counts[low, high] = counts.get((low, high), 0) + int(n)
    if counts:
        (low, high), n = max(counts.items(), key=lambda entry: (entry[1], entry[0]))
        share = 100 * n / sum(counts.values())
        names = (titles.get(code, f"class {code}") for code in (low, high))
        commonest = f"{' and '.join(names)}: {share:.0f} % of the differences"
    return OverlapView(
        first=document["first"],
        second=document["second"],
        pixels=document["pixels"],
        percent=document["percent"],
        commonest=commonest,
    )
