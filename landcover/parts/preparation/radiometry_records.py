"""What comparisons of reflectance counted: kept in the records, so that pixels are read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict

from landcover.nouns.output import hash_of
from landcover.parts.task import Task
from landcover.raster.tripwire import OffsetEvidence, Verdict
from landcover.raster.wrong_offset import Pair
from landcover.stores.overlay import OverlayRecords

VERSION = 1
"""Raised when other pixels are counted, or counted otherwise."""
COLLECTION = "tripwires"


def recall(
    task: Task,
    kind: str,
    pairs: Iterable[Pair],
    count: Callable[[str, str], OffsetEvidence | None],
) -> dict[Pair, OffsetEvidence]:
    """Give what was counted of pairs, from the records where it was counted before.

    Args:
        task: The task; in a plan nothing new is counted.
        kind: What is compared; part of the records' names.
        pairs: (a, b): ids of what is compared, in both orders where both are wanted.
        count: Counts one pair; None where it cannot be counted now, which is not kept.

    Returns:
        (a, b) → numbers; zeros where a plan knows none.
    """
    keys = {pair: hash_of([kind, VERSION, *pair]) for pair in pairs}
    records = task.workspace.records
    found = records.find(COLLECTION, {"_id": {"$in": sorted(keys.values())}}) if keys else []
    known = {document["_id"]: OffsetEvidence(**document["evidence"]) for document in found}
    is_plan = isinstance(records, OverlayRecords)
    evidence = {}
    for pair, key in keys.items():
        if key not in known and not is_plan:
            task.job.check()
            counted = count(*pair)
            if counted is not None:
                known[key] = counted
                document = {"kind": kind, "ids": list(pair), "evidence": asdict(counted)}
                records.replace_one(COLLECTION, {"_id": key, **document})
        evidence[pair] = known.get(key, OffsetEvidence())
    return evidence


def wrong_way(verdict: Verdict) -> tuple[str, str, str]:
    """Say a verdict: what became of the offset, on which side, and the step that was found."""
    if verdict == "applied_twice":
        return "applied twice", "below", "-0.1"
    return "not applied at all", "above", "+0.1"
