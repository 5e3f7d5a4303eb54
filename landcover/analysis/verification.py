"""Verify: read every byte that a run hangs on, and set aside what is not as it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from landcover.errors import DamagedError, ReadOnlyError
from landcover.ledger import outputs, units
from landcover.nouns.output import Output
from landcover.stores.workspace import Workspace


class Verified(NamedTuple):
    """What became of one output."""

    output: Output
    """The output."""
    n_bytes: int
    """Bytes that were read."""
    damage: str
    """What is wrong with it, one sentence; empty where it is as it was written."""
    is_aside: bool
    """Whether it was set aside."""


def verify_run(
    workspace: Workspace,
    run_id: str,
    *,
    withdraw: bool = True,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> Iterator[Verified]:
    """Read every file of a run's outputs and compare it with its record.

    Args:
        workspace: Where they are.
        run_id: The run.
        withdraw: Whether damaged outputs are set aside, so that the command that made them makes
            them again. Where nothing can be written they stay where they are.
        progress: Is told the share that is done, 0-1, and what is being read.

    Yields:
        What became of each output that has bytes, in the order of the run.
    """
    ids = dict.fromkeys(
        output_id
        for state in units.states(workspace.records, run_id)
        for output_id in state.outputs
    )
    for number, output_id in enumerate(ids):
        document = workspace.records.get(outputs.COLLECTION, output_id)
        if document is None or document.get(outputs.WITHDRAWN) or not document["key"]:
            continue
        output = outputs.read(document)
        progress(number / len(ids), f"{output.wanted.stage} {output.unit}")
        damage = _damage(workspace, output)
        is_aside = False
        if damage and withdraw:
            with suppress(ReadOnlyError):
                is_aside = outputs.withdraw(workspace, output.id, damage) is not None
        yield Verified(output, sum(file.bytes for file in output.files), damage, is_aside)


def _damage(workspace: Workspace, output: Output) -> str:
    sizes = workspace.objects.sizes(output.key)
    for file in output.files:
        place = f"{output.key}/{file.name}".rstrip("/")
        if file.name not in sizes:
            return f"{place}: the file is missing."
        if sizes[file.name] != file.bytes:
            return f"{place}: expected {file.bytes} bytes, found {sizes[file.name]}."
        try:
            with workspace.objects.local(output.key, file.name or None) as path:
                outputs.compare_bytes(output, file, path)
        except DamagedError as error:
            return str(error)
    return ""
