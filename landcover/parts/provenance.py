"""Receipts: what a map hangs on, followed through the records to products and ground truth."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.labels.files import label_files, parts_of, split_paths
from landcover.ledger import lookup, outputs, reports, runs
from landcover.ledger.outputs import sha256_of
from landcover.nouns.output import ID_LENGTH, Output
from landcover.nouns.receipt import (
    PATHS,
    ContentFile,
    Receipt,
    Step,
    UsedLabels,
    UsedModel,
    UsedProduct,
)
from landcover.nouns.run import Run
from landcover.nouns.run_arguments import RunArguments
from landcover.nouns.stages import STAGES
from landcover.recipe import Recipe
from landcover.sources.dem import is_elsewhere
from landcover.stores.models import CARD, read_card
from landcover.stores.rasters import open_raster
from landcover.stores.workspace import Workspace

FILE = "receipt.json"
_LIBRARIES = (
    "landcover", "numpy", "scipy", "scikit-learn", "numba", "pandas", "pyarrow", "rasterio",
    "pyproj", "shapely",
)  # fmt: skip


def find_output(workspace: Workspace, text: str) -> Output:
    """Find the output that a map belongs to: a report, a mosaic or a tile's class map.

    Args:
        workspace: Where it is recorded.
        text: Path of a report, of a map in it, or of an output of the workspace; or a name
            (:mod:`landcover.ledger.lookup`).

    Raises:
        InputError: There is none, or more than one.
    """
    path = Path(text)
    if path.exists():
        for name in _ids_of(path.resolve()):
            if workspace.records.get(outputs.COLLECTION, name) is not None:
                return outputs.load(workspace, name)
        raise InputError(
            f"{path}: no output of workspace {workspace.address} made it. Name another workspace "
            "with --workspace."
        )
    return lookup.find_result(workspace, text)


def receipt_for(workspace: Workspace, output: Output) -> Receipt:
    """Write the receipt of a report, a mosaic or a class map.

    Raises:
        InputError: No run of the workspace made it.
    """
    run, recipe = run_of(workspace, output)
    fresh = make_receipt(workspace, run, recipe, [output.id])
    written = _written(workspace, run, output)
    update: dict[str, Any] = {"run": run.id}
    if written is not None:
        # What the process that made the map knew of itself and of files that may be gone.
        known = {entry.id: entry for entry in written.labels}
        labels = tuple(e if e.files else known.get(e.id, e) for e in fresh.labels)
        update |= {"software": written.software, "labels": labels}
        if output.wanted.stage == "publish":
            update["accuracy"] = written.accuracy
    return fresh.model_copy(update=update)


def report_of(workspace: Workspace, run: Run) -> Output | None:
    """Find the report of a run whose files are still there."""
    return reports.report_of(workspace, run.id)


def make_receipt(workspace: Workspace, run: Run, recipe: Recipe, ids: Iterable[str]) -> Receipt:
    """Follow outputs through the records.

    Args:
        workspace: Where they are recorded; bytes that were released meanwhile are not needed.
        run: A run that made them.
        recipe: Its recipe.
        ids: The outputs.

    Returns:
        The receipt, without the name of the run.
    """
    wanted = tuple(ids)
    steps: dict[str, Step] = {}
    products: dict[str, UsedProduct] = {}
    outside: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in steps or name in products or name in outside:
            continue
        document = workspace.records.get(outputs.COLLECTION, name)
        if document is not None:
            fields = {key: document[key] for key in Step.model_fields}
            steps[name] = Step.from_document(fields)
            waiting += [i for inputs in steps[name].wanted.inputs.values() for i in inputs]
        elif (record := workspace.records.get("products", name)) is not None:
            products[name] = _product(record)
        else:
            outside.add(name)
    labels = tuple(_labels(workspace, run))
    outside -= {entry.id for entry in labels}
    return Receipt(
        outputs=wanted,
        arguments=_without_folders(run.arguments),
        recipe_id=run.recipe_id,
        recipe=recipe.to_document(),
        simulated=run.simulated,
        products=tuple(sorted(products.values(), key=lambda p: (p.tile, p.name, p.id))),
        labels=labels,
        model=_model(workspace, steps.values()),
        steps=tuple(sorted(steps.values(), key=_rank)),
        outside=tuple(sorted(outside)),
        software=software(),
    )


def software() -> dict[str, str]:
    """List the versions that decide the bytes of a map, and the machine's kind."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _rank(step: Step) -> tuple[int, str, str]:
    stages: list[str] = list(STAGES)
    stage = step.wanted.stage
    place = stages.index(stage) if stage in stages else len(stages)
    return place, step.wanted.unit, step.id


