"""One conversion of colours, both ways."""

import pytest

from landcover.nouns.colour import hex_of, rgb_of


@pytest.mark.parametrize(
    ("text", "rgb"),
    [("#000000", (0, 0, 0)), ("#F096FF", (240, 150, 255)), ("#d62728", (214, 39, 40))],
)
def test_a_colour_is_three_bytes(text: str, rgb: tuple[int, int, int]) -> None:
    assert rgb_of(text) == rgb
    assert hex_of(rgb) == text.upper()
    assert hex_of((*rgb, 255)) == text.upper()


@pytest.mark.parametrize("text", ["#12345", "#1234567", "red"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        rgb_of(text)
