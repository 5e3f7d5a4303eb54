"""Sample sets as files: the table of the paper first, our columns behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from landcover.analysis.deck_samples import deck_table
from landcover.errors import InputError, UsageError
from landcover.features.normalisation import normalise, paper_columns, paper_features
from landcover.ledger import outputs, runs
from landcover.nouns.base import Noun
from landcover.nouns.output import Output
from landcover.nouns.run import Run
from landcover.nouns.uses import USE
from landcover.raster.reflectance import stored_units
from landcover.stores.workspace import Workspace

Layout = Literal["landcover", "paper", "deck"]
PRODUCTS = "_product_name"
OURS = (
    "point_id", "tile", "row", "col", "dx", "dy", "group", "code", "source", "is_train",
    "library", "sample_set", "year", "simulated", "layout",
)  # fmt: skip
"""Columns behind those of the paper."""
SECOND = "code2"
"""Code of the second level: behind all others, of sets that have one."""
# Columns of a sample set that are no features.
_KNOWN = {*OURS, "lon", "lat", "label", "column", SECOND, USE}


class SampleSetEntry(Noun):
    """A sample set as it is listed."""

    id: str
    """Id of the sample set."""
    n_rows: int
    """Rows in it."""
    n_train: int
    """Those that train."""
    counts: dict[str, int]
    """Rows by class."""
    runs: tuple[str, ...]
    """Runs that use it."""
    year: int | None
    """Year of its products; None where no run of the workspace uses it."""
    simulated: bool
    """True where its products were simulated."""
    features: tuple[str, ...]
    """Features, in the order of the columns."""


def sample_sets(workspace: Workspace) -> list[SampleSetEntry]:
    """List the sample sets of the workspace, the newest first."""
    where = {"wanted.stage": "train", "wanted.unit": "samples"}
    found = workspace.records.find(outputs.COLLECTION, where, sort=["-created"])
    known = (outputs.find(workspace, document["_id"]) for document in found)
    return [describe_samples(workspace, one) for one in known if one is not None]


def describe_samples(workspace: Workspace, sample_set: Output) -> SampleSetEntry:
    """Sum up a sample set."""
    users = _users(workspace, sample_set.id)
    table = read_samples(workspace, sample_set)
    return SampleSetEntry(
        id=sample_set.id,
        n_rows=len(table),
        n_train=int(table["is_train"].sum()),
        counts={str(name): int(n) for name, n in table["label"].value_counts().items()},
        runs=tuple(run.id for run in users),
        year=users[0].arguments.year if users else None,
        simulated=any(run.simulated for run in users),
        features=tuple(feature_columns(table)),
    )


def read_samples(workspace: Workspace, sample_set: Output) -> pd.DataFrame:
    """Read the table of a sample set."""
    with outputs.local(workspace, sample_set) as path:
        return pd.read_parquet(path)


def feature_columns(table: pd.DataFrame) -> list[str]:
    """List the columns of a sample set that are features, in their order."""
    return [str(name) for name in table.columns if name not in _KNOWN]


def export_samples(
    workspace: Workspace, sample_set: Output, path: Path, layout: Layout = "landcover"
) -> tuple[str, ...]:
    """Write a sample set as CSV or Parquet.

    The columns of the paper come first, in its order: latitude, longitude, label, terrain, then
    each season with the names of its products, its bands and its indices. ``landcover`` writes
    the features of the set in physical units (reflectance 0-1, AOT, WVP in cm, degrees, metres),
    so that another run can join the file. ``paper`` writes exactly the 78 columns, scaled by
    Table 2 of the landcoverpy paper; a feature that the set lacks is an empty column. ``deck``
    writes the columns of the deck (:mod:`landcover.nouns.deck_table`) in physical units. Behind
    them are :data:`OURS`, and ``code2`` where the set has a second level.

    Args:
        workspace: Where the set is.
        sample_set: The set.
        path: File that ends in ``.csv`` or ``.parquet``.
        layout: Which columns and units.

    Returns:
        Columns of the paper or deck that are empty.

    Raises:
        UsageError: The file has another ending.
        InputError: The set has none of the features of the layout.
    """
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise UsageError(f"{path}: expected a file that ends in .csv or .parquet.")
    table = _with_provenance(workspace, sample_set, read_samples(workspace, sample_set))
    features = feature_columns(table)
    empty: tuple[str, ...] = ()
    if layout == "deck":
        made_deck = deck_table(workspace, sample_set, table, features)
        return _write(path, table, made_deck.columns, layout, made_deck.empty)
    if layout == "paper":
        empty = tuple(name for name in paper_features() if name not in features)
        if len(empty) == len(paper_features()):
            raise InputError(
                f"Samples {sample_set.id}: none of their {len(features)} features is in the "
                "paper's table (seasons spring, summer, autumn); export without --layout paper."
            )
        columns = paper_columns()
    else:
        columns = _own_columns(features)
    names = _product_names(workspace, sample_set)
    tiles = table["tile"].astype(str)
    own = (table["library"] == "").to_numpy()
    made: dict[str, Any] = {"latitude": table["lat"], "longitude": table["lon"]}
    for column in columns:
        if column in made:
            continue
        if column.endswith(PRODUCTS):
            season = column.removesuffix(PRODUCTS)
            listed = [names.get((tile, season), "") for tile in tiles]
            made[column] = np.where(own, listed, "")
        elif column not in table.columns:
            made[column] = np.full(len(table), np.nan, np.float32)
        elif layout == "paper" and column in features:
            made[column] = _scaled(table[column].to_numpy(np.float32), column)
        else:
            made[column] = table[column]
    return _write(path, table, made, layout, empty)


def _write(
    path: Path,
    table: pd.DataFrame,
    made: dict[str, Any],
    layout: Layout,
    empty: tuple[str, ...],
) -> tuple[str, ...]:
    """Write the columns of a layout with ours behind them; gives the empty ones."""
    ours = table.rename(columns={"column": "col"}).assign(layout=layout)
    behind = [name for name in (*OURS, SECOND, USE) if name in ours]
    written = pd.concat([pd.DataFrame(made), ours[behind]], axis="columns")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".csv":
        written.to_csv(path, index=False, lineterminator="\n")
    else:
        written.to_parquet(path, compression="zstd", index=False)
    return empty


def _own_columns(features: Sequence[str]) -> list[str]:
    """Put the features of a set into the order of the paper's table."""
    columns = ["latitude", "longitude", "label"]
    begun: set[str] = set()
    for name in features:
        season, sign, _ = name.partition("_")
        if sign and season not in begun:
            begun.add(season)
            columns.append(f"{season}{PRODUCTS}")
        columns.append(name)
    return columns


