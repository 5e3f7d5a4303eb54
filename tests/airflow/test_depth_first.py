"""Lanes on a Dask cluster: those in front end first, and resources keep each kind of work apart."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from distributed import LocalCluster

from landcover import api
from landcover.execution import COMPUTE, DOWNLOAD
from landcover.nouns.stages import Stage
from landcover_airflow.hooks.dask import DaskHook
from landcover_airflow.triggers.dask import DaskUnitTrigger

STAGES: tuple[Stage, ...] = ("collect", "mask", "composite")
LANES = 8


class Watched:
    """Stands in for the work of a unit and notes when each stage begins, and what runs at once."""

    def __init__(self) -> None:
        self.began: list[tuple[str, str]] = []
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.held: set[str] = set()
        self.most_held = 0
        self._lock = threading.Lock()

    def __call__(self, stage: str, document: dict[str, Any]) -> dict[str, Any]:
        kind = "download" if stage == "collect" else "compute"
        with self._lock:
            self.began.append((stage, document["unit"]))
            self.now[kind] += 1
            self.most[kind] = max(self.most[kind], self.now[kind])
            if stage == "collect":  # its products lie on disk from here to the composite
                self.held.add(document["unit"])
                self.most_held = max(self.most_held, len(self.held))
        time.sleep(0.05)
        with self._lock:
            self.now[kind] -= 1
            if stage == "composite":
                self.held.discard(document["unit"])
        return {
            "unit": document["unit"], "state": "done", "outputs": [], "seconds": 0.05,
            "error_family": None, "message": "",
        }  # fmt: skip


@pytest.fixture(params=[{}, {DOWNLOAD: 1, COMPUTE: 1}], ids=["plain", "resources"])
def cluster(request: pytest.FixtureRequest) -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", host="127.0.0.1",
        dashboard_address="127.0.0.1:0", resources=request.param or None,
    ) as started:  # fmt: skip
        yield started


def test_lanes_in_front_end_first(
    cluster: LocalCluster, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched, address = Watched(), cluster.scheduler_address
    monkeypatch.setattr(api, "run", watched)
    units = [f"31UDS.{number}" for number in range(LANES)]

    async def story() -> None:
        triggers = []
        async with DaskHook(address=address).client():
            for number, unit in enumerate(units):
                given = {**document, "unit": unit}
                await DaskHook(address=address).submit(STAGES, given, priority=-number)
                triggers.append(DaskUnitTrigger(address, STAGES, given, poll_seconds=0.1))
            await asyncio.gather(*(anext(trigger.run()) for trigger in triggers))  # type: ignore[arg-type]

    asyncio.run(story())
    assert Counter(watched.began) == Counter((s, unit) for unit in units for s in STAGES)
    first_composite = next(n for n, (stage, _) in enumerate(watched.began) if stage == "composite")
    last_collect = max(n for n, (stage, _) in enumerate(watched.began) if stage == "collect")
    assert first_composite < last_collect
    composed = [unit for stage, unit in watched.began if stage == "composite"]
    late = [abs(composed.index(unit) - number) for number, unit in enumerate(units)]
    assert max(late) <= 2  # of two threads, one may be a lane ahead
    declared = cluster.scheduler.workers.values()
    if next(iter(declared)).resources:
        # One unit that downloads and one that computes at a time, though there are two threads.
        assert watched.most == {"download": 1, "compute": 1}
    else:
        assert watched.most_held <= 4
