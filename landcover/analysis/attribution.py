"""Divide the difference of two maps: predict the new composites with the old model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from landcover.analysis.map_pair import (
    Pair,
    TileMap,
    differences_of_input,
    find_pairs,
    require_old_model_fits,
)
from landcover.errors import UsageError
from landcover.features.stack import FeatureStack
from landcover.learn.layers import SCALE, ExtraLayers
from landcover.learn.models import Model
from landcover.learn.predict import predict_blocks
from landcover.ledger import outputs
from landcover.nouns.change import CAUSES, CauseArea, ChangeSplit, ClassChange
from landcover.nouns.colour import rgb_of
from landcover.nouns.grid import Grid, Window
from landcover.nouns.model import FeatureSet, ModelCard
from landcover.parts.mapping.map_rasters import CLASSES
from landcover.parts.mapping.tile_windows import Source, find_place
from landcover.parts.preparation.composite_files import clear_name
from landcover.parts.task import Job
from landcover.parts.training.model_lookup import LoadedModel, find_card, load_model
from landcover.publish.areas import row_hectares
from landcover.raster.attribution import SAME, attribute, probability_change
from landcover.raster.mosaic import deepest_valid, lattice_union, take_from_owner
from landcover.raster.windows import plan_windows
from landcover.stores.rasters import (
    Opened,
    OpenRasters,
    RasterStyle,
    create_raster,
    open_raster,
    write_cog,
)
from landcover.stores.workspace import Workspace

LEAST_CLEAR = 2
"""Clear observations of the poorest season below which a pixel is not seen well enough: what was
seen once is whatever that day was. Three make a median outlive one cloud that the mask missed."""
LEAST_SWING = 0.5
"""Total variation from which the old model's answer is surely another one: whichever way the
errors of two dates hang together, a change is then likelier than none."""
CAUSE = "change.tif"
_MAPS = ("first", "second")


@dataclass(frozen=True)
class Limits:
    """What counts as a change of land."""

    clear: int = LEAST_CLEAR
    """Fewest clear observations of the poorest season, at both dates."""
    swing: float = LEAST_SWING
    """Least total variation between the old model's answers, 0-1."""

    def __post_init__(self) -> None:
        """Refuse limits that mean nothing."""
        if self.clear < 0 or not 0 <= self.swing <= 1:
            raise UsageError(
                f"A change of land needs 0 clear observations or more and a swing of 0-1, found "
                f"{self.clear} and {self.swing:g}."
            )


@dataclass(frozen=True)
class _Side:
    """One date of a tile, as the old model sees it."""

    stack: FeatureStack
    classes: str
    """Where GDAL opens its class map."""
    clear: tuple[str, ...]
    """Where GDAL opens the counts of clear observations of each season that the model reads."""

    def fewest_clear(self, window: Window) -> NDArray[np.uint8]:
        """Count the clear observations of the poorest season."""
        counts = []
        for href in self.clear:
            with open_raster(href) as raster:
                counts.append(raster.read(window, band=1))
        # A model of terrain alone hangs on no observation.
        none = np.full((window.height, window.width), 255, np.uint8)
        return np.asarray(np.minimum.reduce(counts, initial=255) if counts else none)


def split_change(
    workspace: Workspace,
    first: str,
    second: str,
    path: Path | None = None,
    *,
    limits: Limits | None = None,
    job: Job | None = None,
) -> ChangeSplit:
    """Divide what differs between two maps of the same tiles into land, input and model.

    The old model predicts both composites, the pixels that differ only; how a pixel's cause
    follows from that, see :func:`landcover.raster.attribution.attribute`. The maps are those of
    the tiles, before any cleaning of a mosaic; where tiles overlap, a pixel counts once, in the
    tile in which it lies deepest.

    Args:
        workspace: Where both maps were made.
        first: Id, path or run of the older map.
        second: Of the newer one.
        path: GeoTIFF (COG) of the causes to write, uint8, 0 nodata.
        limits: What counts as a change of land.
        job: Its memory decides the windows; memory and threads change no value.

    Raises:
        InputError: The maps cannot be divided; the sentence says why.
    """
    limits, job = limits or Limits(), job or Job()
    pairs, notes = find_pairs(workspace, first, second)
    old = {pair.old.model for pair in pairs}
    new = {pair.new.model for pair in pairs}
    if len(old) > 1 or len(new) > 1:
        raise UsageError(
            f"A change is divided between one model and another, found {len(old)} in {first} and "
            f"{len(new)} in {second}; divide it tile by tile."
        )
    loaded = load_model(lambda: workspace, old.pop())
    new_card = find_card(lambda: workspace, new.pop())[0]
    for pair in pairs:
        require_old_model_fits(loaded.card, new_card, pair)
    target = lattice_union([pair.old.grid for pair in pairs])
    with TemporaryDirectory(prefix=".change-", dir=path.parent if path else None) as scratch:
        sources, n_other = [], 0
        for pair in pairs:
            file = Path(scratch) / f"{pair.old.tile}.tif"
            n_other += _write_causes(workspace, pair, loaded, limits, job, file)
            hrefs = {
                name: outputs.href(workspace, one.output, CLASSES)
                for name, one in zip(_MAPS, (pair.old, pair.new), strict=True)
            }
            sources.append(Source(pair.old.tile, {CAUSE: str(file), **hrefs}, pair.old.grid))
        joined = Path(scratch) / CAUSE
        counts = join_causes(sources, target, joined, job)
        if path is not None:
            simulated = any(one.run.simulated for p in pairs for one in (p.old, p.new))
            _publish(joined, path, is_simulated=simulated)
    notes += _notes(pairs, loaded.card, new_card, n_other)
    return _told(pairs, loaded.card, new_card, limits, counts, target, notes)


