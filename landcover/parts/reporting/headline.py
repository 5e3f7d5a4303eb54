"""The number that a run's map is quoted by, read from the ledger alone."""

from __future__ import annotations

from collections.abc import Sequence

from landcover.ledger import outputs
from landcover.nouns.headline import Headline, headline_of
from landcover.nouns.run import UnitState
from landcover.stores.records import RecordStore

KEY = "headline"
"""Where a validation keeps it among what its record says."""


def headline_in(records: RecordStore, states: Sequence[UnitState], why: str = "") -> Headline:
    """Find the headline of a run.

    Args:
        records: The ledger.
        states: Units of the run.
        why: Why the accuracy of its map is unknown, for runs whose validation does not say; a
            sentence.

    Returns:
        What its validation measured, or that nothing was measured and why.
    """
    validated = [state for state in states if state.stage == "validate"]
    for output_id in (one for state in validated if state.is_finished for one in state.outputs):
        document = records.get(outputs.COLLECTION, output_id)
        if document is not None and KEY in document["stats"]:
            return Headline.from_document(document["stats"][KEY])
    stopped = next((state.message for state in validated if not state.is_finished), "")
    return headline_of(None, why or stopped or "the map was not validated.")


def has_map(states: Sequence[UnitState]) -> bool:
    """Tell whether a run has mapped anything."""
    return any(state.stage == "classify" and state.is_finished for state in states)
