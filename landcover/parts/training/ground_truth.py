"""The ground truth of a run: files → one table of points and its record."""

from __future__ import annotations

import logging
from collections.abc import Mapping as TypingMapping
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from landcover.errors import InputError, UsageError
from landcover.labels.files import label_files, names_of, parts_of, split_paths
from landcover.ledger.claims import claimed
from landcover.ledger.outputs import sha256_of
from landcover.nouns.grid import Grid
from landcover.nouns.label_formats import format_of
from landcover.nouns.output import hash_of
from landcover.recipe import Labels, Recipe
from landcover.recipe.labels import Mapping
from landcover.stores import layout
from landcover.stores.workspace import Workspace
from landcover.tiling import tile_grid

if TYPE_CHECKING:
    from landcover.labels.reading import LabelTable

log = logging.getLogger(__name__)

MOST_NAMED = 6
"""Tiles that a message names."""
VERSION = 2
"""Part of the name of a table of labels: raised when a file gives other points than before."""


def absolute_labels(labels: str) -> str:
    """Give the files or folders of ``--labels`` (commas between several) with whole paths."""
    return ",".join(str(Path(part).resolve()) for part in split_paths(labels))


def with_mappings(recipe: Recipe) -> Recipe:
    """Put what mapping files say into a recipe, so that editing them changes no run under way.

    Raises:
        InputError: A mapping file is absent or wrong.
    """
    labels = recipe.labels
    sampling = recipe.sampling
    names = [labels.mapping, *(source.mapping for source in labels.sources)]
    names += [] if sampling is None else [sampling.mapping]
    if not any(isinstance(name, str) for name in names):
        return recipe
    from landcover.labels.reading import is_public, known_mapping

    def said(mapping: Mapping) -> Mapping:
        return mapping if is_public(mapping) else dict(known_mapping(mapping))

    sources = tuple(
        source.model_copy(update={"mapping": said(source.mapping)})
        if source.mapping is not None
        else source
        for source in labels.sources
    )
    update = {"mapping": said(labels.mapping), "sources": sources}
    if sampling is not None:
        sampling = sampling.model_copy(update={"mapping": said(sampling.mapping)})
    return recipe.model_copy(
        update={"labels": labels.model_copy(update=update), "sampling": sampling}
    )


@dataclass(frozen=True)
class _LabelFiles:
    """Ground-truth files, found and named but not read."""

    id: str
    files: list[Path]
    existing: list[Path]
    """The existing map that training points are drawn from, where there is one."""
    within: list[str]
    """Tiles that label rasters are read in."""
    parts: list[tuple[Path, str]]
    """Every file with its checksum."""


def _find_labels(
    recipe: Recipe, labels: str, tiles: Sequence[str], label_map: str | None
) -> _LabelFiles:
    files = files_of(labels)
    existing = _existing_map(recipe, label_map)
    known = [*(format_of(file) for file in files), *(format_of(file) for file in existing)]
    within = sorted(tiles) if any(row is not None and row.is_raster for row in known) else []
    parts = [(part, sha256_of(part)) for part in [*parts_of_all(labels), *existing]]
    content = {str(number): checksum for number, (_, checksum) in enumerate(parts)}
    label_id = hash_of(
        [VERSION, list(names_of(files)), content, recipe.labels.to_document(), recipe.model.seed]
        + ([within] if within else [])
        + ([recipe.sampling.to_document()] if existing and recipe.sampling else [])
    )
    return _LabelFiles(label_id, files, list(existing), within, parts)


def name_labels(
    workspace: Workspace,
    recipe: Recipe,
    labels: str,
    tiles: Sequence[str] = (),
    label_map: str | None = None,
) -> str:
    """Name the table of ground-truth files as :func:`store_labels` does, and read none of them.

    Raises:
        InputError: A file is absent or of no known kind.
        UsageError: The recipe draws from a map and none is given.
    """
    return _find_labels(recipe, labels, tiles, label_map).id


def store_labels(
    workspace: Workspace,
    recipe: Recipe,
    labels: str,
    tiles: Sequence[str] = (),
    label_map: str | None = None,
) -> str:
    """Read ground-truth files into the workspace and name the table by their content.

    Args:
        workspace: Where it goes.
        recipe: How they are read.
        labels: A file, a folder, or several with commas between them.
        tiles: Tiles of the run: of label rasters only what lies in them is read, and so they take
            part in the name of the table; all if empty.
        label_map: Existing map that training points are drawn from, where the recipe says so.

    Raises:
        InputError: A file is absent or wrong.
        UsageError: The recipe draws from a map and none is given.
    """
    found = _find_labels(recipe, labels, tiles, label_map)
    label_id, files, existing, within = found.id, found.files, found.existing, found.within
    key = layout.labels(label_id)
    if workspace.records.get("labels", label_id) and workspace.objects.exists(key):
        return label_id
    grids = {tile: tile_grid(tile) for tile in within}
    table = read_ground_truth(recipe.labels, labels, recipe.model.seed, list(grids.values()))
    added: dict[str, int] = {}
    if existing:
        table, added = _with_map(table, recipe, existing[0], grids)
    with claimed(workspace.records, label_id), workspace.objects.publishing(key) as scratch:
        table.points.to_parquet(scratch, compression="zstd", index=False)
        checksum = sha256_of(scratch)
    document = {
        "_id": label_id,
        "table_sha256": checksum,
        "source": ", ".join(names_of([*files, *existing])),
        "files": [{"name": part.name, "sha256": checksum} for part, checksum in found.parts],
        "legend": recipe.labels.legend.to_document(),
        "counts": dict(table.counts),
        "dropped": dict(table.dropped),
        "warnings": list(table.warnings),
        **({"added": added} if existing else {}),
    }
    workspace.records.replace_one("labels", document)
    for warning in table.warnings:
        log.warning("%s", warning)
    return label_id


