"""Elevation from outside: degree cells of ASTER GDEM v3 or Copernicus GLO-30.

Method: docs/methods/products.md#elevation-cells.

====================================  =========================================================
address                               what it is
====================================  =========================================================
``path``                              a file or folder of cells on this machine; nothing is
                                      fetched
``glo30``                             the public bucket of Copernicus GLO-30; of its cells, which
                                      are COGs, only what a tile needs is read
``glo30+https://host/root``           a copy of that bucket
``aster+https://host/path/{name}``    a server of ASTER GDEM v3: ``{name}`` stands for
                                      ``ASTGTMV003_N36W005_dem.tif``; a server that asks for a
                                      bearer token gets ``LANDCOVER_DEM_TOKEN``
====================================  =========================================================

A cell that a server does not have is sea. To tell it from a wrong address, GLO-30's own list of
cells is asked, and of a server without a list at least one cell must come. A server that refuses
or does not answer says nothing about the sea.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from landcover.errors import InputError, MissingDataError, UsageError
from landcover.products.dem import ASTER, GLO30, Cell, cells_of, may_be_sea, name_of
from landcover.sources.access import Access, read_access
from landcover.sources.addresses import is_remote
from landcover.sources.hosts import refuse_password
from landcover.sources.protocol import IsCancelled, Progress, ignore_progress, never_cancelled
from landcover.sources.remote_file import MemorySink
from landcover.sources.web import Token, Web
from landcover.stores import vsi
from landcover.stores.retry import retry
from landcover.tiling import footprint

GLO30_BUCKET = "https://copernicus-dem-30m.s3.amazonaws.com"
GLO30_LIST = "tileList.txt"
MOST_PROBED = 24
"""Cells that are asked for, one after the other, before a server is believed to have none."""
T = TypeVar("T")
_VSI = "/vsicurl/"
# A server is asked for the parts of a file that are wanted, not for what lies beside it; nothing
# is remembered of it, for an answer may have been wrong.
_GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "CPL_VSIL_CURL_NON_CACHED": _VSI,
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_LOW_SPEED_TIME": "60",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
}


@dataclass(frozen=True)
class RemoteCell:
    """A cell that a server has."""

    cell: Cell
    name: str
    """Name of its file."""
    address: str
    size: int | None
    """Bytes; None where the server does not tell."""
    version: str
    """What the server names its content by; empty where it does not."""
    by_window: str | None
    """What GDAL opens to read a part of it; None where it has to be fetched whole."""


@dataclass(frozen=True)
class FoundCells:
    """What a server has for a box."""

    cells: tuple[RemoteCell, ...]
    missing: tuple[Cell, ...]
    """Cells that the server does not have."""


class DemSource:
    """A server of degree cells."""

    def __init__(
        self,
        access: Access,
        family: str,
        address_of: Callable[[Cell], str],
        *,
        listed: str | None = None,
        token: str | None = None,
        are_cogs: bool = False,
    ) -> None:
        """Make a source.

        Args:
            access: How patient, how parallel.
            family: Family of its cells.
            address_of: Address of a cell's file.
            listed: Address of a text file with the names of all cells; None where there is none.
            token: Bearer token; None where the server asks for none.
            are_cogs: Whether its files are Cloud Optimized GeoTIFFs that GDAL reads by window.
        """
        self.family = family
        self._access = access
        self._address_of = address_of
        self._listed = listed
        self._are_cogs = are_cogs
        self._web = Web(access.policy, Token(lambda: token) if token else None)
        if are_cogs:
            root = f"{_VSI}{address_of((0, 0)).partition('/Copernicus')[0]}"
            vsi.register(root, vsi.VsiAccess(lambda: _GDAL, self._require))

    def probe(self, tiles: Sequence[str]) -> None:
        """Ask for the list of cells or, where there is none, for cells of a run until one is there.

        A cell that is not there is the sea, so a wrong address looks like an ocean: one cell of
        the run has to answer. Where a run has more cells than :data:`MOST_PROBED`, no answer of
        the first ones says nothing.

        Args:
            tiles: Tiles of the run.

        Raises:
            MissingDataError: No cell of the tiles is there.
            InputError: The server refuses access, or has no such list.
            UnavailableError: The server does not answer.
        """
        if self._listed is not None:
            try:
                self._retry(partial(self._web.require, self._listed))
            except MissingDataError as error:
                where = f"{self._listed}: this server has no cells. Check --dem."
                raise InputError(where) from error
            return
        corners = [c for tile in tiles[:MOST_PROBED] for c in cells_of(footprint(tile).bounds)]
        asked = list(dict.fromkeys(corners))[: MOST_PROBED + 1]
        if not any(map(self._is_there, asked[:MOST_PROBED])) and len(asked) <= MOST_PROBED:
            raise MissingDataError(
                f"{self.family}: none of the {len(asked)} cells of the run is there, such as "
                f"{self._address_of(asked[0])}; at least one has to be, else the address is wrong "
                "or all of it is sea."
            )

    def _is_there(self, corner: Cell) -> bool:
        try:
            self._retry(partial(self._web.require, self._address_of(corner)))
        except MissingDataError:
            return False
        return True

    def locate(self, box: tuple[float, float, float, float]) -> FoundCells:
        """Find the cells that a box touches; nothing of them is fetched.

        Args:
            box: (west, south, east, north), degrees, with its halo.

        Raises:
            MissingDataError: No cell at all is there, or one is withheld from the public.
            InputError: The server refuses access.
            UnavailableError: The server does not answer.
        """
        corners = cells_of(box)
        names = self._names()
        cells = []
        for corner in corners:
            found = self._find(corner, names)
            if found is not None:
                cells.append(found)
        if not cells and names is None:
            raise MissingDataError(
                f"{self.family}: none of the {len(corners)} cells of {_words(box)} is there, "
                f"such as {self._address_of(corners[0])}. Check --dem."
            )
        present = {found.cell for found in cells}
        return FoundCells(tuple(cells), tuple(c for c in corners if c not in present))

    def fetch(
        self,
        cell: RemoteCell,
        folder: Path,
        *,
        progress: Progress = ignore_progress,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> Path:
        """Bring a cell here, whole; what an earlier attempt left in the folder is continued.

        Args:
            cell: What :meth:`locate` returned.
            folder: Where its file goes.
            progress: Is told bytes and rate.
            is_cancelled: Says whether somebody stopped the job.

        Returns:
            The file.

        Raises:
            MissingDataError: It is not there any more.
            InputError: The server refuses access.
            UnavailableError: The server does not answer, or the disk is full.
        """
        folder.mkdir(parents=True, exist_ok=True)
        file = self._web.file(cell.name, cell.address, cell.size)
        self._access.downloader.files([file], folder, progress=progress, is_cancelled=is_cancelled)
        return folder / cell.name

    def _find(self, corner: Cell, names: frozenset[str] | None) -> RemoteCell | None:
        address = self._address_of(corner)
        name = address.partition("?")[0].rpartition("/")[2]
        if names is not None and name.removesuffix(".tif") not in names:
            if not may_be_sea(self.family, corner):
                raise MissingDataError(
                    f"{self.family}: the cell {name_of(corner)} is withheld from the public set, "
                    "and there is no sea. Use ASTER GDEM v3 for this tile."
                )
            return None
        try:
            size, version = self._retry(partial(self._describe, address))
        except MissingDataError:
            if names is not None:
                raise
            return None
        by_window = f"{_VSI}{address}" if self._are_cogs else None
        return RemoteCell(corner, name, address, size, version, by_window)

    def _describe(self, address: str) -> tuple[int | None, str]:
        try:
            return self._web.head(address)
        except InputError:  # some servers refuse HEAD; whether they refuse all else, reading tells
            return None, ""

    def _require(self, path: str) -> None:
        """Wait until the server answers; raise where it has no such file or refuses it."""
        self._retry(partial(self._web.head, path.removeprefix(_VSI)))

    def _names(self) -> frozenset[str] | None:
        if self._listed is None:
            return None
        file = self._web.file(GLO30_LIST, self._listed)

        def read() -> str:
            sink = MemorySink()
            file.send(sink)
            return sink.data.decode("ascii", "replace")

        names = frozenset(self._retry(read).split())
        if not names:
            raise InputError(f"{self._listed}: the list of cells is empty.")
        return names

    def _retry(self, action: Callable[[], T]) -> T:
        return retry(action, self._access.policy, what=self.family)


def open_dem(address: str, access: Access | None = None) -> DemSource | None:
    """Open what ``--dem`` names.

    Args:
        address: As the table above says.
        access: Credentials and retry policy; those of the environment if None.

    Returns:
        The source; None where the address is a path of this machine.

    Raises:
        UsageError: The address is of no known kind, or a password is part of it.
    """
    kind, found, rest = address.partition("+")
    if address == "glo30" or (kind == "glo30" and rest.startswith(("http://", "https://"))):
        root = (rest if found else GLO30_BUCKET).rstrip("/")
        _require_no_password(root)
        return DemSource(
            access or read_access(),
            GLO30,
            lambda corner: f"{root}/{glo30_name(corner)}/{glo30_name(corner)}.tif",
            listed=f"{root}/{GLO30_LIST}",
            are_cogs=True,
        )
    if kind == "aster" and rest.startswith(("http://", "https://")):
        _require_no_password(rest)
        if "{name}" not in rest:
            raise UsageError(
                f"--dem {address}: expected {{name}} in the address, where the name of a cell's "
                "file goes."
            )
        known = access or read_access()
        return DemSource(
            known,
            ASTER,
            lambda corner: rest.replace("{name}", f"{aster_name(corner)}_dem.tif"),
            token=known.dem_token,
        )
    if "://" in address and not os.path.exists(address):
        raise UsageError(
            f"--dem {address}: unknown kind of address. Expected a path, glo30, glo30+https://… "
            "or aster+https://…/{name}"
        )
    return None


def is_elsewhere(role: str, address: str) -> bool:
    """Tell whether an argument of a run names a service and no path of this machine.

    Args:
        role: The argument, ``products`` or ``dem`` or another.
        address: What it holds.
    """
    return open_dem(address) is not None if role == "dem" else is_remote(address)


def absolute_dem(address: str) -> str:
    """Write what ``--dem`` names so that it means the same in every process: paths become absolute.

    Raises:
        UsageError: The address is of no known kind, or a password is part of it.
    """
    return address if open_dem(address) is not None else str(Path(address).resolve())


def aster_name(corner: Cell) -> str:
    """Name a cell of ASTER GDEM v3: (36, -5) → ``ASTGTMV003_N36W005``."""
    return f"ASTGTMV003_{name_of(corner)}"


def glo30_name(corner: Cell) -> str:
    """Name a cell of GLO-30: (36, -5) → ``Copernicus_DSM_COG_10_N36_00_W005_00_DEM``."""
    name = name_of(corner)
    return f"Copernicus_DSM_COG_10_{name[:3]}_00_{name[3:]}_00_DEM"


def _require_no_password(address: str) -> None:
    refuse_password(
        address, "--dem", "Give it as a bearer token in LANDCOVER_DEM_TOKEN or "
        "LANDCOVER_DEM_TOKEN_FILE."
    )  # fmt: skip


def _words(box: tuple[float, float, float, float]) -> str:
    west, south, east, north = box
    return f"lon {west:.2f} to {east:.2f}, lat {south:.2f} to {north:.2f}"
