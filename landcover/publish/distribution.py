"""What the class distribution of a map tells: largest class, concentration, minor classes.

Method: docs/methods/accuracy.md#class-distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from landcover.publish.areas import ClassArea

MINOR_PERCENT = 1.0
"""Share below which a class is a minor one, % of the classified area."""
MOST_NAMED = 6


def effective_classes(shares: Sequence[float]) -> float:
    """Give the number of equally large classes that would be as diverse (Hill number of order 1).

    Args:
        shares: Share of each class, any unit.

    Returns:
        exp of Shannon's entropy, 1 … number of classes; 0 where there is no area.
    """
    total = sum(shares)
    known = [share / total for share in shares if share > 0] if total else []
    return exp(-sum(p * log(p) for p in known)) if known else 0.0


def findings(areas: Sequence[ClassArea], trained: Sequence[str] = ()) -> tuple[str, ...]:
    """Say in sentences how a map is divided among its classes.

    Args:
        areas: Area of each class, those without a pixel included.
        trained: Titles of the classes that the model knows; all of ``areas`` if empty.

    Returns:
        Sentences; none where nothing is classified.
    """
    present = sorted((a for a in areas if a.pixels), key=lambda a: (-a.percent, a.code))
    if not present:
        return ()
    first = present[0]
    said = [f"{first.title} is the largest class, with {_percent(first.percent)} of the area."]
    if len(present) > 1:
        n, share = 0, 0.0
        while share < 90 and n < len(present):
            share += present[n].percent
            n += 1
        effective = effective_classes([a.percent for a in present])
        are = "class covers" if n == 1 else "classes cover"
        said.append(
            f"The {'' if n == 1 else f'{n} '}largest {are} {_percent(share)}; the area is divided "
            f"as among {effective:.1f} equally large classes (of {len(present)} on the map)."
        )
    minor = [a for a in present if a.percent < MINOR_PERCENT]
    if minor:
        named = ", ".join(f"{a.title} {_percent(a.percent)}" for a in minor[:MOST_NAMED])
        more = f" and {len(minor) - MOST_NAMED} more" if len(minor) > MOST_NAMED else ""
        said.append(f"Minor classes that were found: {named}{more}.")
    absent = [a.title for a in areas if not a.pixels and (not trained or a.title in trained)]
    if absent:
        said.append(f"Known to the model and not on the map: {', '.join(absent[:MOST_NAMED])}.")
    return tuple(said)


def _percent(share: float) -> str:
    return "< 0.1 %" if 0 < share < 0.1 else f"{share:.1f} %"
