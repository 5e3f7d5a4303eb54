"""Attributes in an HTML table: how GIS programs write them into the description of a placemark."""

from __future__ import annotations

from html.parser import HTMLParser

_MOST_CHARACTERS = 1 << 20


def table_pairs(text: str) -> list[tuple[str, str]]:
    """List the rows of exactly two cells, key and value, of the tables in a text.

    Markup that is no HTML, and a text of more than a million characters, have none.
    """
    if "<t" not in text.lower() or len(text) > _MOST_CHARACTERS:
        return []
    reader = _TableReader()
    try:
        reader.feed(text)
    except AssertionError:  # how Python's parser says that a declaration is malformed
        return []
    return reader.pairs


class _TableReader(HTMLParser):
    """Collects the rows of exactly two cells of an HTML table, nested tables included."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[tuple[str, str]] = []
        self._open_rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, a row or a cell; end tags of rows and cells may be left out."""
        if tag == "table":
            self._open_rows.append([])
        elif tag == "tr" and self._open_rows:
            self._close_row()
        elif tag in ("td", "th") and self._open_rows:
            self._open_rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Close a row or a table."""
        if tag == "tr" and self._open_rows:
            self._close_row()
        elif tag == "table" and self._open_rows:
            self._close_row()
            self._open_rows.pop()

    def handle_data(self, data: str) -> None:
        """Add text to the innermost open cell."""
        if self._open_rows and self._open_rows[-1]:
            self._open_rows[-1][-1] += data

    def _close_row(self) -> None:
        cells = [" ".join(cell.split()) for cell in self._open_rows[-1]]
        if len(cells) == 2 and cells[0]:
            self.pairs.append((cells[0], cells[1]))
        self._open_rows[-1] = []
