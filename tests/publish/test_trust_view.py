"""What the page says of a model beyond its accuracy: reach, sets of classes, its samples."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from landcover.nouns.model import SecondModel
from landcover.nouns.validation import RegionCoverage
from landcover.publish.page import Page
from landcover.publish.pages import render


def text_of(page: Page) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", render(page))).split())


def with_card(page: Page, **changes: object) -> Page:
    assert page.card is not None
    return page.model_copy(update={"card": page.card.model_copy(update=changes)})


def reach(page: Page, **changes: object) -> Page:
    assert page.card is not None
    assert page.card.trust is not None
    assert page.card.trust.applicability is not None
    one = page.card.trust.applicability.model_copy(update=changes)
    return with_card(page, trust=page.card.trust.model_copy(update={"applicability": one}))


def test_reach_and_sets_are_told_in_words(report: tuple[Path, Page]) -> None:
    text = text_of(reach(report[1], difference=0.44, interval=(0.2, 0.61)))
    assert "Where not to trust the map" in text
    assert "8.2 % of the samples are unlike those of all other groups" in text
    assert "Right inside: 94.0 %, outside: 50.0 %" in text
    assert "inside minus outside +44.0 points (95 % range +20.0 to +61.0)" in text
    assert "errors are commoner outside here" in text
    assert "90.0 % 91.3 % 81.0 % to 97.0 % 1.25 Cropland, 72.0 %" in text
    assert text.count("too few groups for this") == 1
    assert "the groups are exchangeable" in text
    assert "no probability sample" in text


def test_reach_claims_nothing_where_its_range_includes_zero(report: tuple[Path, Page]) -> None:
    for interval in ((-0.05, 0.3), (0.0, 0.2), None):
        text = text_of(reach(report[1], difference=0.1, interval=interval))
        assert "nothing is claimed" in text
        assert "errors are commoner outside here" not in text
    assert "(too few groups for a range)" in text


def test_coverage_of_left_out_regions_is_told_with_its_range(report: tuple[Path, Page]) -> None:
    page = report[1]
    assert page.validation is not None
    coverage = RegionCoverage(
        split="tiles",
        stated=0.9,
        regions={"31UDS": 0.87, "31UES": 0.93},
        by_class={"cropland": 0.71, "closedForest": 0.95},
    )
    known = page.validation.model_copy(update={"coverages": (coverage,)})
    text = text_of(page.model_copy(update={"validation": known}))
    assert "In regions that were left out (tiles left out)" in text
    assert "for 87.0 % (31UDS) to 93.0 % (31UES)" in text
    assert "by class for 71.0 % (Cropland) to 95.0 % (Closed forest)" in text
    assert "less than was asked for" in text


def test_other_shares_of_classes_are_a_warning(report: tuple[Path, Page]) -> None:
    page = report[1]
    assert page.card is not None
    areas = next(view.areas for view in page.views if view.areas)
    total = sum(area.hectares for area in areas)
    counts = dict.fromkeys(page.card.codes, 1)
    alike = {a.code: max(1, round(10_000 * a.hectares / total)) for a in areas}
    same = with_card(page, class_counts={**counts, **alike})
    assert same.shifted == ()
    assert "Classes have other shares" not in text_of(same)
    largest = max(areas, key=lambda a: a.hectares)
    thin = {**counts, **alike, largest.code: 1}
    other = with_card(page, class_counts=thin)
    assert largest.title in [entry.title for entry in other.shifted]
    assert "Classes have other shares on the map" in text_of(other)


def test_a_model_without_trust_says_nothing(report: tuple[Path, Page]) -> None:
    assert "Where not to trust" not in text_of(with_card(report[1], trust=None))


def test_what_was_not_measured_is_said(report: tuple[Path, Page]) -> None:
    card = report[1].card
    assert card is not None
    assert card.trust is not None
    one_group = card.trust.model_copy(update={"applicability": None, "coverages": ()})
    text = text_of(with_card(report[1], trust=one_group))
    assert "All training samples are of one group" in text
    assert "Fewer than two groups could be asked" in text
    assert card.trust.applicability is not None
    unknown = card.trust.applicability.model_copy(
        update={
            "held_out_outside_percent": None, "accuracy_inside": None, "accuracy_outside": None
        }
    )  # fmt: skip
    none_held = card.trust.model_copy(update={"applicability": unknown})
    assert "No sample could be asked" in text_of(with_card(report[1], trust=none_held))
    all_inside = card.trust.applicability.model_copy(
        update={"held_out_outside_percent": 0.0, "accuracy_outside": None}
    )
    inside = card.trust.model_copy(update={"applicability": all_inside})
    told = text_of(with_card(report[1], trust=inside))
    assert "0.0 % of the samples are unlike" in told
    assert "nothing is claimed" in told


def test_doubtful_points_are_counted_and_linked(report: tuple[Path, Page]) -> None:
    page = report[1]
    assert "3 of 40 labelled points are doubtful" in text_of(page)
    html = render(page)
    assert '<a href="suspects.geojson">look at them</a>' in html
    assert '<img src="signatures.svg"' in html
    assert page.checked is not None
    none = page.checked.model_copy(update={"n_suspects": 0, "signatures": None})
    bare = page.model_copy(update={"checked": none})
    assert "None of 40 labelled points is doubtful" in text_of(bare)
    assert "signatures.svg" not in render(bare)
    assert "labelled points" not in text_of(page.model_copy(update={"checked": None}))


def test_a_second_level_has_its_line(report: tuple[Path, Page]) -> None:
    inner = SecondModel(
        code=7, codes=(71, 72), names=("maize", "wheat"), colours=("#111111", "#222222"),
        class_counts={71: 9, 72: 9}, class_groups={71: 1, 72: 1}, arrays_sha256="0" * 64,
    )  # fmt: skip
    text = text_of(with_card(report[1], second=(inner,)))
    assert "Second level of Cropland maize, wheat: not validated" in text
    judged = inner.model_copy(update={"held_out": report[1].accuracy, "both_right": 0.75})
    text = text_of(with_card(report[1], second=(judged,)))
    assert "right for 94.0 % of 100 held-out pixels, both levels for 75.0 %" in text
