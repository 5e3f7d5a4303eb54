"""What the page says of a model beyond its accuracy: reach, sets of classes, its samples."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from landcover.nouns.model import SecondModel
from landcover.publish.page import Page
from landcover.publish.pages import render


def text_of(page: Page) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", render(page))).split())


def with_card(page: Page, **changes: object) -> Page:
    assert page.card is not None
    return page.model_copy(update={"card": page.card.model_copy(update=changes)})


def test_reach_and_sets_are_told_in_words(report: tuple[Path, Page]) -> None:
    text = text_of(report[1])
    assert "Where not to trust the map" in text
    assert "Of the held-out samples 8.2 % are unlike all of them" in text
    assert "There it is right for 50.0 % of them, inside for 94.0 %" in text
    assert "90.0 % 91.3 % 81.0 % to 97.0 % 1.25 Cropland, 72.0 %" in text
    assert text.count("too few groups to promise this") == 1
    assert "no probability sample" in text


def test_a_model_without_trust_says_nothing(report: tuple[Path, Page]) -> None:
    assert "Where not to trust" not in text_of(with_card(report[1], trust=None))


def test_what_was_not_measured_is_said(report: tuple[Path, Page]) -> None:
    card = report[1].card
    assert card is not None
    assert card.trust is not None
    one_group = card.trust.model_copy(update={"applicability": None, "coverages": ()})
    text = text_of(with_card(report[1], trust=one_group))
    assert "All training samples are of one group" in text
    assert "Fewer than two groups were held out" in text
    assert card.trust.applicability is not None
    unknown = card.trust.applicability.model_copy(
        update={
            "held_out_outside_percent": None, "accuracy_inside": None, "accuracy_outside": None
        }
    )  # fmt: skip
    none_held = card.trust.model_copy(update={"applicability": unknown})
    assert "No sample was held out" in text_of(with_card(report[1], trust=none_held))
    all_inside = card.trust.applicability.model_copy(
        update={"held_out_outside_percent": 0.0, "accuracy_outside": None}
    )
    inside = card.trust.model_copy(update={"applicability": all_inside})
    assert "Inside, it is right for 94.0 % of them" in text_of(with_card(report[1], trust=inside))


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
