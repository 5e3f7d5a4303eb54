"""How values show themselves in notebooks: one line, or a table of what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

LONGEST = 60
"""Characters of a field in one line; what is longer is counted instead."""


def contents(value: Any) -> Iterable[tuple[str, Any]]:
    """List the fields of a noun, dataclass or named tuple; its ``_shown()`` where it has one."""
    own = getattr(value, "_shown", None)
    if own is not None:
        return list(own().items())
    if is_dataclass(value):
        names = [one.name for one in fields(value)]
    else:
        named: Any = getattr(value, "_fields", None) or getattr(type(value), "model_fields", ())
        names = list(named)
    return [(name, getattr(value, name)) for name in names]


def short(value: Any) -> str:
    """Say a value in a few characters; large ones by their size."""
    shape = getattr(value, "shape", None)
    if shape is not None and shape != ():
        return f"{getattr(value, 'dtype', 'table')} {' × '.join(map(str, shape))}"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = repr(value)
    if len(text) <= LONGEST:
        return text
    if isinstance(value, str):
        return text[: LONGEST - 2] + "…'"
    if isinstance(value, Mapping | Sequence | set | frozenset):
        return f"{type(value).__name__} of {len(value)}"
    return type(value).__name__


def one_line(value: Any) -> str:
    """Say what a value holds in one line: the ``__repr__`` of what is shown here."""
    inside = ", ".join(f"{name}={short(one)}" for name, one in contents(value))
    return f"{type(value).__name__}({inside})"


def as_html(value: Any) -> str:
    """Lay out what a value holds as a table: the ``_repr_html_`` of what is shown here."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(short(one))}</td></tr>"
        for name, one in contents(value)
    )
    return f"<b>{escape(type(value).__name__)}</b><table>{rows}</table>"


class Shown:
    """A value that shows itself so; a dataclass says ``repr=False``."""

    def __repr__(self) -> str:
        return one_line(self)

    def _repr_html_(self) -> str:
        return as_html(self)
