"""Reproduce: make a map again from its receipt and say whether the bytes are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from landcover.errors import InputError, MissingDataError
from landcover.ledger import outputs
from landcover.nouns.base import Noun
from landcover.nouns.output import FileRecord
from landcover.nouns.receipt import PATHS, Receipt, Step
from landcover.nouns.run import Run
from landcover.nouns.stages import STAGES, Stage
from landcover.parts.provenance import software
from landcover.sources.addresses import is_remote
from landcover.sources.dem import is_elsewhere
from landcover.sources.local import LocalSource
from landcover.stores.workspace import Workspace

_PUBLISHED = ("map_*.tif", "confidence_*.tif", "second_*.tif")
"""What counts of a report: its pages tell of every product that was looked at, used or not."""
_MOST_NAMED = 5


class Difference(Noun):
    """One thing that is not as the receipt says."""

    what: str
    """Product, ground truth, output or file."""
    how: str
    """Expected and found, in one sentence."""
    pixels: int | None = None
    """Pixels that differ; None where it is no raster or the first bytes are gone."""


class Verdict(Noun):
    """What became of a reproduction."""

    n_outputs: int
    """Outputs of the receipt that have files."""
    n_files: int
    """Files that were compared."""
    n_identical: int
    """Files with the same bytes."""
    differences: tuple[Difference, ...]
    software: tuple[str, ...]
    """Versions that are not those of the receipt, one sentence each."""

    @property
    def is_identical(self) -> bool:
        """True where every file has the bytes that the receipt says."""
        return self.n_files > 0 and self.n_identical == self.n_files and not self.differences


def read_receipt(path: str | Path) -> Receipt:
    """Read a receipt.

    Raises:
        InputError: There is none, or it is damaged.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable receipt ({error}). Write one first.") from error
    try:
        receipt = Receipt.from_json(text)
    except InputError as error:
        raise InputError(f"{path}: this is not the receipt of a map ({error}).") from error
    for role in (*PATHS, "model"):
        value = receipt.arguments.get(role)
        if value is not None and not isinstance(value, str):
            raise InputError(
                f"{path}: this is not the receipt of a map: arguments.{role} should be a text, "
                f"found {value!r:.60}."
            )
    return receipt


