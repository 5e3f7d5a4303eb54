"""From the words of a label file to the classes of a legend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.labels.features import Column, LabelFeatures, composed, quoted
from landcover.nouns.legend import MEDITERRANEAN, MOST_CLASSES, Legend, dropped_as, label_key
from landcover.nouns.reference_legends import REFERENCE_LEGENDS

Unknown = Literal["error", "drop"]

CANDIDATES = (
    "label", "class", "landcover", "land_cover", "lulc", "lc", "category", "class_name",
    "cglops_name", "cglops_nam", "cglops_consensus", "cglops_code", "cglops_cod", "cover", "type",
    "lulc_name", "lc_name", "lulc_id", "class_id", "lc_code", "code", "name", "folder",
    "folder_1", "folder_2", "folder_3",
)  # fmt: skip
"""Columns that may hold the label, in the order in which they are tried; a shapefile cuts names
to ten letters. ``folder`` and ``folder_1`` … are the folders of a KML, the innermost one and from
outside inwards: people who digitise draw the fields of a class in a folder of its name."""

FOLDERS = frozenset({"folder", "folder_1", "folder_2", "folder_3"})
"""Columns of one meaning, of which that is taken in which most features have a class."""

# What programs write for an empty cell.
_EMPTY = frozenset({"", "nan", "null", "<null>", "none", "na", "n/a"})


OF_MAP = "sampling.mapping"
"""Key of the recipe that the mapping of an existing map stands under."""


@dataclass(frozen=True)
class Translation:
    """What the labels of a file mean."""

    code_by_label: Mapping[str, int]
    """Label as found → class code; 0 where its features are dropped."""
    dropped: Mapping[str, int]
    """Reason → number of features dropped for it."""
    warnings: tuple[str, ...]
    """What a person should know, one sentence each."""


@dataclass(frozen=True)
class Translator:
    """A legend, a mapping and a rule for what is in neither."""

    legend: Legend
    mapping: Mapping[str, str | None]
    """Folded label → class name, or None to drop it; asked before the legend."""
    unknown: Unknown
    is_whole: bool = False
    """True where the mapping has every number of a public map: another number is unknown then,
    whatever it means elsewhere."""
    key: str = "labels.mapping"
    """Key of the recipe that the mapping stands under, for messages."""

    @classmethod
    def of(
        cls,
        legend: Legend,
        mapping: Mapping[str, str | None] | None,
        unknown: Unknown,
        *,
        is_whole: bool = False,
        key: str = "labels.mapping",
    ) -> Translator:
        """Make a translator.

        Raises:
            InputError: The mapping leads to a class that the legend does not have.
        """
        for label, name in (mapping or {}).items():
            if name is not None and legend.code_of(name) is None:
                raise InputError(
                    f"mapping: {label!r} leads to {name!r}, which is not a class of the legend "
                    f"({', '.join(legend.names)})."
                )
        folded = {label_key(label): name for label, name in (mapping or {}).items()}
        return cls(legend, folded, unknown, is_whole, key)

    def code_of(self, label: str) -> int | None:
        """Give the class code of a label, 0 where it is left out, None where it is unknown."""
        key = label_key(label)
        if key in self.mapping:
            name = self.mapping[key]
            return 0 if name is None else self.legend.code_of(name)
        if key in _EMPTY:
            return 0
        is_number = key.isdigit()
        if is_number and self.is_whole:
            return 0 if key == "0" else None
        code = self.legend.code_of(label)
        if code is None and not (is_number and self.legend.has_own_numbers):
            # Copernicus codes and the nine classes are known to any legend that has the class.
            nine = MEDITERRANEAN.code_of(label)
            code = None if nine is None else self.legend.code_of(MEDITERRANEAN.name_of(nine))
        return 0 if code is None and dropped_as(label) is not None else code

    def knows(self, label: str) -> bool:
        """Tell whether a label leads to a class, or the mapping names it."""
        return bool(self.code_of(label)) or label_key(label) in self.mapping

    def translate(
        self, where: str, counts: Mapping[str, int], first: Mapping[str, str] | None = None
    ) -> Translation:
        """Find out what the labels of a file mean.

        Args:
            where: File and column, for messages.
            counts: Label as found → number of features that carry it.
            first: Label as found → the first of them, such as ``row 7``, for messages.

        Raises:
            InputError: A label is unknown and ``unknown`` is ``error``, or no label leads to a
                class at all.
        """
        codes = {label: self.code_of(label) for label in counts}
        strangers = [label for label, code in codes.items() if code is None]
        listed = _listed(strangers, counts, first or {})
        if len(strangers) > MOST_CLASSES:
            listed += f" ({len(codes)} different labels; a map holds {MOST_CLASSES} classes)"
        if strangers and (self.unknown == "error" or not any(codes.values())):
            raise InputError(
                f"{where}: {listed} not in the legend "
                f"({', '.join(self.legend.names)}); {self._advice()}."
                f"{self._legend_hint(strangers)}"
            )
        warnings = (f"{where}: dropped {listed} not in the legend.",) if strangers else ()
        dropped: Counter[str] = Counter()
        for label, code in codes.items():
            if not code:
                dropped[self._reason(label)] += counts[label]
        known = {label: code or 0 for label, code in codes.items()}
        return Translation(known, dict(dropped), warnings)

    def _advice(self) -> str:
        """Say how labels that nobody knows are put right; a raster has no columns."""
        column = "" if self.key == OF_MAP else ", choose another label column"
        return f"give each its class (or null) under {self.key}{column}, or set labels.unknown=drop"

    def _legend_hint(self, strangers: Sequence[str]) -> str:
        """Name the public maps whose codes all of some labels are."""
        fits = [name for name, one in REFERENCE_LEGENDS.items() if set(strangers) <= {*one.classes}]
        if self.is_whole or not fits:
            return ""
        return f" Codes of {' or '.join(fits)} are read with {self.key}={fits[0]}."

    def _reason(self, label: str) -> str:
        key = label_key(label)
        if key in self.mapping:
            return f"mapped to nothing: {label}"
        if key in _EMPTY:
            return "empty label"
        return dropped_as(label) or "not in the legend"


def _listed(
    labels: Sequence[str], counts: Mapping[str, int], first: Mapping[str, str], most: int = 12
) -> str:
    """List labels with their counts and first rows, the most frequent first."""
    ordered = sorted(labels, key=lambda label: (-counts[label], label))
    place = {label: f", first in {where}" for label, where in first.items()}
    shown = ", ".join(
        f"{label!r} ({counts[label]}x{place.get(label, '')})" for label in ordered[:most]
    )
    more = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return f"{len(ordered)} label{'s' if len(ordered) > 1 else ''} {shown}{more}"


def translate_second(
    where: str, features: LabelFeatures, column: str, codes: NDArray[np.int64], rule: Translator
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Find the codes of the second level.

    A feature whose class has no second level has none, whatever its column says; so has one with
    an empty cell.

    Args:
        where: File, for messages.
        features: The features.
        column: Column of the second label, exact or in any letter case.
        codes: Class code of each feature, 0 where it is left out, (feature,).
        rule: Its legend, and what to do with words that the class does not know.

    Returns:
        Second code of each feature, 0 where there is none, and warnings.

    Raises:
        InputError: The column is absent, or a word is unknown and ``unknown`` is ``error``.
    """
    name = choose_column(where, features.attributes, rule, column)
    found = features.attributes[name]
    inner = {code: rule.legend.second_of(code) for code in rule.legend.codes}
    pair, index = np.unique(codes * len(found.words) + found.index, return_inverse=True)
    second = np.zeros(len(pair), dtype=np.int64)
    strangers: Counter[str] = Counter()
    for position, count in enumerate(np.bincount(index).tolist()):
        code, word = divmod(int(pair[position]), len(found.words))
        legend, text = inner.get(code), found.words[word]
        if legend is None or label_key(text) in _EMPTY:
            continue
        known = legend.code_of(text)
        second[position] = known or 0
        if known is None:
            strangers[f"{text!r} ({rule.legend.name_of(code)})"] += count
    if not strangers:
        return second[index], ()
    said = ", ".join(f"{text} {count}x" for text, count in strangers.most_common(12))
    if rule.unknown == "error":
        raise InputError(
            f"{where}: column {name!r}: not in the second level of their class: {said}; add them "
            "to labels.legend, or set labels.unknown=drop."
        )
    return second[index], (f"{where}: second labels passed over as unknown: {said}.",)


