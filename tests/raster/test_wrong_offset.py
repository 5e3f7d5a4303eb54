"""Who of several is wrong: by their pixels, the majority, the metadata, or nobody knows."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landcover.raster.tripwire import OffsetEvidence, OffsetFinding, Verdict
from landcover.raster.wrong_offset import Pair, find_wrong_offsets

NOTHING = OffsetEvidence()


def found(verdict: Verdict, step: float = 0.0) -> OffsetFinding:
    return OffsetFinding(verdict, step, f"it is {verdict}", NOTHING)


SAME, UNSURE = found("ok"), found("unsure")
HIGHER, LOWER = found("not_applied", 0.1), found("applied_twice", -0.1)
RIGHT_BELOW, RIGHT_ABOVE = found("others_differ", -0.1), found("others_differ", 0.1)


def table(offsets: dict[str, float], *, has_dark: bool = True) -> dict[Pair, OffsetFinding]:
    """What the pixels of a landscape with or without dark ones say of products with offsets."""
    findings = {}
    for a, b in permutations(offsets, 2):
        step = offsets[a] - offsets[b]
        if step == 0:
            findings[a, b] = SAME
        elif abs(step) > 0.1:
            findings[a, b] = UNSURE  # twice the step is no step
        elif step > 0:
            findings[a, b] = HIGHER if not has_dark or offsets[a] > 0 else RIGHT_ABOVE
        else:
            findings[a, b] = LOWER if not has_dark or offsets[a] < 0 else RIGHT_BELOW
    return findings


def names(wrong: object) -> list[str]:
    return [one.name for one in wrong.found]  # type: ignore[attr-defined]


def test_dark_pixels_name_the_wrong_one_of_two() -> None:
    for offset, verdict in ((0.1, "not_applied"), (-0.1, "applied_twice")):
        wrong = find_wrong_offsets("ab", table({"a": 0, "b": offset}))
        (one,) = wrong.found
        assert (one.name, one.finding.verdict, one.others) == ("b", verdict, ("a",))
        assert one.finding.step == offset
        assert not wrong.undecided


def test_dark_pixels_win_against_a_majority_that_is_wrong() -> None:
    wrong = find_wrong_offsets("abc", table({"a": 0.1, "b": 0, "c": 0.1}))
    assert sorted(names(wrong)) == ["a", "c"]


def test_what_only_the_other_side_sees_is_turned_round() -> None:
    wrong = find_wrong_offsets("ab", {("a", "b"): RIGHT_BELOW, ("b", "a"): UNSURE})
    (one,) = wrong.found
    assert (one.name, one.finding.verdict, one.finding.step) == (
        "b",
        "not_applied",
        0.1,
    )
    assert "seen from the other side" in one.finding.reason


def test_the_majority_decides_in_a_desert() -> None:
    findings = table({"a": 0, "b": 0, "c": 0.1}, has_dark=False)
    wrong = find_wrong_offsets("abc", findings, trust={"a": 0, "b": 0, "c": 3})
    assert names(wrong) == ["c"]
    assert wrong.found[0].finding.verdict == "not_applied"


def test_the_metadata_decide_between_two_of_a_desert() -> None:
    findings = table({"a": 0, "b": 0.1}, has_dark=False)
    assert names(find_wrong_offsets("ab", findings, trust={"a": 3, "b": 1})) == ["b"]
    assert names(find_wrong_offsets("ab", findings, trust={"a": 1, "b": 3})) == ["a"]


def test_what_cannot_be_decided_is_said() -> None:
    wrong = find_wrong_offsets("ab", table({"a": 0, "b": 0.1}, has_dark=False))
    assert (wrong.found, wrong.undecided) == ((), (("a", "b"),))


def test_impossible_pixels_need_no_other() -> None:
    wrong = find_wrong_offsets("a", {}, alone={"a": LOWER})
    assert wrong.found[0].others == ()
    assert names(find_wrong_offsets("a", {}, alone={"a": UNSURE})) == []


def test_a_wrong_one_accuses_nobody() -> None:
    # b is taken out by its own pixels; what it says of a is not heard.
    findings = {("a", "b"): HIGHER, ("b", "a"): UNSURE}
    assert names(find_wrong_offsets("ab", findings, alone={"b": LOWER})) == ["b"]


def test_a_chain_of_agreement_outweighs_a_step_only_where_offsets_are_uniform() -> None:
    findings = table({"a": 0, "b": 0, "c": 0})
    findings["a", "c"], findings["c", "a"] = HIGHER, RIGHT_BELOW
    assert names(find_wrong_offsets("abc", findings)) == []
    assert names(find_wrong_offsets("abc", findings, is_uniform=False)) == ["a"]


@given(st.dictionaries(st.sampled_from("bcdefgh"), st.sampled_from([0.0, 0.1, -0.1])))
def test_with_dark_pixels_exactly_the_wrong_ones_are_found(drawn: dict[str, float]) -> None:
    offsets = {"a": 0.0, **drawn}
    wrong = sorted(name for name, offset in offsets.items() if offset)
    assert sorted(names(find_wrong_offsets(offsets, table(offsets)))) == wrong


def test_all_wrong_alike_show_nothing() -> None:
    assert names(find_wrong_offsets("abc", table(dict.fromkeys("abc", 0.1)))) == []


@pytest.mark.parametrize("n_right", [2, 3, 5])
def test_in_a_desert_a_minority_is_found(n_right: int) -> None:
    offsets = {**{f"r{n}": 0.0 for n in range(n_right)}, "w": 0.1}
    assert names(find_wrong_offsets(offsets, table(offsets, has_dark=False))) == ["w"]
