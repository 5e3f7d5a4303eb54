"""The published map of a run for the browser: what there is of it, and bytes of its files."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from landcover.errors import AbsentError, InputError
from landcover_airflow.page.run_page import run_of

DOCUMENT = "preview.json"
"""Of a report: what its map is made of. Only files that it names are given out."""
MOST_BYTES = 8 * 1024 * 1024
"""Of one answer: some tiles of a level; a whole file may have gigabytes."""
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})")
_KINDS = {"tif": "image/tiff", "png": "image/png"}


class Part(NamedTuple):
    """Bytes of a file, or all of it."""

    data: bytes
    kind: str
    """Media type."""
    span: str
    """What HTTP calls ``Content-Range``; empty for a whole file."""


def map_of(dag_id: str, dag_run: str) -> dict[str, Any]:
    """Tell what the published map of a run is made of.

    Returns:
        The report's ``preview.json``, and the id of the report as ``report``.

    Raises:
        AbsentError: The DAG run drives no run of the ledger, or there is no map to look at.
    """
    from landcover import api
    from landcover.ledger import reports

    workspace = api.open_workspace()
    run = run_of(workspace.records, dag_id, dag_run)
    report = reports.report_of(workspace, run)
    if report is None:
        raise AbsentError(
            f"Run {run} has published no map (yet): its report is written at the end, by publish."
        )
    return {**_document(workspace, run, report.id), "report": report.id}


def part_of(dag_id: str, dag_run: str, report: str, name: str, wanted: str | None) -> Part:
    """Read a part of a file of a run's published map, or a whole picture.

    Args:
        dag_id: DAG of the run.
        dag_run: Its run id.
        report: Id of the report, as :func:`map_of` gave it.
        name: Name of the file.
        wanted: The header ``Range``, one span; needed for GeoTIFFs.

    Raises:
        AbsentError: The map of this run has no such file.
        InputError: The span is none, is larger than 8 MiB, or begins behind the end.
    """
    from landcover import api
    from landcover.ledger import reports

    workspace = api.open_workspace()
    run = run_of(workspace.records, dag_id, dag_run)
    found, file = reports.file_of(workspace, run, report, name)
    if name not in _named(_document(workspace, run, report)):
        raise AbsentError(f"{name!r} is no file of the map of run {run}.")
    kind = _KINDS[name.rpartition(".")[2]]
    if wanted is None and kind == "image/png":
        return Part(workspace.objects.read(found.key, 0, file.bytes, name), kind, "")
    span = _RANGE.fullmatch(wanted or "")
    first, last = (int(span[1]), int(span[2])) if span else (1, 0)
    if not first <= last < first + MOST_BYTES or first >= file.bytes:
        raise InputError(
            f"{name}, Range {(wanted or '')[:60]!r}: expected 'bytes=FIRST-LAST', at most "
            f"{MOST_BYTES} bytes within the {file.bytes} of the file."
        )
    stop = min(last + 1, file.bytes)
    data = workspace.objects.read(found.key, first, stop, name)
    return Part(data, kind, f"bytes {first}-{stop - 1}/{file.bytes}")


def _document(workspace: Any, run: str, report: str) -> dict[str, Any]:
    from landcover.ledger import reports

    try:
        found, file = reports.file_of(workspace, run, report, DOCUMENT)
    except AbsentError as error:
        raise AbsentError(
            f"The report of run {run} has no map that can be looked at here: no pixel has a class, "
            "or an earlier version wrote it; then `landcover report RUN --rebuild` writes it anew."
        ) from error
    read: dict[str, Any] = json.loads(workspace.objects.read(found.key, 0, file.bytes, DOCUMENT))
    return read


def _named(document: dict[str, Any]) -> set[str]:
    views = document["views"]
    files = {layer["file"] for view in views for layer in view["layers"].values()}
    return files | {view["picture"] for view in views if view["picture"]}
