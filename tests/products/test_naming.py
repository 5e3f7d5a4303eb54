"""Product names: four real ones are read, what is not Level-2A is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from landcover.products.naming import parse_name, parse_time

GOOD = "S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_20201007T160857",
         ("S2A", datetime(2019, 2, 12, 19, 26, 51, tzinfo=UTC), 212, 13, "07HFE")),
        ("S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500",
         ("S2B", datetime(2021, 1, 22, 13, 32, 29, tzinfo=UTC), 214, 81, "22HBD")),
        (GOOD, ("S2B", datetime(2022, 4, 13, 15, 7, 59, tzinfo=UTC), 400, 25, "33XWJ")),
        ("S2A_MSIL2A_20230625T234621_N0509_R073_T01WCP_20230626T022157",
         ("S2A", datetime(2023, 6, 25, 23, 46, 21, tzinfo=UTC), 509, 73, "01WCP")),
        ("S2C_MSIL2A_20250101T000000_N0511_R143_T60CWU_20250101T000000",
         ("S2C", datetime(2025, 1, 1, tzinfo=UTC), 511, 143, "60CWU")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["", ".SAFE"])
def test_fields(name, expected, ending):
    found = parse_name(name + ending)
    assert found is not None
    assert found[:5] == expected
    assert found.discriminator == name[-15:]


@pytest.mark.parametrize(
    "name",
    [
        "S2A_MSIL1C_20210908T042701_N0301_R133_T46RER_20210908T070248.SAFE",
        GOOD.replace("T33XWJ", "T30IUF"),  # no band I
        GOOD.replace("T33XWJ", "T30SUO"),  # no letter O
        GOOD.replace("T33XWJ", "T00XWJ"),
        GOOD.replace("T33XWJ", "T61XWJ"),
        GOOD.replace("T33XWJ", "T3XWJ"),
        GOOD.replace("_R025", ""),
        GOOD.replace("S2B", "S2E"),
        GOOD.replace("20220413", "20221399"),  # no such day
        GOOD.replace("T150759", "T256161"),
        GOOD.lower(),
        GOOD + ".zip",
        GOOD + "\n",
        " " + GOOD,
        "",
    ],
)
def test_rejects(name):
    assert parse_name(name) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20220413T150759", datetime(2022, 4, 13, 15, 7, 59, tzinfo=UTC)),
        ("2022-04-13T15:07:59Z", datetime(2022, 4, 13, 15, 7, 59, tzinfo=UTC)),
        ("2022-04-13T15:07:59.024Z", datetime(2022, 4, 13, 15, 7, 59, 24_000, tzinfo=UTC)),
        ("2022-04-13T15:07:59", datetime(2022, 4, 13, 15, 7, 59, tzinfo=UTC)),
        ("2022-04-30T23:30:00-02:00", datetime(2022, 5, 1, 1, 30, tzinfo=UTC)),
    ],
)
def test_times_are_utc(text, expected):
    found = parse_time(text)
    assert found == expected
    assert found.utcoffset() == timedelta(0)
