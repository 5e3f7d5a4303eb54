"""Samples of earlier runs and published spectra, read once at the start of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from landcover.errors import InputError
from landcover.features.plan import plan_features
from landcover.labels.files import names_of, split_paths
from landcover.labels.sample_tables import read_library
from landcover.learn.library import PROVENANCE, require_features
from landcover.ledger import tables
from landcover.ledger.claims import claimed
from landcover.ledger.outputs import sha256_of
from landcover.nouns.model import FeatureSet, Provenance
from landcover.nouns.output import Output, hash_of
from landcover.raster.indices import required_bands, spectral_index
from landcover.recipe import Recipe
from landcover.stores import layout
from landcover.stores.workspace import Workspace

COLLECTION = "libraries"


def store_library(workspace: Workspace, recipe: Recipe, samples: str, *, has_terrain: bool) -> str:
    """Read the sample files of ``--samples`` into the workspace and name them by their content.

    Args:
        workspace: Where they go.
        recipe: Legend, seasons and features of the run.
        samples: Files with commas between them.
        has_terrain: Whether the run has a DEM.

    Raises:
        InputError: A file is absent, is no table of samples, is of another legend, or lacks
            features of the recipe.
    """
    files = [Path(part) for part in split_paths(samples)]
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: no such file of samples. Check --samples.")
    names = names_of(files)
    library_id = hash_of(
        [
            names,
            [sha256_of(file) for file in files],
            recipe.labels.to_document(),
            [season.to_document() for season in recipe.seasons],
            # An option that is not used leaves no trace (docs/decisions/0013).
            {
                k: v
                for k, v in recipe.features.to_document().items()
                if (k, v) not in (("log_shape", None), ("order", "paper"))
            },
        ]
    )
    key = layout.library(library_id)
    table = pd.concat(
        [
            _with_indices(read_library(file, recipe.labels, recipe.seasons, name), recipe)
            for file, name in zip(files, names, strict=True)
        ],
        ignore_index=True,
    )
    _require_recipe(table, recipe, has_terrain=has_terrain)
    if workspace.records.get(COLLECTION, library_id) and workspace.objects.exists(key):
        return library_id
    # A file named twice, or exported twice, gives its samples once.
    kept = table.drop_duplicates([name for name in table.columns if name != "library"])
    with claimed(workspace.records, library_id), workspace.objects.publishing(key) as scratch:
        kept.to_parquet(scratch, compression="zstd", index=False)
        checksum = sha256_of(scratch)
    workspace.records.replace_one(
        COLLECTION,
        {
            "_id": library_id,
            "table_sha256": checksum,
            "source": ", ".join(names),
            "rows": len(kept),
            "counts": {str(k): int(n) for k, n in kept["label"].value_counts().items()},
        },
    )
    return library_id


def load_library(workspace: Workspace, library_id: str) -> pd.DataFrame:
    """Read the samples that a run joins."""
    with tables.local(workspace, COLLECTION, library_id, layout.library(library_id)) as path:
        return pd.read_parquet(path)


def remedy(table: pd.DataFrame, recipe: Recipe, *, has_terrain: bool) -> str:
    """Say which options leave out what a library lacks; empty where no option does."""
    layers = [
        layer
        for layer in recipe.composite.layers
        if all(_has(table, f"{season.name}_{layer}") for season in recipe.seasons)
    ]
    indices = [
        index
        for index in recipe.features.indices
        if set(required_bands(index, recipe.features.index_variant)) <= set(layers)
        and all(_has(table, f"{season.name}_{index}") for season in recipe.seasons)
    ]
    terrain = [name for name in recipe.features.terrain if _has(table, name)]
    if not layers:
        return ""
    options = [
        f"--set {key}=[{','.join(found)}]"
        for key, found, wanted in (
            ("composite.layers", layers, recipe.composite.layers),
            ("features.indices", indices, recipe.features.indices),
            ("features.terrain", terrain, recipe.features.terrain if has_terrain else terrain),
        )
        if len(found) < len(wanted)
    ]
    return f" Leave them out of the run: {' '.join(options)}." if options else ""


def provenance_of(rows: pd.DataFrame) -> tuple[Provenance, ...]:
    """Count training rows by where they come from; empty where all are the run's own."""
    if "library" not in rows.columns:
        return ()
    return tuple(
        Provenance(
            library=str(library),
            sample_set=str(sample_set),
            year=int(str(year)) or None,
            simulated=bool(simulated),
            n_rows=len(part),
            n_groups=int(part["group"].nunique()),
        )
        for (library, sample_set, year, simulated), part in rows.groupby(
            list(PROVENANCE), sort=True
        )
    )


def library_notes(sample_set: Output) -> tuple[str, ...]:
    """Say what a user of the model must know about the libraries in its sample set."""
    return tuple(sample_set.stats.get("library_notes", ()))


def band_names(features: FeatureSet) -> list[str]:
    """List the features that are reflectances."""
    return [feature.name for feature in features.features if feature.kind == "band"]


def _with_indices(table: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """Compute the recipe's indices where their bands are there, by the recipe's formulas."""
    variant = recipe.features.index_variant
    found: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}
    for season in recipe.seasons:
        for index in recipe.features.indices:
            names = {band: f"{season.name}_{band}" for band in required_bands(index, variant)}
            if all(name in table.columns for name in names.values()):
                bands = {band: table[name].to_numpy(np.float32) for band, name in names.items()}
                computed = spectral_index(index, bands, variant=variant)
                found[f"{season.name}_{index}"] = np.asarray(computed, np.float32)
    return table.assign(**found)


def _require_recipe(table: pd.DataFrame, recipe: Recipe, *, has_terrain: bool) -> None:
    """Refuse what cannot train this recipe, before anything is prepared."""
    layers = set(recipe.composite.all_layers)
    wanted, _ = plan_features(
        recipe, {season.name: layers for season in recipe.seasons}, has_terrain=has_terrain
    )
    require_library(table, wanted, recipe, has_terrain=has_terrain)


def require_library(
    table: pd.DataFrame, features: FeatureSet, recipe: Recipe, *, has_terrain: bool
) -> None:
    """Refuse libraries that lack features of the run or hold them in other units.

    Raises:
        InputError: With the features and the options that leave them out.
    """
    for file in dict.fromkeys(table["library"]):
        rows = table[table["library"] == file]
        require_features(
            rows,
            features.names,
            band_names(features),
            remedy(rows, recipe, has_terrain=has_terrain),
        )


def _has(table: pd.DataFrame, name: str) -> bool:
    return name in table.columns and bool(table[name].notna().any())