def choose_column(
    where: str,
    columns: Mapping[str, Column],
    translator: Translator,
    wanted: str | None,
) -> str:
    """Choose the column that holds the label.

    With ``wanted`` it is that one (exact spelling first, then any letter case). Otherwise the
    candidates of :data:`CANDIDATES` are tried in their order, letter case aside, and the first
    with a value that leads to a class is taken: its other values are then reported as unknown
    rather than passed over.

    Raises:
        InputError: The wanted column is absent, or no candidate holds a known label; the message
            names the columns found.
    """
    found = quoted(columns) or "none"
    if wanted is not None:
        wanted = composed(wanted)
        by_case = {name.casefold(): name for name in reversed(list(columns))}
        name = wanted if wanted in columns else by_case.get(wanted.casefold())
        if name is None:
            raise InputError(f"{where}: no label column {wanted!r}; columns found: {found}.")
        return name
    by_case = {label_key(name): name for name in reversed(list(columns))}
    tried = [by_case[label_key(name)] for name in CANDIDATES if label_key(name) in by_case]
    tried = list(dict.fromkeys(tried))
    for name in tried:
        if any(translator.knows(label) for label in columns[name].words):
            # Regions may lie in the folders of classes, or classes in those of regions.
            levels = [other for other in tried if name in FOLDERS and other in FOLDERS]
            return max(levels, key=lambda n: _n_known(columns[n], translator), default=name)
    if not tried:
        raise InputError(
            f"{where}: no column looks like a label (columns found: {found}); say which one it is."
        )
    examples = "; ".join(f"{name!r} holds {_examples(columns[name])}" for name in tried)
    raise InputError(
        f"{where}: no column holds a label of the legend "
        f"({', '.join(translator.legend.names)}): {examples}; columns found: {found}. "
        "Say which column it is, or add a mapping."
    )


def _n_known(column: Column, translator: Translator) -> int:
    counts = column.counts()
    return sum(counts[label] for label in column.words if translator.knows(label))


def _examples(column: Column, most: int = 6) -> str:
    distinct = [label for label in column.words if label_key(label) not in _EMPTY]
    shown = ", ".join(map(repr, distinct[:most])) or "nothing"
    return shown + (f" and {len(distinct) - most} more" if len(distinct) > most else "")
