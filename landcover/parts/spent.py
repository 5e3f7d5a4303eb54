"""What a finished run took, by stage: what later estimates are fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from landcover.ledger import outputs
from landcover.ledger.malformed import reading
from landcover.nouns.estimate import WHOLE_TILE_PX, RunSpent, StageSpent
from landcover.nouns.product import Product
from landcover.nouns.run import Run, UnitState
from landcover.nouns.stages import STAGES, Stage
from landcover.recipe import Recipe
from landcover.sources.addresses import is_remote
from landcover.stores.records import RecordStore
from landcover.stores.workspace import Workspace

BY_POINTS: tuple[Stage, ...] = ("sample", "train", "explain", "validate")
"""Stages whose work is points, among others."""
OF_SEVERAL: tuple[Stage, ...] = ("train", "explain", "mosaic", "validate", "publish")
"""Stages whose units are of several tiles."""


def spent_of(
    workspace: Workspace, run: Run, recipe: Recipe, states: Sequence[UnitState]
) -> RunSpent:
    """Sum up what the units of a run took that computed something.

    Args:
        workspace: Where it ran; it is only read.
        run: The run.
        recipe: Its recipe.
        states: What became of its units.
    """
    used = _products_used(workspace, states)
    area = _areas(workspace.records, used)
    n_seasons = {s.name: len(s.periods) for s in recipe.spans(run.arguments.year)}
    points = points_of(workspace.records, run)
    stages: dict[Stage, StageSpent] = {}
    for stage in STAGES:
        done = [s for s in states if s.stage == stage and s.state == "done"]
        if not done:
            continue
        share = len(done) / sum(s.stage == stage for s in states)
        tiles = seasons = products = 0.0
        for state in done:
            own = area.get(state.unit.tile or "", 0.0)
            if state.unit.tile is None:
                own = sum(area.values()) / len(done) * share
            spans = [state.unit.span] if state.unit.span else list(n_seasons)
            tiles += own
            seasons += own * sum(n_seasons.get(span, 1) for span in spans)
            if state.unit.span:
                products += own * len(used.get((state.unit.tile or "", state.unit.span), ()))
        stages[stage] = StageSpent(
            units=len(done),
            n_tiles=round(len(area) * share) if stage in OF_SEVERAL else 0,
            tiles=tiles,
            seasons=seasons,
            products=products,
            points=points * share * trees_of(recipe, stage) if stage in BY_POINTS else 0.0,
            seconds=sum(s.seconds for s in done),
            cpu_seconds=sum(s.cpu_seconds for s in done),
            peak_mb=max(s.peak_mb for s in done),
            kept_bytes=_bytes(workspace.records, (i for s in done for i in s.outputs)),
        )
    return RunSpent(
        stages=stages,
        n_reused=sum(s.state == "reused" for s in states),
        wall_seconds=_wall(workspace.records.get("runs", run.id) or {}),
        is_remote=is_remote(run.arguments.products),
    )


def points_of(records: RecordStore, run: Run) -> float:
    """Count the ground-truth points of a run, thousands."""
    found = records.get("labels", run.label_id) if run.label_id else None
    counts: dict[str, int] = (found or {}).get("counts", {})
    return sum(counts.values()) / 1000


def trees_of(recipe: Recipe, stage: Stage) -> float:
    """Tell how many times a hundred trees a stage works on; 1 where it is no matter of trees."""
    return recipe.model.trees / 100 if stage == "train" else 1.0


def _products_used(
    workspace: Workspace, states: Iterable[UnitState]
) -> Mapping[tuple[str, str], Sequence[str]]:
    """Give tile and span → ids of the products that its selections use."""
    ids = {i: s for s in states if s.stage == "collect" for i in s.outputs}
    found: dict[tuple[str, str], list[str]] = {}
    for document in _documents(workspace.records, ids):
        unit = ids[document["_id"]].unit
        with reading("outputs", document):
            products = document["wanted"]["inputs"].get("products", ())
        found.setdefault((str(unit.tile), str(unit.span)), []).extend(products)
    return found


def _areas(records: RecordStore, used: Mapping[tuple[str, str], Sequence[str]]) -> dict[str, float]:
    """Give tile → pixels of its finest grid, in whole tiles; one product tells it."""
    one = {tile: ids[0] for (tile, _), ids in used.items() if ids}
    found: dict[str, float] = {}
    for tile, product_id in one.items():
        document = records.get("products", product_id)
        if document is not None:
            with reading("products", document):
                found[tile] = area_of(Product.from_document(document["product"]))
    return found


def area_of(product: Product) -> float:
    """Count the pixels of a product's finest grid, in whole tiles; 1 where no file is here yet."""
    if not product.files:
        return 1.0
    rows, columns = min((file.grid for file in product.files), key=lambda g: g.pixel).shape
    return rows * columns / WHOLE_TILE_PX


def _bytes(records: RecordStore, ids: Iterable[str]) -> int:
    kept: Counter[str] = Counter()
    for document in _documents(records, list(ids)):
        with reading("outputs", document):
            kept[document["_id"]] = sum(file["bytes"] for file in document["files"])
    return kept.total()


def _documents(records: RecordStore, ids: Iterable[str]) -> Iterable[dict[str, Any]]:
    known = list(ids)
    for first in range(0, len(known), outputs.AT_ONCE):
        where = {"_id": {"$in": known[first : first + outputs.AT_ONCE]}}
        yield from records.find(outputs.COLLECTION, where)


def _wall(record: Mapping[str, Any]) -> float | None:
    """Give the seconds from start to end; to now where the end is being written."""
    if not record.get("started"):
        return None
    end = datetime.fromisoformat(record["ended"]) if record.get("ended") else datetime.now(UTC)
    return (end - datetime.fromisoformat(record["started"])).total_seconds()
