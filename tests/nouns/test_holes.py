"""What leaving layers out would win: numbers worked by hand."""

from __future__ import annotations

from landcover.nouns.holes import Holes, Pattern, TileHoles, explain_holes

LAYERS = ("B01", "B02", "B04", "B05", "B08", "B09", "ndre", "ndvi", "slope")


def holes(counts: dict[str, int], n_pixels: int = 1000, **more: object) -> TileHoles:
    patterns = [Pattern(layers=tuple(k.split()), pixels=n) for k, n in counts.items()]
    document = {"n_pixels": n_pixels, "lost": sum(counts.values()), "layers": LAYERS}
    reads = {"ndre": ("B05", "B09"), "ndvi": ("B04", "B08")}
    return TileHoles.from_document({**document, "patterns": patterns, "reads": reads, **more})


def explained(*tiles: TileHoles) -> Holes:
    found = explain_holes(tiles)
    assert found is not None
    return found


def test_nothing_is_known_of_no_tile() -> None:
    assert explain_holes([]) is None


def test_coarse_layers_that_go_together() -> None:
    everything = " ".join(LAYERS[:-1])
    found = explained(
        holes({"B01 B09 ndre": 60, "B09 ndre": 20, "B01": 10, "slope": 5, everything: 30}),
        holes({"ndre": 5}),
    )
    assert found.lost_percent == 6.5  # 130 of 2,000
    assert found.unseen_percent == 1.5
    costs = {x.layer: (x.lost_percent, x.only_percent, x.wins_percent) for x in found.layers}
    assert costs["B01"] == (5.0, 0.5, 0.5)
    assert costs["B09"] == (5.5, 0.0, 1.25)  # without B09 there is no NDRE: 20 + 5
    assert costs["ndre"] == (5.75, 0.25, 0.25)
    assert costs["B02"] == (1.5, 0.0, 0.0)
    assert [x.layer for x in found.layers][:3] == ["B09", "B01", "ndre"]
    # B01, B09 and NDRE win 60 + 20 + 10 + 5 of 2,000, slope 5 more.
    assert [(r.layers, r.wins_percent) for r in found.remedies] == [
        (("B01", "B09", "ndre"), 4.75),
        (("B01", "B09", "ndre", "slope"), 5.0),
    ]


def test_what_was_never_seen_has_no_remedy() -> None:
    found = explained(holes({" ".join(LAYERS[:-1]): 100}))
    assert (found.lost_percent, found.unseen_percent, found.remedies) == (10.0, 10.0, ())
