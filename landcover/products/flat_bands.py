"""Which layer each band of a flat GeoTIFF holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from landcover.errors import InputError
from landcover.products.flat_description import DESCRIPTION, FlatDescription
from landcover.products.stac_assets import ASSETS

LAYERS = frozenset(ASSETS.values())
_BAND = re.compile(r"B0?(\d|1[0-2]|8A)", re.IGNORECASE)
_PART = re.compile(r"[_\W]+")


def layers_of(
    path: Path, descriptions: Sequence[str | None], said: FlatDescription
) -> tuple[dict[int, str], list[str]]:
    """Tell which layers the bands of a file hold.

    What the bands are called counts; then, for a file of one band, a part of its name; then an
    order that was given, for files of so many bands.

    Args:
        path: The file.
        descriptions: Description of each band, None where it has none.
        said: What is known beside the file.

    Returns:
        Band, counted from 1 → layer; and what bands are called that hold none.

    Raises:
        InputError: A layer is named twice, or a name stands for something that is no layer.
    """
    _require_layers([*said.bands, *said.names.values()], path)
    names = [text or "" for text in descriptions]
    named = [layer_named(name, said) for name in names]
    if not any(named) and len(names) == 1:
        named = [_in_name(path.stem, said)]
    is_ordered = not any(named) and len(said.bands) == len(names)
    if is_ordered:
        named = list(said.bands)
    if said.bands and len(names) > 1 and not any(named):
        raise InputError(
            f"{path}: {len(names)} bands, none named as a layer, and bands of {DESCRIPTION} lists "
            f"{len(said.bands)}. Give as many, null for one that is not used."
        )
    layers = {number: layer for number, layer in enumerate(named, start=1) if layer}
    twice = sorted({layer for layer in layers.values() if [*layers.values()].count(layer) > 1})
    if twice:
        raise InputError(f"{path}: {', '.join(twice)} is named by more than one band. Name one.")
    unused = [
        f"{path.name} {name or number}"
        for number, name in enumerate(names, start=1)
        if number not in layers and not is_ordered
    ]
    return layers, unused


def layer_named(name: str, said: FlatDescription) -> str | None:
    """Give the layer that a band is called after; None where it is no layer's name.

    ``B2``, ``b02``, ``B8A``, ``SCL`` and the names of Earth Search (``blue``, ``nir08``) are known.
    """
    if name in said.names:
        return said.names[name]
    if name.lower() in ASSETS:
        return ASSETS[name.lower()]
    match = _BAND.fullmatch(name)
    layer = f"B{match[1].upper():0>2}" if match else name.upper()
    return layer if layer in LAYERS else None


def _in_name(stem: str, said: FlatDescription) -> str | None:
    return next(_found(_PART.split(stem), said), None)


def _found(parts: Sequence[str], said: FlatDescription) -> Iterator[str]:
    yield from (layer for part in reversed(parts) if (layer := layer_named(part, said)))


def _require_layers(layers: Sequence[str | None], path: Path) -> None:
    wrong = [layer for layer in layers if layer is not None and layer not in LAYERS]
    if wrong:
        raise InputError(
            f"{path}: {DESCRIPTION} names {wrong[0]!r}, which is no layer. Expected one of "
            f"{', '.join(sorted(LAYERS))}."
        )
