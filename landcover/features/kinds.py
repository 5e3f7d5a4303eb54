"""The kinds of features at work: each row of the table leads to its module at first use."""

from __future__ import annotations

from importlib import import_module

from landcover.features.contract import Kind
from landcover.nouns.feature_kind import FEATURE_KINDS, KindRow


def kind_of(name: str) -> Kind:
    """Give what a kind of the table says of itself.

    Raises:
        KeyError: The table has no such kind; a feature of one cannot be made.
        TypeError: Its module has no ``KIND``.
    """
    row = FEATURE_KINDS[name]
    kind = getattr(import_module(row.module), "KIND", None)
    if not isinstance(kind, Kind):
        raise TypeError(f"{row.module}: expected KIND, a landcover.features.contract.Kind.")
    return kind


def in_order() -> tuple[list[list[KindRow]], list[list[KindRow]]]:
    """Give the rows by their place: of those that a tile has once, and of those of each season."""
    rows = sorted(FEATURE_KINDS.values(), key=lambda row: row.order)
    groups: dict[tuple[bool, int], list[KindRow]] = {}
    for row in rows:
        groups.setdefault((row.per_season, row.order), []).append(row)
    once = [group for (per_season, _), group in groups.items() if not per_season]
    return once, [group for (per_season, _), group in groups.items() if per_season]
