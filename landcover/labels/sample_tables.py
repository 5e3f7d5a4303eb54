"""Samples that were exported from other runs, or come as a published library of spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from landcover.errors import InputError
from landcover.labels.spectral_library import is_spectra, read_spectra
from landcover.nouns.legend import Legend, normalise_label
from landcover.recipe import Labels, LongSeason, Season

_NAMES = {"lat": "latitude", "lon": "longitude", "column": "col"}
_REQUIRED = ("latitude", "longitude", "label")
_TEXT = ("point_id", "group", "source", "tile", "sample_set")
_WHOLE = ("row", "col", "dx", "dy")
_OTHERS = {*_REQUIRED, *_TEXT, *_WHOLE, "code", "library", "year", "simulated", "layout",
           "is_train", "weight", "code2", "use"}  # fmt: skip
_SHOWN = 5


def read_library(
    path: Path, labels: Labels, seasons: Sequence[Season | LongSeason], name: str
) -> pd.DataFrame:
    """Read a table of samples with their features.

    Args:
        path: CSV or Parquet as `landcover samples --export` writes it, any other such table with
            latitude, longitude, label and features by name, or monthly spectra
            (:mod:`landcover.labels.spectral_library`).
        labels: Legend, mapping and column of the label.
        seasons: Seasons that monthly spectra are put into.
        name: What the rows are called in messages and in the model's card.

    Returns:
        ``library``, ``sample_set``, ``year`` (0 where unknown), ``simulated``, ``point_id``,
        ``group``, ``source``, ``lon``, ``lat`` (degrees), ``label``, ``code``, ``tile``, ``row``,
        ``column``, ``dx``, ``dy``, and the features, float32, NaN where there is none.

    Raises:
        InputError: The file cannot be read, lacks a column, is scaled, is out of range, or its
            classes are not those of the legend.
    """
    table = _read(path, name)
    if is_spectra(table):
        table = read_spectra(table, seasons, labels.field, name)
    renames = {
        old: new for old, new in _NAMES.items() if old in table.columns and new not in table.columns
    }
    table = table.rename(columns=renames)
    _check_columns(table, name)
    table = _with_codes(table, labels, name)
    place = table["latitude"].map("{:.7f}".format) + "," + table["longitude"].map("{:.7f}".format)
    found = pd.DataFrame(
        {
            "library": name,
            "sample_set": _text(table, "sample_set", ""),
            "year": _number(table, "year", name).astype(np.int64),
            "simulated": _flag(table, "simulated"),
            "group": _text(table, "group", place),
            "point_id": _text(table, "point_id", _text(table, "group", place)),
            "source": _text(table, "source", name),
            "lon": table["longitude"],
            "lat": table["latitude"],
            "label": table["label"],
            "code": table["code"].astype(np.int64),
            "tile": _text(table, "tile", ""),
            **{
                {"col": "column"}.get(column, column): _number(table, column, name).astype(
                    np.int16 if column in ("dx", "dy") else np.int32
                )
                for column in _WHOLE
            },
        }
    )
    features = [
        str(column)
        for column in table.columns
        if column not in _OTHERS and not str(column).endswith("_product_name")
    ]
    numbers = [column for column in features if pd.api.types.is_numeric_dtype(table[column])]
    return pd.concat([found, table[numbers].astype(np.float32)], axis="columns")


def _read(path: Path, name: str) -> pd.DataFrame:
    suffix = path.suffix.lower()
    try:
        if suffix in (".parquet", ".geoparquet"):
            return pd.read_parquet(path)
        if suffix == ".csv":
            return pd.read_csv(path, dtype=dict.fromkeys(_TEXT, "str"))
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise InputError(f"{name}: not a readable table of samples ({said}).") from error
    raise InputError(
        f"{name}: samples are read from .parquet and .csv, found {suffix or 'no ending'}."
    )


def _check_columns(table: pd.DataFrame, name: str) -> None:
    absent = [column for column in _REQUIRED if column not in table.columns]
    if absent:
        raise InputError(
            f"{name}: the samples have no column {', '.join(absent)}; expected latitude, "
            "longitude, label and a column for each feature, as `landcover samples --export` "
            "writes them."
        )
    if table.empty:
        raise InputError(f"{name}: the file holds no samples.")
    if "layout" in table.columns and (table["layout"] == "paper").any():
        raise InputError(
            f"{name}: exported with --layout paper, whose numbers are scaled; export the samples "
            "again without it."
        )
    for column, most in (("latitude", 90.0), ("longitude", 180.0)):
        values = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64)
        wrong = ~(np.abs(values) <= most)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"{name}: row {row + 1}: {column} {table[column].iloc[row]!r}; expected degrees of "
                f"{-most:g} to {most:g}."
            )


def _with_codes(table: pd.DataFrame, labels: Labels, name: str) -> pd.DataFrame:
    """Give every row its class of the legend; rows whose label is mapped to nothing are left."""
    legend = labels.legend
    mapping: Mapping[str, str | None] = (
        labels.mapping if not isinstance(labels.mapping, str) else {}
    )
    words = {label: normalise_label(label) for label in table["label"].unique()}
    meant = {label: mapping.get(word, word) for label, word in words.items()}
    codes = {label: None if word is None else legend.code_of(word) for label, word in meant.items()}
    unknown = [words[k] for k, word in meant.items() if word is not None and codes[k] is None]
    if unknown:
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise InputError(
            f"{name}: {', '.join(map(repr, sorted(unknown)[:_SHOWN]))}{more} are not classes of "
            f"the legend ({', '.join(legend.names)}). Give the legend of these samples, or "
            "labels.mapping."
        )
    kept = table[[meant[label] is not None for label in table["label"]]].reset_index(drop=True)
    code = kept["label"].map(codes)
    if "code" in kept.columns:
        _check_codes(kept, code, legend, name)
    return kept.assign(code=code, label=[legend.name_of(int(one)) for one in code])


def _check_codes(table: pd.DataFrame, code: pd.Series, legend: Legend, name: str) -> None:
    differs = (table["code"] != code).to_numpy()
    if differs.any():
        row = int(np.flatnonzero(differs)[0])
        raise InputError(
            f"{name}: {table['label'].iloc[row]} has code {table['code'].iloc[row]} in the file "
            f"and {code.iloc[row]} in the legend; the samples are of another legend. Give theirs."
        )


def _text(table: pd.DataFrame, column: str, otherwise: pd.Series | str) -> pd.Series:
    fallback = pd.Series(otherwise, index=table.index, dtype="str")
    if column not in table.columns:
        return fallback
    values = table[column]
    return values.astype("str").where(values.notna(), fallback)


def _number(table: pd.DataFrame, column: str, name: str) -> pd.Series:
    if column not in table.columns:
        return pd.Series(0, index=table.index)
    values = pd.to_numeric(table[column], errors="coerce").fillna(0)
    if not np.array_equal(values, np.round(values)):
        raise InputError(f"{name}: column {column} holds numbers that are not whole.")
    return values


def _flag(table: pd.DataFrame, column: str) -> pd.Series:
    if column not in table.columns:
        return pd.Series(False, index=table.index)
    return table[column].astype("str").str.lower().isin(["true", "1"])
