"""More products from few: the same pixels on another date, without another byte of raster."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from landcover.errors import InputError
from landcover.simulate.safe import MARK

CYCLE_DAYS = 10
"""Days after which the same satellite passes on the same orbit."""
ORBITS = 143
"""Orbits in that time."""
_STAMP = re.compile(r"(?<!\d)\d{8}T\d{6}(?!\d)")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?=\.\d{3}Z)")
_ORBIT = re.compile(r"(?<=_A)\d{6}(?=_)|(?<=\d_)\d{6}(?=_N\d\d\.\d\d)")


def relink_product(safe: Path, folder: Path, *, days: int) -> Path:
    """Make a product of another date from a simulated one, its rasters being links.

    Names, times and orbit numbers are those of the later or earlier pass. Pixels, cloud,
    percentages and sun angles stay those of the first: two such products are no two observations.
    The tile stays too, since its georeference is inside the rasters.

    Args:
        safe: SAFE folder of a simulated product.
        folder: Folder to make the new one in; best on the same disk, where links are hard.
        days: How much later, days; negative for earlier. A multiple of 10, so that spacecraft and
            relative orbit are right.

    Returns:
        The new SAFE folder.

    Raises:
        InputError: The product is not simulated, the new one exists, or the days are no multiple
            of 10.
    """
    if days % CYCLE_DAYS or not days:
        raise InputError(
            f"days: expected a multiple of {CYCLE_DAYS} other than 0 (the satellite passes again "
            f"then), found {days}."
        )
    if not (safe / MARK).is_file():
        raise InputError(f"{safe}: no {MARK} inside; only simulated products are linked anew.")
    made = folder / _shifted(safe.name, days)
    if made.exists():
        raise InputError(f"{made} exists; choose other days or another folder.")
    for file in sorted(path for path in safe.rglob("*") if path.is_file()):
        copy = made / _shifted(file.relative_to(safe).as_posix(), days)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".xml":
            copy.write_text(_shifted(file.read_text(encoding="utf-8"), days), encoding="utf-8")
        else:
            _link(file, copy)
    return made


def _shifted(text: str, days: int) -> str:
    """Move all times and absolute orbits that stand in a text."""

    def of(form: str) -> Callable[[re.Match[str]], str]:
        def later(found: re.Match[str]) -> str:
            moment = datetime.strptime(found[0], form) + timedelta(days=days)
            return moment.strftime(form)

        return later

    text = _STAMP.sub(of("%Y%m%dT%H%M%S"), text)
    text = _INSTANT.sub(of("%Y-%m-%dT%H:%M:%S"), text)
    orbits = days // CYCLE_DAYS * ORBITS
    return _ORBIT.sub(lambda found: f"{int(found[0]) + orbits:06d}", text)


def _link(file: Path, copy: Path) -> None:
    try:
        os.link(file, copy)
    except OSError:
        # Another disk, or one that knows no hard links.
        copy.symlink_to(file.resolve())
