"""What a unit's end means to Airflow: success, skip, fail for good, or try again."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import RetryDecision, RetryPolicy
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from landcover.errors import LandcoverError, family_of, sentence_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from landcover.errors import Family

log = logging.getLogger(__name__)
_PATH = re.compile(r"(?:^|(?<=: ))((?:/|\w+://)\S+): ")
MESSAGE_CHARACTERS = 300
N_OUTPUTS = 16
SOON = timedelta(seconds=1)
"""Delay of a try with smaller windows: nothing has to be waited for."""


class UnitError(AirflowException):
    """A unit failed; its class is the family of :mod:`landcover.errors`."""

    family: Family = "defect"


class BadInputError(UnitError):
    """The input is wrong: another try gives the same result."""

    family = "input"


class ServiceAwayError(UnitError):
    """A store, a source or the cluster is away: another try may help."""

    family = "unavailable"


class OutOfMemoryError(UnitError):
    """The job needed more memory than it had: it is tried with smaller windows."""

    family = "memory"


class StoppedError(UnitError):
    """Somebody stopped the unit."""

    family = "cancelled"


class DefectError(UnitError):
    """A bug of ours: another try gives the same bug."""


_ERRORS: dict[str | None, type[UnitError]] = {
    error.family: error
    for error in (BadInputError, ServiceAwayError, OutOfMemoryError, StoppedError, DefectError)
}


class FamilyPolicy(RetryPolicy):
    """Try again what another try may cure, and tell the reason as the last line of the log."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """Decide by the family of the error; what Airflow itself raises keeps Airflow's rules."""
        reason = str(exception)
        if isinstance(exception, UnitError):
            # Airflow has begun a group of lines, which its page folds: the reason stands below it.
            log.info("::endgroup::")
            log.error("%s", reason)  # the last that a person reads
        if isinstance(exception, ServiceAwayError):
            return RetryDecision.retry(reason=reason)  # after the delay of the task, which grows
        if isinstance(exception, OutOfMemoryError):
            return RetryDecision.retry(SOON, reason)
        if isinstance(exception, UnitError):
            return RetryDecision.fail(reason)
        return RetryDecision.default()


def reason_of(label: str, stage: str, message: str) -> str:
    """Write why a unit ended, as the last line of its log: tile, season, stage, cause, paths last.

    Args:
        label: What people see of the unit.
        stage: The stage at which it ended.
        message: One sentence, perhaps with the unit and a path in front of its cause.
    """
    cause = paths_last(message.removeprefix(f"{label}: "))
    where = f"{label} {stage}: "
    return cause if cause.startswith(where) else f"{where}{cause}"


def paths_last(message: str) -> str:
    """Move a path in front of a cause behind it: what is cut off shall not be the cause."""
    path = _PATH.search(message)
    if path is None:
        return message
    return f"{message[: path.start()]}{message[path.end() :]} ({path[1]})"


def shortened(outcome: dict[str, Any]) -> dict[str, Any]:
    """Keep a unit's outcome below a kilobyte: the records have all of it."""
    return {
        **outcome,
        "message": paths_last(outcome["message"])[:MESSAGE_CHARACTERS],
        "outputs": outcome["outputs"][:N_OUTPUTS],
        "n_outputs": len(outcome["outputs"]),
    }


def give_up(family: str | None, message: str) -> NoReturn:
    """End a task as the error family asks for; :class:`FamilyPolicy` decides about another try.

    Args:
        family: Family of :mod:`landcover.errors`.
        message: One sentence.

    Raises:
        AirflowSkipException: Data are missing: what follows in the lane is skipped too.
        UnitError: The class of the family.
    """
    if family == "missing":
        raise AirflowSkipException(message)
    raise _ERRORS.get(family, DefectError)(message)


@contextmanager
def sentences() -> Iterator[None]:
    """End the task as the error asks for that is raised inside, with its one sentence."""
    try:
        yield
    except LandcoverError as error:
        give_up(family_of(error), sentence_of(error))