def _write_causes(
    workspace: Workspace, pair: Pair, loaded: LoadedModel, limits: Limits, job: Job, path: Path
) -> int:
    """Write the causes of a tile; count pixels that the old model answers unlike its own map."""
    features, grid = loaded.card.features, pair.old.grid
    sides = [_side(workspace, one, features, job) for one in (pair.old, pair.new)]
    # Probabilities and rows of both dates stand beside one stack at a time.
    per_pixel = sides[0].stack.bytes_per_pixel + 2 * len(loaded.card.codes) + 64
    windows = plan_windows(
        *grid.shape, bytes_per_pixel=per_pixel + 4 * len(features.names),
        memory_gb=job.memory_gb / 2 - sum(side.stack.kept_gb for side in sides),
    )  # fmt: skip
    n_other = 0
    with create_raster(path, grid, _style()) as raster, ThreadPoolExecutor(job.threads) as pool:
        for number, window in enumerate(windows):
            job.check()
            job.progress(number / len(windows), f"{pair.old.tile} causes of change")
            maps = [_codes(side.classes, window) for side in sides]
            is_other = (maps[0] != maps[1]) & (maps[0] != 0) & (maps[1] != 0)
            causes = np.where((maps[0] == maps[1]) & (maps[0] != 0), SAME, 0).astype(np.uint8)
            if is_other.any():
                then, now = (
                    _answers(side, loaded.model, window, is_other, pool, job.threads)
                    for side in sides
                )
                clear = np.minimum(*(side.fewest_clear(window)[is_other] for side in sides))
                causes[is_other] = attribute(
                    maps[0][is_other],
                    now[0],
                    maps[1][is_other],
                    is_seen=clear >= limits.clear,
                    is_sure=probability_change(then[1], now[1], SCALE) >= limits.swing,
                )
                n_other += int(np.count_nonzero(then[0] != maps[0][is_other]))
            raster.write(causes, window)
    return n_other


def _side(workspace: Workspace, one: TileMap, features: FeatureSet, job: Job) -> _Side:
    task = one.task(workspace, job)
    periods = dict.fromkeys(f.period for f in features.features if f.period)
    return _Side(
        FeatureStack(task, one.grid, one.composites, one.terrain, features),
        outputs.href(workspace, one.output, CLASSES),
        tuple(task.href(one.composites[period], clear_name(one.grid)) for period in periods),
    )


def _codes(href: str, window: Window) -> NDArray[np.uint8]:
    with open_raster(href) as raster:
        return np.asarray(raster.read(window, band=1), dtype=np.uint8)


