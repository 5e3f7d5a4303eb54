"""Elevation from outside: degree cells of ASTER GDEM v3 or Copernicus GLO-30 (sentinel2 §8).

====================================  =========================================================
address                               what it is
====================================  =========================================================
``path``                              a file or folder of cells on this machine; nothing is
                                      fetched
``glo30``                             the public bucket of Copernicus GLO-30
``glo30+https://host/root``           a copy of that bucket
``aster+https://host/path/{name}``    a server of ASTER GDEM v3: ``{name}`` stands for
                                      ``ASTGTMV003_N36W005_dem.tif``; a server that asks for a
                                      bearer token gets ``LANDCOVER_DEM_TOKEN``
====================================  =========================================================

A cell that a server does not have is sea. To tell it from a wrong address, GLO-30's own list of
cells is asked, and of a server without a list at least one cell must come.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from landcover.errors import InputError, MissingDataError, UsageError
from landcover.products.dem import cells_of
from landcover.sources.access import Access, read_access
from landcover.sources.protocol import IsCancelled, Progress, ignore_progress, never_cancelled
from landcover.sources.remote_file import MemorySink, RemoteFile
from landcover.sources.retries import persist
from landcover.sources.web import Token, Web

GLO30 = "https://copernicus-dem-30m.s3.amazonaws.com"
GLO30_LIST = "tileList.txt"
T = TypeVar("T")
Cell = tuple[int, int]
"""(latitude, longitude) of the south-west corner, degrees."""
# Some cells of Armenia and Azerbaijan are withheld from the public set. Around them there is land
# and the Caspian Sea (28 m below 0), so an absent cell is never the sea at 0 m.
_WITHHELD_LAT, _WITHHELD_LON = range(38, 42), range(43, 51)


@dataclass(frozen=True)
class DemCells:
    """What was fetched."""

    folder: Path
    """Folder with the cells, named as :func:`landcover.products.dem.find_dem` knows them."""
    present: tuple[Cell, ...]
    sea: tuple[Cell, ...]
    """Cells that do not exist because there is only sea."""


class DemSource:
    """A server of degree cells."""

    def __init__(
        self,
        access: Access,
        provider: str,
        address_of: Callable[[Cell], str],
        *,
        listed: str | None = None,
        token: str | None = None,
    ) -> None:
        """Make a source.

        Args:
            access: How patient, how parallel.
            provider: Name of the source, for people.
            address_of: Address of a cell's file.
            listed: Address of a text file with the names of all cells; None where there is none.
            token: Bearer token; None where the server asks for none.
        """
        self.provider = provider
        self._access = access
        self._address_of = address_of
        self._listed = listed
        self._web = Web(access.policy, Token(lambda: token) if token else None)

    def fetch(
        self,
        box: tuple[float, float, float, float],
        folder: Path,
        *,
        progress: Progress = ignore_progress,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> DemCells:
        """Bring the cells that a box touches; those that are here already are checked and stay.

        Args:
            box: (west, south, east, north), degrees, with its halo.
            folder: Where the cells go; several boxes may share it.
            progress: Is told bytes and rate.
            is_cancelled: Says whether somebody stopped the job.

        Raises:
            MissingDataError: No cell at all is there, or one is withheld from the public.
            UnavailableError: The server does not answer.
        """
        corners = cells_of(box)
        files = self._existing(corners)
        present = tuple(corner for corner in corners if corner in files)
        sea = tuple(corner for corner in corners if corner not in files)
        if not present and self._listed is None:
            raise MissingDataError(
                f"{self.provider}: none of the {len(corners)} cells of {_words(box)} is there, "
                f"such as {self._address_of(corners[0])}. Check --dem."
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._access.downloader.files(
            list(files.values()), folder, progress=progress, is_cancelled=is_cancelled
        )
        return DemCells(folder, present, sea)

    def _existing(self, corners: Sequence[Cell]) -> dict[Cell, RemoteFile]:
        names = self._names()
        files = {}
        for corner in corners:
            address = self._address_of(corner)
            name = address.partition("?")[0].rpartition("/")[2]
            if names is not None and name.removesuffix(".tif") not in names:
                _require_not_withheld(corner, self.provider)
                continue
            try:
                size = self._persist(partial(self._web.size, address))
            except MissingDataError:
                if names is not None:
                    raise
                continue
            files[corner] = self._web.file(name, address, size)
        return files

    def _names(self) -> frozenset[str] | None:
        if self._listed is None:
            return None
        file = self._web.file(GLO30_LIST, self._listed)

        def read() -> str:
            sink = MemorySink()
            file.send(sink)
            return sink.data.decode("ascii", "replace")

        names = frozenset(self._persist(read).split())
        if not names:
            raise InputError(f"{self._listed}: the list of cells is empty.")
        return names

    def _persist(self, action: Callable[[], T]) -> T:
        return persist(action, self._access.policy, what=self.provider)


def open_dem(address: str, access: Access | None = None) -> DemSource | None:
    """Open what ``--dem`` names.

    Args:
        address: As the table above says.
        access: Credentials and patience; those of the environment if None.

    Returns:
        The source; None where the address is a path of this machine.

    Raises:
        UsageError: The address is of no known kind.
    """
    kind, found, rest = address.partition("+")
    if address == "glo30" or (kind == "glo30" and rest.startswith(("http://", "https://"))):
        root = (rest if found else GLO30).rstrip("/")
        return DemSource(
            access or read_access(),
            "Copernicus GLO-30",
            lambda corner: f"{root}/{glo30_name(corner)}/{glo30_name(corner)}.tif",
            listed=f"{root}/{GLO30_LIST}",
        )
    if kind == "aster" and rest.startswith(("http://", "https://")):
        if "{name}" not in rest:
            raise UsageError(
                f"--dem {address}: expected {{name}} in the address, where the name of a cell's "
                "file goes."
            )
        known = access or read_access()
        return DemSource(
            known,
            "ASTER GDEM v3",
            lambda corner: rest.replace("{name}", f"{aster_name(corner)}_dem.tif"),
            token=known.dem_token,
        )
    if "://" in address and not os.path.exists(address):
        raise UsageError(
            f"--dem {address}: unknown kind of address. Expected a path, glo30, glo30+https://… "
            "or aster+https://…/{name}"
        )
    return None


def aster_name(corner: Cell) -> str:
    """Name a cell of ASTER GDEM v3: (36, -5) → ``ASTGTMV003_N36W005``."""
    lat, lon = corner
    return f"ASTGTMV003_{_lat(lat)}{_lon(lon)}"


def glo30_name(corner: Cell) -> str:
    """Name a cell of GLO-30: (36, -5) → ``Copernicus_DSM_COG_10_N36_00_W005_00_DEM``."""
    lat, lon = corner
    return f"Copernicus_DSM_COG_10_{_lat(lat)}_00_{_lon(lon)}_00_DEM"


def _lat(lat: int) -> str:
    return f"{'N' if lat >= 0 else 'S'}{abs(lat):02d}"


def _lon(lon: int) -> str:
    return f"{'E' if lon >= 0 else 'W'}{abs(lon):03d}"


def _require_not_withheld(corner: Cell, provider: str) -> None:
    lat, lon = corner
    if lat in _WITHHELD_LAT and lon in _WITHHELD_LON:
        raise MissingDataError(
            f"{provider}: the cell {_lat(lat)} {_lon(lon)} is withheld from the public set, and "
            "there is no sea. Use ASTER GDEM v3 for this tile."
        )


def _words(box: tuple[float, float, float, float]) -> str:
    west, south, east, north = box
    return f"lon {west:.2f} to {east:.2f}, lat {south:.2f} to {north:.2f}"