def arguments_of(receipt: Receipt, given: Mapping[str, str | None]) -> dict[str, Any]:
    """Make the arguments of a run from a receipt.

    Args:
        receipt: The receipt.
        given: Where products, labels, dem, samples, label_map and test_labels lie here; None if
            unknown.

    Returns:
        Arguments of :func:`landcover.api.start_run`, beside the name of the run. The run ends
        with the last stage of the receipt.

    Raises:
        MissingDataError: Something that the map hangs on is not at hand; all of it is named.
    """
    known = receipt.arguments
    missing = [
        f"{role} (--{role.replace('_', '-')}; it was {known[role]})"
        for role in PATHS
        if known.get(role) and not given.get(role) and not is_elsewhere(role, known[role])
    ]
    if known.get("model"):
        missing.append(f"model {known['model']} of another run")
    places = {role: given.get(role) or known.get(role) for role in PATHS if known.get(role)}
    if given.get("products"):
        missing += _missing_products(receipt, str(given["products"]))
    if missing:
        more = len(missing) - _MOST_NAMED
        named = "; ".join(missing[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
        raise MissingDataError(f"The map cannot be made again without: {named}.")
    rest = {key: value for key, value in known.items() if key not in PATHS}
    return {**rest, **places, "until": _last(receipt), "recipe": receipt.recipe}


def verify(receipt: Receipt, first: Workspace, again: Workspace, run: Run) -> Verdict:
    """Compare what a run made with what a receipt says.

    Args:
        receipt: The receipt.
        first: Where the map of the receipt lies; where its bytes are gone, checksums are compared
            and no pixels counted.
        again: A workspace that held nothing before the run.
        run: The run.
    """
    differences = [*_products(receipt, again), *_labels(receipt, run)]
    documents = again.records.find(outputs.COLLECTION)
    steps = [Step.from_document({k: d[k] for k in Step.model_fields}) for d in documents]
    by_id = {step.id: step for step in steps}
    by_unit = {(step.wanted.stage, step.wanted.unit): step for step in steps}
    n_outputs = n_files = n_identical = 0
    for step in receipt.steps:
        files = [file for file in step.files if _counts(step, file)]
        if not files:
            continue
        n_outputs += 1
        n_files += len(files)
        what = f"{step.wanted.stage} of {step.wanted.unit}"
        made = by_id.get(step.id) or by_unit.get((step.wanted.stage, step.wanted.unit))
        if made is None:
            differences.append(Difference(what=what, how="it was not made again."))
            continue
        if made.id != step.id and (why := _why(step, made)):
            differences.append(Difference(what=what, how=why))
        for file in files:
            difference = _file(what, file, step, made, first, again)
            n_identical += difference is None
            differences += [difference] if difference else []
    return Verdict(
        n_outputs=n_outputs,
        n_files=n_files,
        n_identical=n_identical,
        differences=tuple(differences),
        software=tuple(_versions(receipt)),
    )


def _missing_products(receipt: Receipt, products: str) -> list[str]:
    if is_remote(products):
        return []
    source = LocalSource(products)
    tiles = sorted({product.tile for product in receipt.products})
    here = {product.name for tile in tiles for product in source.products(tile)[0]}
    return [f"product {name}" for name in sorted({p.name for p in receipt.products} - here)]


def _last(receipt: Receipt) -> Stage:
    found = {step.wanted.stage for step in receipt.steps}
    last = next((stage for stage in reversed(STAGES) if stage in found), None)
    if last is None:
        raise InputError("The receipt names no step of a map, so nothing can be made again.")
    return last


def _counts(step: Step, file: FileRecord) -> bool:
    return step.wanted.stage != "publish" or any(fnmatch(file.name, p) for p in _PUBLISHED)


def _products(receipt: Receipt, again: Workspace) -> Iterator[Difference]:
    found: dict[str, dict[str, str]] = {}
    for record in again.records.find("products"):
        files = {Path(file["href"]).name: file["sha256"] for file in record["files"]}
        found[record["product"]["name"]] = files
    for product in receipt.products:
        here = found.get(product.name)
        if here is None:
            yield Difference(what=f"product {product.name}", how="it was not used again.")
            continue
        other = [file.name for file in product.files if here.get(file.name) != file.sha256]
        if other:
            more = f" and {len(other) - 1} more" if len(other) > 1 else ""
            how = f"{other[0]}{more} of its files have other bytes."
            yield Difference(what=f"product {product.name}", how=how)


def _labels(receipt: Receipt, run: Run) -> Iterator[Difference]:
    ids = {"labels": run.label_id, "test_labels": run.test_label_id}
    for entry in receipt.labels:
        if ids[entry.role] != entry.id:
            how = f"expected {entry.id}, found {ids[entry.role]}: other files or other bytes."
            yield Difference(what=f"ground truth {entry.source}", how=how)


def _why(step: Step, made: Step) -> str:
    """Say what makes an id another one; nothing where only the ids of its inputs differ."""
    if step.wanted.version != made.wanted.version:
        return (
            f"the stage was version {step.wanted.version}, this software has {made.wanted.version}."
        )
    keys = {*step.wanted.params, *made.wanted.params}
    other = [k for k in keys if step.wanted.params.get(k) != made.wanted.params.get(k)]
    return f"other parameters: {', '.join(sorted(other))}." if other else ""


def _file(
    what: str, file: FileRecord, step: Step, made: Step, first: Workspace, again: Workspace
) -> Difference | None:
    where = f"{what}: {file.name}" if file.name else what
    other = next((entry for entry in made.files if entry.name == file.name), None)
    if other is None:
        return Difference(what=where, how="the file was not made again.")
    if other.sha256 == file.sha256:
        return None
    name = file.name or None
    expected = f"expected sha256 {file.sha256[:12]}, found {other.sha256[:12]}"
    is_raster = (file.name or step.key).endswith(".tif")
    if not is_raster or first.objects.size(step.key, name) != file.bytes:
        gone = "; the first bytes are gone, so no pixels were compared" if is_raster else ""
        return Difference(what=where, how=f"{expected}{gone}.")
    from landcover.analysis.pixel_differences import differing_pixels

    count, total = differing_pixels(
        first.objects.href(step.key, name), again.objects.href(made.key, name)
    )
    if count is None:
        return Difference(what=where, how=f"{expected}; the grids differ.")
    how = f"{expected}; {count:,} of {total:,} pixels differ."
    return Difference(what=where, how=how, pixels=count)


def _versions(receipt: Receipt) -> Iterator[str]:
    now = software()
    for name in sorted({*receipt.software, *now}):
        before, here = receipt.software.get(name, "none"), now.get(name, "none")
        if before != here:
            yield f"{name}: the receipt says {before}, here is {here}."
