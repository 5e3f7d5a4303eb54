"""How a unit grows with the tiles of its run: planning, collecting, sampling, mapping, mosaicking.

A unit must cost the same whether its run has one tile or 450. Windows of tiles are small here, so
that what is looked up, not what is computed, decides.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work

TILES = (1, 50, 450)
WARM = 4
"""Tiles of the run in which a process works before it is measured: all stages have a unit."""
ALLOWED = 1.2
"""Most CPU or memory of a unit in the largest run, in that of the smallest."""
BYTES = 12e6
"""What a run of one tile writes; another tile adds records and links."""
BYTES_A_TILE = 0.1e6
ALONE = ("collect", "plan", "sample", "classify")
"""Units that need nothing of the tiles beside theirs: a run of one tile is one to compare with.
The others read neighbours, which only larger runs have."""


def disk_gb(request: Request) -> float:
    """Say what the workspaces take, GB."""
    return sum(BYTES + BYTES_A_TILE * count for count in (WARM, *TILES)) / 1e9


def measure(request: Request, progress: Progress) -> Report:
    """Measure the same units in runs of 1, 50 and 450 tiles, each in a process of its own.

    Each process works once before, in a small run beside, so that all is imported and
    compiled. Planning is measured as a whole and told by tile.
    """
    from landcover.bench.many_tiles import MEASURED, units_of, write_workspace

    pixels, repeats = request.pixels_or(240), request.repeats_or(3)
    folders = {count: request.folder / f"tiles-{count}" for count in TILES}
    warm = request.folder / "warm"
    for number, (folder, count) in enumerate([(warm, WARM), *((f, n) for n, f in folders.items())]):
        progress(number / 4, f"a run of {count} tiles")
        write_workspace(folder, count, pixels, request.seed)
    rows: list[Row] = []
    for stage, unit in (("plan", ""), *units_of(MEASURED), ("mosaic", "")):
        counts = TILES if stage in ALONE else TILES[1:]
        cases = [
            Case(f"{count} tiles", f"{__name__}:{'planning' if stage == 'plan' else 'working'}",
                 {"folder": str(folders[count]), "warm": str(warm), "stage": stage, "unit": unit})
            for count in counts
        ]  # fmt: skip
        found = side_by_side(stage, cases, repeats, progress, same=False)
        rows += [_by_tile(row, count) for row, count in zip(found, counts, strict=True)]
    return Report("units", {"pixels": pixels, "tiles": list(TILES)}, rows, growth_of(rows))


def growth_of(rows: list[Row]) -> list[str]:
    """Say by how much each unit grows from its smallest run to its largest."""
    notes = []
    for case in dict.fromkeys(row.case for row in rows):
        found = [row for row in rows if row.case == case]
        small, large = found[0], found[-1]
        cpu = large.cost.cpu_seconds / small.cost.cpu_seconds
        memory = large.cost.peak_mb / small.cost.peak_mb
        told = "flat" if max(cpu, memory) <= ALLOWED else "GROWS"
        notes.append(
            f"{case}: with {large.engine} {cpu:.2f} of the CPU and {memory:.2f} of the memory "
            f"with {small.engine}: {told}."
        )
    return notes


def _by_tile(row: Row, count: int) -> Row:
    from dataclasses import replace

    if row.case != "plan":
        return row
    cost = replace(
        row.cost, seconds=row.cost.seconds / count, cpu_seconds=row.cost.cpu_seconds / count
    )
    return replace(row, cost=cost, ratio=None)


def planning(folder: str, warm: str, **_: Any) -> Work:
    """Plan all groups of a run."""
    from landcover.bench.season import use

    use(Path(warm) / "workspace")
    _plan_all()
    use(Path(folder) / "workspace")
    return _plan_all


def _plan_all() -> None:
    from landcover import api
    from landcover.bench.many_tiles import RUN
    from landcover.nouns.stages import GROUPS

    for group in GROUPS:
        api.plan(RUN, group)


def working(folder: str, warm: str, stage: Any, unit: str) -> Work:
    """Run a unit that was not run before."""
    from landcover.bench.season import run_stage, use

    use(Path(warm) / "workspace")
    run_stage(stage, _forget(stage, unit))
    use(Path(folder) / "workspace")
    name = _forget(stage, unit)
    return lambda: run_stage(stage, name)


def _forget(stage: Any, unit: str) -> str:
    """Withdraw what a unit has made, so that it is made again; gives its name."""
    from landcover import api
    from landcover.bench.many_tiles import MEASURED, RUN
    from landcover.ledger import outputs, units
    from landcover.parts.mapping.cells import zone_cells_of
    from landcover.tiling import tile_grid

    # The cell in which the window of the measured tile lies.
    corner = tile_grid(MEASURED).model_copy(update={"width": 1, "height": 1})
    name = unit or min(zone_cells_of(corner))
    workspace = api.open_workspace()
    state = units.load(workspace.records, RUN, stage, name)
    for output_id in state.outputs if state else ():
        outputs.withdraw(workspace, output_id, "measured again")
    return name


__all__ = ["disk_gb", "growth_of", "measure", "planning", "working"]