def _answers(
    side: _Side,
    model: Model,
    window: Window,
    chosen: NDArray[np.bool_],
    pool: ThreadPoolExecutor,
    threads: int,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Ask a model: codes, (n,), and probabilities, (class, n), of the chosen pixels."""
    rows = side.stack.read(window)[:, chosen].T
    work = partial(predict_blocks, model, further=ExtraLayers(probabilities=True))
    parts = list(pool.map(work, np.array_split(rows, threads)))
    codes = np.concatenate([part[0] for part in parts])
    return codes, np.concatenate([part[2]["probabilities"] for part in parts], axis=-1)


def join_causes(sources: Sequence[Source], target: Grid, path: Path, job: Job) -> NDArray[np.int64]:
    """Join the causes of tiles; where they overlap, the tile counts in which a pixel lies deepest.

    Args:
        sources: For each tile its causes (``change.tif``), its ``first`` and its ``second`` map.
        target: Grid that covers them.
        path: GeoTIFF to write.
        job: Its memory decides the windows.

    Returns:
        Pixels, int64, (cause, class of the first map, class of the second map).
    """
    counts = np.zeros((len(CAUSES) + 1, 256, 256), dtype=np.int64)
    windows = plan_windows(
        *target.shape, bytes_per_pixel=16 * len(sources) + 40, memory_gb=job.memory_gb / 2
    )
    with create_raster(path, target, _style()) as raster, OpenRasters() as opened:
        for window in windows:
            job.check()
            found = list(_parts(sources, target, window, opened))
            if not found:
                continue
            values = [[part[k] for part, _ in found] for k in range(3)]
            owner = deepest_valid([one != 0 for one in values[0]], [m for _, m in found])
            cause, first, second = (take_from_owner(part, owner, 0) for part in values)
            raster.write(cause, window)
            place = (cause.astype(np.int64) * 256 + first) * 256 + second
            counts += np.bincount(place.ravel(), minlength=counts.size).reshape(counts.shape)
    return counts


def _parts(
    sources: Sequence[Source], target: Grid, window: Window, opened: Opened
) -> Iterator[tuple[list[NDArray[np.uint8]], NDArray[np.float32]]]:
    for source in sources:
        found = find_place(source, target, window, opened)
        if found is not None:
            place, margin = found
            read = (place.take(source.paths[name], 0) for name in (CAUSE, *_MAPS))
            yield [np.asarray(part, dtype=np.uint8) for part in read], margin


def _style() -> RasterStyle:
    colours = {0: (0, 0, 0, 0)}
    for entry in CAUSES:
        colours[entry.code] = (*rgb_of(entry.colour), 255)
    names = {entry.code: entry.name for entry in CAUSES}
    return RasterStyle("uint8", 0, ("cause of change",), colours=colours, categories=names)


def _publish(joined: Path, path: Path, *, is_simulated: bool) -> None:
    names = {0: "nodata", **{entry.code: entry.name for entry in CAUSES}}
    tags = {"simulated": "yes"} if is_simulated else {}
    write_cog(joined, path, resampling="MODE", tags=tags, categories=names)


def _notes(pairs: list[Pair], card: ModelCard, new_card: ModelCard, n_other: int) -> Iterator[str]:
    if card.id == new_card.id:
        yield "One model made both maps, so nothing is of the model."
    elif all(_inputs(pair.old) == _inputs(pair.new) for pair in pairs):
        yield "Both maps were made from the same composites, so everything is of the model."
    joined = [one.recipe.mosaic for pair in pairs for one in (pair.old, pair.new)]
    if any(how.blend != "primary" or how.grid != "utm" or how.is_cleaned for how in joined):
        yield (
            "The tiles' maps are divided, as they were before their mosaic was blended, warped or "
            "cleaned: its areas are a little different."
        )
    unknown = [name for name in new_card.names if name not in card.names]
    if unknown:
        yield (
            f"The old model does not know {', '.join(unknown)}; what only the new one can answer "
            "is counted as model, or land and model."
        )
    if n_other:
        yield (
            f"The old model now answers {n_other:,} of the changed pixels unlike its own map: "
            "that map was made by another version of the software."
        )
    yield from differences_of_input(pairs)


def _inputs(one: TileMap) -> dict[str, tuple[str, ...]]:
    return {role: ids for role, ids in one.output.wanted.inputs.items() if role != "model"}


def _told(
    pairs: list[Pair],
    card: ModelCard,
    new_card: ModelCard,
    limits: Limits,
    counts: NDArray[np.int64],
    target: Grid,
    notes: list[str],
) -> ChangeSplit:
    hectare = float(row_hectares(target)[0])
    changed = int(counts[2:].sum())
    names = dict(zip(new_card.codes, new_card.names, strict=True))
    names |= dict(zip(card.codes, card.names, strict=True))
    between = counts[2:].sum(axis=0)
    return ChangeSplit(
        first_run=pairs[0].old.run.id,
        second_run=pairs[0].new.run.id,
        old_model=card.id,
        new_model=new_card.id,
        tiles=tuple(pair.old.tile for pair in pairs),
        least_clear=limits.clear,
        least_swing=limits.swing,
        same_pixels=int(counts[1].sum()),
        same_hectares=float(counts[1].sum() * hectare),
        causes=tuple(
            CauseArea(
                code=entry.code,
                name=entry.name,
                title=entry.title,
                colour=entry.colour,
                pixels=(n := int(counts[entry.code].sum())),
                hectares=n * hectare,
                of_changed=n / changed if changed else None,
            )
            for entry in CAUSES[1:]
        ),
        classes=tuple(
            ClassChange(
                first=names[int(one)],
                second=names[int(other)],
                pixels=int(between[one, other]),
                hectares=float(between[one, other] * hectare),
                by_cause={
                    entry.name: float(counts[entry.code, one, other] * hectare)
                    for entry in CAUSES[1:]
                },
            )
            for one, other in sorted(
                np.argwhere(between).tolist(), key=lambda p: (-between[p[0], p[1]], p)
            )
        ),
        notes=tuple(notes),
    )
