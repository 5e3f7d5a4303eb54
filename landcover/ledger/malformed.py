"""Records that are not what they should be: an error of the store, told with the record's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from landcover.errors import InputError, UnavailableError


@contextmanager
def reading(collection: str, document: Mapping[str, Any]) -> Iterator[None]:
    """Read a record inside: what it lacks is told with its id.

    Args:
        collection: Where the record is.
        document: The record.

    Raises:
        UnavailableError: The record is malformed: somebody else wrote into the store.
    """
    try:
        yield
    except (KeyError, TypeError, InputError) as error:
        lacking = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise UnavailableError(
            f"Record {document.get('_id')} of {collection} is malformed ({lacking}). Restore the "
            "records from a copy, or remove this one and run again."
        ) from error
