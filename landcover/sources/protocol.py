"""What every place that delivers products can do: search a tile's products, fetch one of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from landcover.errors import InputError
from landcover.nouns.base import Noun
from landcover.nouns.product import Product


class Found(Noun):
    """A product that a source knows of, before any of its rasters are here."""

    name: str
    """Product name without ``.SAFE``."""
    tile: str
    """Tile id, ``31UDS``."""
    spacecraft: str
    """``S2A`` … ``S2D``."""
    datatake: datetime
    """Sensing start of the datatake, UTC."""
    relative_orbit: int
    """1 … 143; 0 where unknown."""
    baseline: int
    """Processing baseline as an integer, 05.09 → 509."""
    generated: datetime
    """Generation time, UTC."""
    discriminator: str
    """Last field of the name; empty where the source does not tell the name."""
    cloud_percent: float | None
    """Medium, high and cirrus cloud, % of valid pixels; None where the source does not say."""
    nodata_percent: float | None
    """Nodata, % of all pixels; None where the source does not say."""
    href: str
    """Where the source has it; only the source itself needs to understand it."""
    provider: str
    """Which source it is, for people."""
    trouble: str = ""
    """Why it cannot be used, one sentence; empty where nothing is known against it."""

    @property
    def acquisition(self) -> tuple[str, datetime, int, str]:
        """What makes two products copies of one acquisition."""
        return self.spacecraft, self.datatake, self.relative_orbit, self.tile

    def as_product(self) -> Product:
        """Give what the choice of products needs; the product has no files yet.

        Raises:
            InputError: The product is not usable, or its percentages are unknown.
        """
        if self.trouble:
            raise InputError(self.trouble)
        if self.cloud_percent is None or self.nodata_percent is None:
            what = "cloud" if self.cloud_percent is None else "nodata"
            raise InputError(
                f"{self.provider}: no {what} percentage is known of {self.name}, so it cannot be "
                "selected."
            )
        return Product(
            name=self.name,
            path=self.href,
            tile=self.tile,
            spacecraft=self.spacecraft,
            datatake=self.datatake,
            relative_orbit=self.relative_orbit,
            baseline=self.baseline,
            generated=self.generated,
            discriminator=self.discriminator,
            cloud_percent=self.cloud_percent,
            nodata_percent=self.nodata_percent,
            sun_zenith=None,
            sun_azimuth=None,
            offset_decision="metadata",
            files=(),
        )


class Transferred(Noun):
    """How far a download is."""

    done_bytes: int
    """Bytes that are here."""
    total_bytes: int | None
    """Bytes of all files; None where a server does not tell the size of one."""
    bytes_per_second: float
    """Mean rate since the download was started; what was here before does not count."""

    @property
    def share(self) -> float:
        """Share that is done, 0-1; 0 where the total is unknown."""
        return min(self.done_bytes / self.total_bytes, 1.0) if self.total_bytes else 0.0

    def describe(self) -> str:
        """Say it in a few words: ``212 of 812 MB, 9.4 MB/s``."""
        total = "" if self.total_bytes is None else f" of {self.total_bytes / 1e6:.0f}"
        return f"{self.done_bytes / 1e6:.0f}{total} MB, {self.bytes_per_second / 1e6:.1f} MB/s"


Progress = Callable[[Transferred], None]
IsCancelled = Callable[[], bool]


def ignore_progress(transferred: Transferred) -> None:
    """Tell nobody."""


def never_cancelled() -> bool:
    """Say that nobody stopped the job."""
    return False


class Source(Protocol):
    """A place that delivers products."""

    @property
    def provider(self) -> str:
        """Name of the place, for people."""
        ...

    def probe(self, tile: str) -> None:
        """Ask, by one small request a service, whether the source answers and lets us in.

        Args:
            tile: A tile that will be searched; that it has no products is no trouble.

        Raises:
            UnavailableError: The source does not answer.
            InputError: It refuses us, or needs credentials that are not given.
        """
        ...

    def search(self, tile: str, start: datetime, end: datetime) -> list[Found]:
        """List the products of a tile with a datatake in [start, end), by datatake and name.

        Every delivery is listed, older baselines of one acquisition too: choosing is not the
        source's task. A product that is damaged or offline is listed with its ``trouble``.

        Raises:
            UnavailableError: The source does not answer, after all attempts.
            InputError: The source refuses the credentials.
        """
        ...

    def fetch(
        self,
        found: Found,
        folder: Path,
        *,
        progress: Progress = ignore_progress,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> Path:
        """Bring a product here.

        Args:
            found: What :meth:`search` returned.
            folder: Where its folder shall appear, whole or not at all. What an earlier attempt
                left there is continued.
            progress: Is told bytes and rate.
            is_cancelled: Says whether somebody stopped the job.

        Returns:
            A SAFE folder, or a folder with a STAC item and its rasters.

        Raises:
            MissingDataError: The source lacks the product or a file of it.
            UnavailableError: The source does not answer, or the disk is full.
            CancelledError: Somebody stopped the job.
        """
        ...
