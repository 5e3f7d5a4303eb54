"""Of several deliveries of one acquisition, the one that decodes fastest.

JPEG 2000 is nine tenths of a composite's CPU, and the same numbers as deflated GeoTIFF decode in a
sixteenth of it. Only deliveries of one baseline are the same numbers; a newer baseline wins as
ever.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from landcover.errors import LandcoverError
from landcover.nouns.product import Product
from landcover.nouns.source_kinds import DELIVERIES
from landcover.products.reading import read_product
from landcover.sources.fallback import FallbackSource, first_of
from landcover.sources.protocol import Found, Source

log = logging.getLogger(__name__)
_JP2 = (".jp2", ".j2k")
Ranked = tuple[int, int, Found]
"""Rank of the delivery, rank of the provider, the product."""


class CheapestSource(FallbackSource):
    """Sources that are all asked; of one acquisition and baseline the cheapest is meant."""

    def __init__(self, sources: Sequence[Source], deliveries: Sequence[str | None]) -> None:
        """Say how each source delivers; None where its products tell by themselves."""
        super().__init__(sources)
        self._deliveries = tuple(deliveries)

    def search(self, tile: str, start: datetime, end: datetime) -> list[Found]:
        """Ask all sources and leave out what another one delivers cheaper.

        A source that does not answer is left out with a warning, unless none does.
        """
        answers: list[Ranked] = []
        failures: list[LandcoverError] = []
        for place, (source, delivery) in enumerate(
            zip(self._sources, self._deliveries, strict=True)
        ):
            try:
                found = source.search(tile, start, end)
            except LandcoverError as error:
                failures.append(error)
                log.warning("%s The other providers are asked.", error)
                continue
            answers += [(_rank(one, delivery), place, one) for one in found]
        if len(failures) == len(self._sources):
            first_of([partial(_again, error) for error in failures])
        return _cheapest(answers)


def delivery_of(product: Product) -> str:
    """Say how the rasters of a product are delivered, by the endings of their files."""
    is_jp2 = any(file.href.lower().endswith(_JP2) for file in product.files)
    return DELIVERIES[1] if is_jp2 else DELIVERIES[0]


def _again(error: LandcoverError) -> None:
    raise error


def _rank(found: Found, delivery: str | None) -> int:
    if delivery is None:
        delivery = delivery_of(read_product(Path(found.href)))
    return DELIVERIES.index(delivery)


def _cheapest(answers: Sequence[Ranked]) -> list[Found]:
    groups: dict[tuple[object, ...], list[Ranked]] = {}
    for answer in answers:
        one = answer[2]
        # Metadata carry milliseconds, names do not; catalogues may not know the orbit.
        key = one.spacecraft, one.datatake.replace(microsecond=0), one.tile, one.baseline
        groups.setdefault(key, []).append(answer)
    kept = [one for group in groups.values() for one in _of_group(group)]
    return sorted(kept, key=lambda one: (one.datatake, one.name))


def _of_group(group: Sequence[Ranked]) -> list[Found]:
    """Keep what the cheapest provider has, and granules beside it that only others have."""
    usable = [answer for answer in group if not answer[2].trouble] or list(group)
    best = min(answer[:2] for answer in usable)
    kept = [one for *rank, one in usable if tuple(rank) == best]
    known = {one.discriminator for one in kept}
    for _, _, other in sorted(usable, key=lambda answer: answer[:2]):
        if "" not in known and other.discriminator and other.discriminator not in known:
            known.add(other.discriminator)
            kept.append(other)
    return kept
