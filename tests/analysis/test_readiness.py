"""Season readiness by numbers: what independent clouds leave, what damaged rasters leave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landcover.nouns.holes import missing_percent
from landcover.parts.preparation.expected_coverage import candidates_of, expected_coverage
from landcover.publish.quality import BASES


def test_independent_clouds_leave_the_product_of_their_shares() -> None:
    # 10 % and 50 % cloud: 5 % see nothing; 0.9 x 0.5 + 0.1 x 0.5 = 50 % are seen once.
    shares = expected_coverage([0.9, 0.5])
    assert shares == {"percent_0": 5.0, "percent_1": 50.0, "percent_2_or_more": 45.0}
    assert missing_percent(shares, 1) == 5.0
    assert missing_percent(shares, 2) == 55.0
    assert expected_coverage([0.69]) == {
        "percent_0": 31.0, "percent_1": 69.0, "percent_2_or_more": 0.0,
    }  # fmt: skip


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_shares_add_up_and_another_product_never_hurts(clear: list[float]) -> None:
    shares = expected_coverage(clear)
    assert sum(shares.values()) == pytest.approx(100, abs=1e-3)
    assert all(0 <= share <= 100 for share in shares.values())
    more = expected_coverage([*clear, 0.5])
    assert more["percent_0"] <= shares["percent_0"] + 1e-4


def test_the_baseline_comes_from_the_product_or_its_name() -> None:
    document = {
        "date": "2021-03-05T10:50:21Z", "cloud_percent": 1.0, "nodata_percent": 2.0,
        "is_used": False, "reason": "r",
    }  # fmt: skip
    name = "S2A_MSIL2A_20210305T105021_N0214_R051_T31UDS_20210305T150000"
    odd = "S2A_31UDS_20210305_0_L2A"
    found = candidates_of([{**document, "name": n} for n in (name, odd, "X")], {odd: 509})
    assert [c.baseline for c in found] == [214, 509, None]
    assert {c.date for c in found} == {"2021-03-05"}


def test_each_kind_of_share_has_its_own_word() -> None:
    assert len({origin.word for origin in BASES.values()}) == len(BASES) == 3
