"""The rasters of a tile's map, written window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import MissingDataError
from landcover.features.stack import FeatureStack
from landcover.learn.layers import DIFFERS, NODATA, SCALE, ExtraLayers
from landcover.learn.models import Model
from landcover.learn.predict import predict_blocks
from landcover.nouns.colour import rgb_of
from landcover.nouns.grid import Grid, Window
from landcover.nouns.model import ModelCard, SecondModel
from landcover.nouns.out_of_fold import DIFFERING
from landcover.nouns.output import Output
from landcover.nouns.work_windows import whole_or_cut
from landcover.parts.mapping.holes import HoleCounter, computed_from
from landcover.parts.preparation.composite_files import clear_name
from landcover.parts.task import Task
from landcover.parts.training.second_level import second_layer
from landcover.raster.windows import plan_windows
from landcover.recipe import Classify
from landcover.stores.rasters import RasterStyle, ReadingPool, create_raster, open_raster

CLASSES = "classification.tif"
CONFIDENCE = "confidence.tif"
SECOND = "classification2.tif"
PROBABILITIES = "probabilities.tif"
SHARE_OF_WINDOWS = 0.25
"""Of a job's memory: the rest is for libraries, the model and what formulas hold for a moment."""
SHARES = {"entropy": "entropy of the class probabilities over log K",
          "margin": "probability of the class less that of the second"}  # fmt: skip
COUNTS = {"trust": "0 like the training samples, 1 unlike all of them",
          "set_size": "classes that remain plausible"}  # fmt: skip

CONFIDENCE_STYLE = RasterStyle(
    dtype="uint8", nodata=NODATA, descriptions=("probability of the class",), scale=1 / SCALE
)


@dataclass(frozen=True)
class Plan:
    """What the map of a tile is made of."""

    grid: Grid
    """Work grid of the tile."""
    stack: FeatureStack
    """Its features."""
    composites: Mapping[str, Output]
    """Period label → composite."""
    model: Model
    """The model."""
    card: ModelCard
    """Its card."""
    recipe: Classify
    """What is written beside class and confidence."""
    further: ExtraLayers
    """What is computed for that."""
    second: Mapping[int, Model]
    """Class code → model of its second level; empty where there is none."""


def write_map(task: Task, plan: Plan, path: Path) -> dict[str, Any]:
    """Write class, confidence and the further layers of a tile.

    Args:
        task: The unit; its memory decides the windows, which change no value.
        plan: What is written.
        path: Folder that is made.

    Returns:
        Grid, pixels of each code and of each second one, nodata in percent, which layers were
        missing there, and shares of the further layers and of pixels whose class calibration would
        change: of the pixels that are worked on, and
        ``windows_percent``, how much of the tile that is, where it is not all; of layers of which
        the tile decides, ``chosen_seasons``.

    Raises:
        MissingDataError: No pixel has all features.
    """
    path.mkdir()
    counts, second = np.zeros(256, dtype=np.int64), np.zeros(256, dtype=np.int64)
    outside, changed, holes = 0, 0, HoleCounter(plan.card.features)
    seen = np.zeros(len(plan.card.features.names), dtype=np.bool_)
    styles = _styles(plan.card, plan.recipe)
    windows = whole_or_cut(_windows(task, plan), plan.grid, task.windows)
    is_sparse = task.windows is not None
    with ExitStack() as opened:
        files = {
            name: opened.enter_context(
                create_raster(path / name, plan.grid, style, is_sparse=is_sparse)
            )
            for name, style in styles.items()
        }
        pool = opened.enter_context(ThreadPoolExecutor(task.job.threads))
        readers = opened.enter_context(ReadingPool(task.job.threads))
        # One piece of memory for the features of all windows, one after the other.
        largest = max(window.height * window.width for window in windows)
        buffer = np.empty(len(plan.card.features.names) * largest, np.float32)
        for number, window in enumerate(windows):
            task.job.check()
            task.job.progress(number / len(windows), f"{task.unit.label} map")
            features = plan.stack.read(window, readers, buffer)
            layers = _predict(plan.model, features, plan.further, pool, task.job.threads)
            if plan.second:
                asked = layers[CLASSES]
                layers[SECOND] = second_layer(plan.second, asked, features, pool, task.job.threads)
                second += np.bincount(layers[SECOND].ravel(), minlength=256)
            if "n_clear" in plan.recipe.keep:
                layers["n_clear.tif"] = _fewest_clear(task, plan, window)
            changed += int(np.count_nonzero(layers.pop(f"{DIFFERS}.tif", 0) == 1))
            for name, values in layers.items():
                files[name].write(values, window)
            counts += np.bincount(layers[CLASSES].ravel(), minlength=256)
            holes.add(features, layers[CLASSES])
            if "trust.tif" in layers:
                outside += int(np.count_nonzero(layers["trust.tif"] == 1))
            if counts[0] == counts.sum():
                seen |= np.isfinite(features).any(axis=(1, 2))
    if counts[0] == counts.sum():
        raise _nothing_seen(task, plan.card, seen)
    stats = {
        "grid": plan.grid.to_document(),
        "pixels": {str(code): int(counts[code]) for code in np.flatnonzero(counts)},
        "nodata_percent": round(100 * int(counts[0]) / int(counts.sum()), 4),
        **({} if task.windows is None else {"windows_percent": task.windows.percent_of(plan.grid)}),
        "holes": holes.document(int(counts.sum()), computed_from(plan.card.features, task.recipe)),
    }
    if chosen := plan.stack.chosen_seasons:
        stats["chosen_seasons"] = chosen
    if plan.second:
        stats["second_pixels"] = {str(k): int(second[k]) for k in np.flatnonzero(second) if k}
    if "trust.tif" in styles:
        stats["outside_percent"] = round(100 * outside / int(counts[1:].sum()), 4)
    if plan.further.differs:
        stats[DIFFERING] = round(100 * changed / int(counts[1:].sum()), 4)
    return stats


