"""Variables that are no numbers: DAGs are read nevertheless, and ``start`` says what is wrong."""

from __future__ import annotations

import pytest

from landcover_airflow.outcome import BadInputError
from landcover_airflow.variables import (
    HOLD_VARIABLE,
    RETRY_VARIABLE,
    require_numbers,
    seconds_of,
)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1e30"])
def test_a_value_that_is_no_number_is_refused_by_start(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(RETRY_VARIABLE, text)
    assert seconds_of(RETRY_VARIABLE) == 30.0
    with pytest.raises(BadInputError, match=f"{RETRY_VARIABLE}: expected .* such as 30, found"):
        require_numbers()


def test_a_number_is_taken_and_none_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RETRY_VARIABLE, "0.5")
    monkeypatch.setenv(HOLD_VARIABLE, "")
    assert (seconds_of(RETRY_VARIABLE), seconds_of(HOLD_VARIABLE)) == (0.5, 5.0)
    require_numbers()