def _ids_of(path: Path) -> Iterable[str]:
    """Give the ids that a path may belong to: a folder on it, or what its map is a copy of."""
    yield from (part for part in reversed(path.parts) if len(part) == ID_LENGTH)
    if path.suffix == ".tif":
        with open_raster(path) as raster:
            tags = raster.tags()
        if "mosaic" in tags:
            yield tags["mosaic"]


def run_of(workspace: Workspace, output: Output) -> tuple[Run, Recipe]:
    """Find the newest run that has an output, and its recipe.

    Raises:
        InputError: No run of the workspace has it.
    """
    made = workspace.records.find("units", {"stage": output.wanted.stage})
    names = sorted({d["run"] for d in made if output.id in d["outputs"]})
    records = workspace.records.find("runs", {"_id": {"$in": names}}, sort=runs.NEWEST_FIRST)
    if not records:
        raise InputError(
            f"Map {output.id}: no run of this workspace has it, so its recipe is unknown. Run "
            "the recipe again; finished parts are found."
        )
    return runs.load(workspace, records[0]["_id"])


def _written(workspace: Workspace, run: Run, output: Output) -> Receipt | None:
    """Read the receipt in the report of a run, where there is one that knows the output."""
    report = report_of(workspace, run)
    if report is None or not any(file.name == FILE for file in report.files):
        return None
    with workspace.objects.local(report.key, FILE) as path:
        receipt = Receipt.from_json(path.read_text(encoding="utf-8"))
    is_of_it = output.id == report.id or output.id in {step.id for step in receipt.steps}
    return receipt if is_of_it else None


def _product(record: dict[str, Any]) -> UsedProduct:
    product = record["product"]
    files = (
        ContentFile(name=Path(file["href"]).name, sha256=file["sha256"]) for file in record["files"]
    )
    return UsedProduct(
        id=record["_id"],
        name=product["name"],
        tile=product["tile"],
        baseline=product["baseline"],
        datatake=product["datatake"],
        files=tuple(sorted(files, key=lambda file: file.name)),
    )


def _labels(workspace: Workspace, run: Run) -> Iterable[UsedLabels]:
    arguments = run.arguments
    for role, name, paths in (
        ("labels", run.label_id, ",".join(filter(None, (arguments.labels, arguments.label_map)))),
        ("test_labels", run.test_label_id, arguments.test_labels),
    ):
        if name is not None:
            record = workspace.records.get("labels", name) or {}
            yield UsedLabels.from_document(
                {
                    "role": role,
                    "id": name,
                    "source": record.get("source", ""),
                    "files": [file.to_document() for file in label_contents(paths or "")],
                }
            )


def label_contents(paths: str) -> list[ContentFile]:
    """Give the checksum of each file of a ground truth; nothing where a file is gone."""
    try:
        files = label_files(split_paths(paths))
        parts = [part for file in files for part in parts_of(file)]
        return [ContentFile(name=part.name, sha256=sha256_of(part)) for part in parts]
    except (InputError, OSError):
        return []


def _model(workspace: Workspace, steps: Iterable[Step]) -> UsedModel | None:
    for step in steps:
        if not any(file.name == CARD for file in step.files):
            continue
        try:
            with workspace.objects.local(step.key, CARD) as path:
                card = read_card(path.parent)
        except InputError:
            continue
        return UsedModel(
            id=card.id,
            kind=card.kind,
            arrays_sha256=card.arrays_sha256,
            seed=card.seed,
            versions=card.versions,
        )
    return None


def _without_folders(arguments: RunArguments) -> dict[str, Any]:
    document = arguments.to_document()
    for name in PATHS:
        if document.get(name):
            parts = document[name].split(",")
            short = (part if is_elsewhere(name, part) else Path(part).name for part in parts)
            document[name] = ",".join(short)
    return document