def class_style(card: ModelCard) -> RasterStyle:
    """Say what a class map's file tells of its codes: nodata, names, colours."""
    return _coded_style(card.id, "land cover class", [card])


def second_style(card: ModelCard) -> RasterStyle:
    """Say the same of the codes of the second level, those of all classes in one map."""
    return _coded_style(card.id, "land cover class of the second level", card.second)


def probability_style(card: ModelCard) -> RasterStyle:
    """Say what a file of probabilities tells: a band a class, named after it, in 254ths."""
    return RasterStyle("uint8", NODATA, card.names, scale=1 / SCALE)


def _coded_style(
    model_id: str, what: str, described: Sequence[ModelCard | SecondModel]
) -> RasterStyle:
    colours, names = {0: (0, 0, 0, 0)}, {}
    for one in described:
        for code, name, colour in zip(one.codes, one.names, one.colours, strict=True):
            colours[code], names[code] = (*rgb_of(colour), 255), name
    return RasterStyle(
        dtype="uint8",
        nodata=0,
        descriptions=(what,),
        colours=colours,
        categories=names,
        tags={"model": model_id},
    )


def _styles(card: ModelCard, recipe: Classify) -> dict[str, RasterStyle]:
    """Give the files of a map, in the order in which they are written."""
    found = {CLASSES: class_style(card), CONFIDENCE: CONFIDENCE_STYLE}
    if card.second:
        found[SECOND] = second_style(card)
    kept = set(recipe.keep)
    if "probabilities" in kept:
        found[PROBABILITIES] = probability_style(card)
    for name in sorted(kept & set(SHARES)):
        found[f"{name}.tif"] = RasterStyle("uint8", NODATA, (SHARES[name],), scale=1 / SCALE)
    for name in sorted(kept & set(COUNTS)):
        tags = {"coverage": f"{recipe.coverage:g}"} if name == "set_size" else None
        found[f"{name}.tif"] = RasterStyle("uint8", NODATA, (COUNTS[name],), tags=tags)
    if "n_clear" in kept:
        what = "clear observations of the poorest season"
        found["n_clear.tif"] = RasterStyle("uint8", None, (what,))
    return found


def _windows(task: Task, plan: Plan) -> list[Window]:
    n_bands = len(plan.recipe.keep) + bool(plan.second) + plan.further.differs
    if plan.further.probabilities:
        n_bands += len(plan.card.codes)
    # Each further band: a window of it, its parts, and rows of blocks at full width.
    return plan_windows(
        *plan.grid.shape,
        bytes_per_pixel=plan.stack.bytes_per_pixel + 4 * n_bands,
        memory_gb=task.job.window_gb(SHARE_OF_WINDOWS, plan.stack.kept_gb),
    )


def _predict(
    model: Model,
    features: NDArray[np.float32],
    further: ExtraLayers,
    pool: ThreadPoolExecutor,
    threads: int,
) -> dict[str, NDArray[np.uint8]]:
    """Give every layer of a window by its file's name, (y, x) or (band, y, x)."""
    n_features, *shape = features.shape
    pixels = features.reshape(n_features, -1).T
    work = partial(predict_blocks, model, further=further)
    parts = list(pool.map(work, np.array_split(pixels, threads)))
    codes, confidence, others = zip(*parts, strict=True)
    found = {CLASSES: np.concatenate(codes), CONFIDENCE: np.concatenate(confidence)}
    for name in others[0]:
        found[f"{name}.tif"] = np.concatenate([other[name] for other in others], axis=-1)
    return {name: values.reshape(*values.shape[:-1], *shape) for name, values in found.items()}


def _fewest_clear(task: Task, plan: Plan, window: Window) -> NDArray[np.uint8]:
    counted = list(_clear(task, plan, window))
    return np.asarray(np.minimum.reduce(counted))


def _clear(task: Task, plan: Plan, window: Window) -> Iterator[NDArray[np.uint8]]:
    for output in plan.composites.values():
        with open_raster(task.href(output, clear_name(plan.grid))) as raster:
            yield raster.read(window, band=1)


def _nothing_seen(task: Task, card: ModelCard, seen: NDArray[np.bool_]) -> MissingDataError:
    names = [name for name, is_there in zip(card.features.names, seen, strict=True) if not is_there]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    what = f"{', '.join(names[:5])}{more} are nodata everywhere" if names else "none overlap"
    return MissingDataError(
        f"{task.unit.label}: no pixel has all {len(card.features.names)} features of model "
        f"{card.id} ({what}), so there is nothing to classify. Give products that cover the tile."
    )
