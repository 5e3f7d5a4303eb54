"""Labels from delimited text: one point per row."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.legend import normalise_label
from landcover.sources.label_features import LabelFeatures, check_coordinates, read_text

SEPARATORS = ",;\t"
LATITUDE = ("latitude", "lat", "latitud", "decimallatitude", "y")
LONGITUDE = ("longitude", "lon", "lng", "long", "longitud", "decimallongitude", "x")


def read_csv(path: Path) -> LabelFeatures:
    """Read a table of points with a header line.

    The separator is the one of ``, ; TAB`` that the header holds most of. Latitude and longitude
    are found by the usual names (:data:`LATITUDE`, :data:`LONGITUDE`, in that order, case does
    not count), in degrees with a decimal point. Blank lines are passed over.

    Args:
        path: Text file, UTF-8.

    Returns:
        One point per row; numbers are the lines of the file, the header being line 1.

    Raises:
        InputError: The file is empty, a coordinate column is missing, a row has the wrong number
            of fields, or a coordinate is no number or out of range.
    """
    header, rows, lines = _read_rows(path)
    if not rows:
        raise InputError(f"{path.name}: there are no rows below the header; labels were expected.")
    numbers = np.asarray(lines, dtype=np.int64)
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
    latitude = _find(path, header, LATITUDE)
    longitude = _find(path, header, LONGITUDE)
    lat = _numbers(path, latitude, columns[latitude], lines)
    lon = _numbers(path, longitude, columns[longitude], lines)
    check_coordinates(path, lon, lat, numbers, "row")
    attributes = {
        name: [normalise_label(text) for text in values]
        for name, values in columns.items()
        if name not in (latitude, longitude)
    }
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    return LabelFeatures(points, attributes, numbers, "row")


def _read_rows(path: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """Read the header, the fields of each row and the line that each row ends on."""
    text = read_text(path)
    first_line = text.lstrip().partition("\n")[0]
    separator = max(SEPARATORS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                rows.append(fields)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{path.name}: row {reader.line_num} cannot be read ({error}).") from error
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
        f"{path.name}: no {wanted[0]} column among {', '.join(map(repr, header))}; "
        f"name one of them {' or '.join(repr(name) for name in wanted[:2])}."
    )


def _numbers(
    path: Path, column: str, texts: Sequence[str], lines: Sequence[int]
) -> NDArray[np.float64]:
    values = np.empty(len(texts))
    for index, text in enumerate(texts):
        try:
            values[index] = float(text)
        except ValueError as error:
            raise InputError(
                f"{path.name}: row {lines[index]}: {column} {text!r} is not a number "
                "(degrees with a decimal point)."
            ) from error
    return values
