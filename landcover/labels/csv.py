"""Labels from delimited text: one point per row.

A plain file of a million rows is read in one go; whatever is odd about a file (quotes, blank
lines, a row too short) sends it to the reader that goes row by row and says where.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import shapely
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.labels.features import (
    Column,
    FileRule,
    LabelFeatures,
    check_coordinates,
    known_crs,
    quoted,
    read_text,
    to_wgs84,
)

SEPARATORS = ",;\t"
_SEPARATOR_LINE = re.compile(r'\s*"?sep=([,;\t|])"?[,;\t ]*(?:\r?\n|\r|$)', re.IGNORECASE)
LATITUDE = ("latitude", "lat", "latitud", "decimallatitude", "y")
LONGITUDE = ("longitude", "lon", "lng", "long", "longitud", "decimallongitude", "x")
NORTHING = ("y", "northing", "north", "utm_y", "y_coord", *LATITUDE)
EASTING = ("x", "easting", "east", "utm_x", "x_coord", *LONGITUDE)

# Names for the first coordinate (x) and for the second (y).
_Names = tuple[Sequence[str], Sequence[str]]


@dataclass(frozen=True)
class _Table:
    """The cells of a file."""

    columns: Mapping[str, Sequence[str] | pa.ChunkedArray]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    lines: NDArray[np.int64]
    """Line of the file that each row ends on; the header is line 1."""


def read_csv(path: Path, rule: FileRule | None = None) -> LabelFeatures:
    """Read a table of points with a header line.

    The separator is the one of ``, ; TAB`` that the header holds most of. Latitude and longitude
    are found by the usual names (:data:`LATITUDE`, :data:`LONGITUDE`, in that order, case does
    not count), in degrees with a decimal point. With a reference system in the rule they are
    :data:`NORTHING` and :data:`EASTING` in its unit. Blank lines are passed over, and so is a first
    line ``sep=;`` as spreadsheets write it, which names the separator.

    Args:
        path: Text file, UTF-8.
        rule: Reference system of the coordinates; WGS84 if None.

    Returns:
        One point per row; numbers are the lines of the file, the header being line 1.

    Raises:
        InputError: The file is empty, a coordinate column is missing, a row has the wrong number
            of fields, or a coordinate is no number or out of range.
    """
    text = read_text(path)
    crs = None if rule is None or rule.crs is None else known_crs(path, rule.crs)
    names = (LONGITUDE, LATITUDE) if crs is None else (EASTING, NORTHING)
    table = _read_at_once(path, text, names) or _read_by_row(path, text, names)
    lon, lat = table.x, table.y
    if crs is not None:
        points = to_wgs84(path, np.asarray(shapely.points(lon, lat), dtype=object), crs)
        lon, lat = shapely.get_x(points), shapely.get_y(points)
    check_coordinates(path, lon, lat, table.lines, "row")
    attributes = {name: Column(values) for name, values in table.columns.items()}
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    return LabelFeatures(points, attributes, table.lines, "row")


def _read_at_once(path: Path, text: str, names: _Names) -> _Table | None:
    """Read a file in which every line is a row; None where it may not be so plain."""
    is_odd = (
        _declared(text) is not None
        or '"' in text
        or "\n\n" in text
        or "\n\r\n" in text
        or text[0].isspace()
    )
    if is_odd or text.count("\r") != text.count("\r\n"):
        return None
    header = [name.strip() for name in text.partition("\n")[0].split(_separator(text))]
    if len(set(header)) != len(header):
        return None
    try:
        found = pa_csv.read_csv(
            io.BytesIO(text.encode()),
            read_options=pa_csv.ReadOptions(column_names=header, skip_rows=1, block_size=1 << 24),
            parse_options=pa_csv.ParseOptions(delimiter=_separator(text), quote_char=False),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
        x, y = (_find(path, header, wanted) for wanted in names)
        trimmed = [pc.utf8_trim_whitespace(found[name]) for name in (x, y)]
        numbers = [pc.cast(texts, pa.float64()).to_numpy() for texts in trimmed]
    except (pa.ArrowInvalid, InputError):
        return None
    columns = {name: found[name] for name in header if name not in (x, y)}
    lines = np.arange(2, found.num_rows + 2)
    return _Table(columns, numbers[0], numbers[1], lines) if len(lines) else None


def _read_by_row(path: Path, text: str, names: _Names) -> _Table:
    header, rows, lines = _split(path, text)
    if not rows:
        raise InputError(f"{path.name}: there are no rows below the header; labels were expected.")
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
    latitude, longitude = _find(path, header, names[1]), _find(path, header, names[0])
    y = _numbers(path, latitude, columns.pop(latitude), lines)
    x = _numbers(path, longitude, columns.pop(longitude), lines)
    return _Table(columns, x, y, np.asarray(lines, dtype=np.int64))


def _declared(text: str) -> str | None:
    """Give the separator that a first line ``sep=;`` names; None where there is no such line."""
    found = _SEPARATOR_LINE.match(text)
    return None if found is None else found[1]


def _separator(text: str) -> str:
    if (declared := _declared(text)) is not None:
        return declared
    first_line = text.lstrip().partition("\n")[0]
    return max(SEPARATORS, key=first_line.count)


def _split(path: Path, text: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Read the header, the fields of each row and the line that each row ends on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for fields in reader:
            is_declaration = reader.line_num == 1 and _declared(text) is not None
            if any(field.strip() for field in fields) and not is_declaration:
                rows.append(fields)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{path.name}: row {reader.line_num} cannot be read ({error}).") from error
    if not rows:
        raise InputError(f"{path.name}: there is no header line; labels were expected.")
    header = [name.strip() for name in rows[0]]
    twice = [name for name in header if name and header.count(name) > 1]
    if twice:
        raise InputError(f"{path.name}: column {twice[0]!r} appears twice; rename one of them.")
    for fields, line in zip(rows[1:], lines[1:], strict=True):
        if len(fields) != len(header):
            raise InputError(
                f"{path.name}: row {line} has {len(fields)} fields, the header has {len(header)}; "
                "correct the row or quote the field that holds the separator."
            )
    return header, rows[1:], lines[1:]


def _find(path: Path, header: Sequence[str], wanted: Sequence[str]) -> str:
    folded = {name.casefold(): name for name in reversed(header)}
    for name in wanted:
        if name in folded:
            return folded[name]
    raise InputError(
        f"{path.name}: no {wanted[0]} column among {quoted(header)}; "
        f"name one of them {' or '.join(repr(name) for name in wanted[:2])}."
    )


def _numbers(
    path: Path, column: str, texts: Sequence[str], lines: Sequence[int]
) -> NDArray[np.float64]:
    values = np.empty(len(texts))
    for index, text in enumerate(texts):
        try:
            # Python takes 36_7 for 367.
            values[index] = float(text if "_" not in text else "none")
        except ValueError as error:
            has_comma = text.count(",") == 1 and text.replace(",", "").strip("+- ").isdigit()
            hint = ": write the decimal comma as a point" if has_comma else ""
            raise InputError(
                f"{path.name}: row {lines[index]}: {column} {text!r} is not a number "
                f"(degrees with a decimal point){hint}."
            ) from error
    return values
