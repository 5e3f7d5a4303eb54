"""Which report a run has, and files of it."""

from __future__ import annotations

from landcover.errors import AbsentError
from landcover.ledger import outputs
from landcover.nouns.output import FileRecord, Output
from landcover.stores.workspace import Workspace


def report_of(workspace: Workspace, run: str) -> Output | None:
    """Find the report of a run whose files are still there."""
    for name in _ids(workspace, run):
        report = outputs.find(workspace, name)
        if report is not None:
            return report
    return None


def file_of(workspace: Workspace, run: str, report: str, name: str) -> tuple[Output, FileRecord]:
    """Find a file of a run's report by the records alone.

    Args:
        workspace: Where it is recorded.
        run: Name of the run in the ledger.
        report: Id of the report that was shown.
        name: Name of the file in it.

    Returns:
        The report, and the record of the file.

    Raises:
        AbsentError: The run has no such report (any more), or the report no such file.
    """
    if report not in _ids(workspace, run):
        raise AbsentError(
            f"Run {run} has no report {report[:40]!r}: it is another run's, or was written anew. "
            "Load the page again."
        )
    found = outputs.load(workspace, report)
    for file in found.files:
        if file.name == name:
            return found, file
    raise AbsentError(f"The report of run {run} has no file {name[:80]!r}.")


def _ids(workspace: Workspace, run: str) -> list[str]:
    states = workspace.records.find("units", {"run": run, "stage": "publish"})
    return [name for state in states for name in state["outputs"]]
