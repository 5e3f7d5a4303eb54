"""What a unit's end means to Airflow: success, skip, fail for good, or try again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)

from landcover.errors import LandcoverError, family_of, sentence_of

# What another attempt may cure; everything else fails the same way again.
RETRIED = ("unavailable", "memory")
MESSAGE_CHARACTERS = 300
N_OUTPUTS = 16


def shortened(outcome: dict[str, Any]) -> dict[str, Any]:
    """Keep a unit's outcome below a kilobyte: the records have all of it."""
    return {
        **outcome,
        "message": outcome["message"][:MESSAGE_CHARACTERS],
        "outputs": outcome["outputs"][:N_OUTPUTS],
        "n_outputs": len(outcome["outputs"]),
    }


def give_up(family: str | None, message: str) -> NoReturn:
    """End a task as the error family asks for.

    Args:
        family: Family of :mod:`landcover.errors`.
        message: One sentence.

    Raises:
        AirflowSkipException: Data are missing: what follows in the lane is skipped too.
        AirflowException: A retry may help: Airflow tries again, later and later.
        AirflowFailException: A retry cannot help.
    """
    if family == "missing":
        raise AirflowSkipException(message)
    if family in RETRIED:
        raise AirflowException(message)
    raise AirflowFailException(message)


@contextmanager
def sentences() -> Iterator[None]:
    """End the task as the error asks for that is raised inside, with its one sentence."""
    try:
        yield
    except LandcoverError as error:
        give_up(family_of(error), sentence_of(error))