def require_labels_in(
    workspace: Workspace, label_id: str, tiles: Sequence[str], *, must_train: bool
) -> None:
    """Refuse labels that no model can be made of, before hours go into composites.

    A product may cover a part of its tile only: whether a label lies in a raster is told later.

    Args:
        workspace: Where the table of the labels is.
        label_id: Its name.
        tiles: Tiles of the run.
        must_train: A model is trained with these labels and no others.

    Raises:
        InputError: None of them lies in a tile of the run, or they are all of one class there.
    """
    import numpy as np
    import pandas as pd

    from landcover.labels.placement import place_points

    with workspace.objects.local(layout.labels(label_id)) as path:
        points = pd.read_parquet(path, columns=["lon", "lat", "label"])
    lon, lat = points["lon"].to_numpy(), points["lat"].to_numpy()
    grids = {tile: tile_grid(tile) for tile in tiles}
    places = [place.points for place in place_points(lon, lat, grids).values()]
    inside = np.unique(np.concatenate(places)) if places else np.empty(0, np.int64)
    some = ", ".join(sorted(tiles)[:MOST_NAMED]) + (", …" if len(tiles) > MOST_NAMED else "")
    if not inside.size:
        raise InputError(
            f"--labels: none of the {len(points)} labels lies in the tiles of the run ({some}); "
            f"they lie at longitudes {lon.min():.4f} to {lon.max():.4f} and latitudes "
            f"{lat.min():.4f} to {lat.max():.4f}. Check --labels and --tiles, and which column is "
            "which."
        )
    names = points["label"].iloc[inside].unique()
    if must_train and len(names) < 2:
        raise InputError(
            f"--labels: expected labels of at least two classes in the tiles of the run ({some}), "
            f"found {inside.size}, all of the class {names[0]}. Add labels of other classes, or "
            "check labels.field and labels.mapping."
        )


def _existing_map(recipe: Recipe, label_map: str | None) -> list[Path]:
    """List the map that is drawn from: one, or none where the recipe draws from none."""
    if not recipe.draws_from_map or recipe.sampling is None:
        return []
    if label_map is None:
        raise UsageError(
            f"sampling.strategy {recipe.sampling.strategy} draws points from an existing map: name "
            "it with --label-map, or set sampling.strategy=standard."
        )
    if not Path(label_map).is_file():
        raise InputError(f"{label_map}: no such map. Check --label-map.")
    return [Path(label_map)]


def _with_map(
    table: LabelTable, recipe: Recipe, path: Path, grids: TypingMapping[str, Grid]
) -> tuple[LabelTable, dict[str, int]]:
    from landcover.labels.strategies import apply_strategy

    assert recipe.sampling is not None
    found = apply_strategy(
        table.points,
        recipe.sampling,
        path,
        recipe.labels.legend,
        unknown=recipe.labels.unknown,
        seed=recipe.model.seed,
        within=grids,
    )
    warnings = (*table.warnings, *found.warnings)
    return replace(table, points=found.points, warnings=warnings), found.added


def read_ground_truth(
    labels: Labels, paths: str, seed: int, within: Sequence[Grid] = ()
) -> LabelTable:
    """Read ground-truth files as a recipe says.

    Args:
        labels: The recipe's section.
        paths: A file, a folder, or several with commas between them.
        seed: Seed of what is drawn from rasters and polygons.
        within: Of rasters only what lies in these rectangles is read; all of it if empty.

    Raises:
        InputError: A file is absent or wrong.
    """
    # Tables and their libraries cost a second; a run without labels needs none of them.
    from landcover.labels.reading import read_labels

    return read_labels(
        files_of(paths),
        legend=labels.legend,
        label=labels.field,
        mapping=labels.mapping,
        unknown=labels.unknown,
        second=labels.second,
        layer=labels.layer,
        crs=labels.crs,
        sources=labels.sources,
        conflicts=labels.conflicts,
        points_per_class=labels.points_per_class,
        seed=seed,
        polygons=labels.polygons,
        grid_step_m=labels.grid_step_m,
        points_per_polygon=labels.points_per_polygon,
        min_radius_m=labels.min_radius_m,
        within=within,
    )


def parts_of_all(labels: str) -> list[Path]:
    """List every file of the label files that an argument names: a shapefile has several.

    Raises:
        InputError: One is absent or of another kind.
    """
    return [part for file in files_of(labels) for part in parts_of(file)]


def files_of(labels: str) -> list[Path]:
    """List the label files that an argument names.

    Raises:
        InputError: One is absent or of another kind.
    """
    paths = split_paths(labels)
    for path in paths:
        if not Path(path).exists():
            raise InputError(f"{path}: no such ground-truth file. Check --labels.")
    return label_files(paths)