def _scaled(values: np.ndarray[Any, Any], column: str) -> np.ndarray[Any, Any]:
    """Scale a feature by Table 2: bands, AOT and WVP are counted in stored integers there."""
    layer = column.rpartition("_")[2]
    if "_" in column and layer == layer.upper():
        values = np.rint(values * np.float32(stored_units(layer)))
    return normalise(values, layer)


def _with_provenance(workspace: Workspace, sample_set: Output, table: pd.DataFrame) -> pd.DataFrame:
    """Say of the rows where they come from; those joined from a library say so already."""
    if "library" not in table.columns:
        table = table.assign(library="", sample_set="")
        users = _users(workspace, sample_set.id)
        if not users:
            raise InputError(
                f"Samples {sample_set.id}: no run of this workspace uses them, so their year is "
                "unknown; run again before exporting."
            )
        table = table.assign(year=users[0].arguments.year, simulated=users[0].simulated)
    is_own = table["sample_set"] == ""
    # Tiles of other years are marked within the set: "31UDS (2020)".
    table = table.assign(tile=table["tile"].astype("str").str.partition(" (")[0])
    return table.assign(sample_set=table["sample_set"].mask(is_own, sample_set.id))


def _users(workspace: Workspace, sample_set_id: str) -> list[Run]:
    """List the runs that use a sample set."""
    states = workspace.records.find("units", {"stage": "train"}, sort=["run"])
    names = [state["run"] for state in states if sample_set_id in state["outputs"]]
    return [runs.load(workspace, name)[0] for name in names]


def _product_names(workspace: Workspace, sample_set: Output) -> dict[tuple[str, str], str]:
    """Map tile and season to the names of the products that its composite was made of."""
    records = workspace.records
    found = {}
    for sample_id in sample_set.wanted.inputs.get("samples", ()):
        sampled = records.get(outputs.COLLECTION, sample_id)
        if sampled is None:
            continue
        for composite_id in sampled["wanted"]["inputs"]["composites"]:
            composite = records.get(outputs.COLLECTION, composite_id)
            if composite is not None:
                stats = composite["stats"]
                products = ";".join(product["name"] for product in stats["products"])
                found[(sampled["wanted"]["unit"], stats["period"]["label"])] = products
    return found
