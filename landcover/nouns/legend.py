"""Class code ↔ name ↔ colour, and the words under which other legends know a class.

What a label means is decided here and nowhere else: readers hand over the text or number they
found, the legend answers with a code. Code 0 is nodata and never a class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, Final, Self
from unicodedata import normalize

from pydantic import Field, field_validator, model_validator

from landcover.errors import InputError
from landcover.nouns.base import Noun

# Python refuses to read numbers of more than 4300 digits; no label has a hundred.
_MOST_DIGITS = 100
_NUMBER = re.compile(r"[+-]?\d+(\.0*)?")
_NAME = re.compile(r"^[0-9A-Za-z_-]+$")
_SEPARATORS = re.compile(r"[\s_\-/,:;]+")


def normalise_label(label: object) -> str:
    """Write a label as text, in the form that mappings and messages use.

    Args:
        label: Text or number as a file holds it; None and NaN stand for no label.

    Returns:
        Text without surrounding blanks, in composed Unicode (NFC), so that a letter with an accent
        is one word however it is typed; whole numbers without decimals (40, 40.0, "40.0" and
        "040" are all ``"40"``); ``""`` where there is no label.
    """
    if label is None or (isinstance(label, Real) and label != label):
        return ""
    if isinstance(label, bool):
        return str(label)
    if isinstance(label, Integral):
        return str(int(label))
    if isinstance(label, Real):
        number = float(label)
        return str(int(number)) if number.is_integer() else str(number)
    text = normalize("NFC", str(label).strip())
    if len(text) <= _MOST_DIGITS and _NUMBER.fullmatch(text):
        return str(int(text.partition(".")[0]))
    return text


def label_key(label: object) -> str:
    """Fold a label so that spellings of one word meet.

    Letter case, blanks and the separators ``_ - / , : ;`` do not count in words ("Built-up",
    "built_up" and "builtUp" are one); numbers keep every sign, so that "1-2" is not "12".
    """
    text = normalise_label(label)
    if not any(character.isalpha() for character in text):
        return text
    return _SEPARATORS.sub("", text).casefold()


class LegendEntry(Noun):
    """What a code of a map means."""

    code: int = Field(ge=1, le=255)
    """Code in class maps, 1 … 255; 0 is nodata."""
    name: str = Field(pattern=_NAME.pattern)
    """Name in tables, records and file names: letters A-Z, digits, ``_`` and ``-``."""
    colour: str = Field(pattern=r"^#[0-9A-Fa-f]{6}$")
    """Display colour, ``#RRGGBB``."""
    title: str
    """Name for people."""
    aliases: tuple[str, ...] = ()
    """Other words and codes that mean this class in label files."""

    @field_validator("aliases", mode="before")
    @classmethod
    def _codes_are_words_too(cls, aliases: Any) -> Any:
        # YAML reads 111 as a number; label files may hold either.
        is_list = isinstance(aliases, list | tuple)
        return (
            [str(word) if isinstance(word, int) else word for word in aliases]
            if is_list
            else aliases
        )


class LegendClass(LegendEntry):
    """One class of a legend."""

    second: tuple[LegendEntry, ...] = ()
    """Classes of the second level within this one, such as species of a forest; a model of its
    own tells them apart. Codes of the second level are unique over the whole legend."""


MOST_CLASSES = 255
"""Classes that fit into a map of one byte, 0 being nodata."""


class Legend(Noun):
    """The classes of a map, each with its code, name and colour."""

    classes: tuple[LegendClass, ...] = Field(min_length=1)
    """Classes; codes, names and aliases are unique across them (case and separators do not
    count)."""

    @field_validator("classes", mode="before")
    @classmethod
    def _they_fit_a_byte(cls, classes: Any) -> Any:
        if isinstance(classes, list | tuple) and len(classes) > MOST_CLASSES:
            raise ValueError(
                f"a map holds at most {MOST_CLASSES} classes, found {len(classes)}; merge some"
            )
        return classes

    @model_validator(mode="after")
    def _second_codes_are_unique(self) -> Self:
        owner: dict[int, str] = {}
        for entry in self.classes:
            for inner in entry.second:
                if inner.code in owner:
                    raise ValueError(
                        f"second code {inner.code} belongs to both {owner[inner.code]!r} and "
                        f"{inner.name!r}"
                    )
                owner[inner.code] = inner.name
            if entry.second:
                Legend(classes=tuple(_as_class(inner) for inner in entry.second))
        return self

    @model_validator(mode="after")
    def _words_are_unique(self) -> Self:
        by_code: dict[int, str] = {}
        names: set[str] = set()
        for entry in self.classes:
            if label_key(entry.name) in names:
                raise ValueError(f"the name {entry.name!r} appears twice")
            names.add(label_key(entry.name))
            if by_code.setdefault(entry.code, entry.name) != entry.name:
                raise ValueError(
                    f"code {entry.code} belongs to both {by_code[entry.code]!r} and {entry.name!r}"
                )
        owner: dict[str, str] = {}
        for word, entry in self._words():
            if not word:
                raise ValueError(f"an alias of {entry.name!r} is empty")
            if owner.setdefault(word, entry.name) != entry.name:
                raise ValueError(f"{word!r} means both {owner[word]!r} and {entry.name!r}")
        return self

    def _words(self) -> Iterator[tuple[str, LegendClass]]:
        for entry in self.classes:
            yield label_key(entry.name), entry
            for alias in entry.aliases:
                yield label_key(alias), entry

    @cached_property
    def _code_by_word(self) -> dict[str, int]:
        return {word: entry.code for word, entry in self._words()}

    @property
    def codes(self) -> tuple[int, ...]:
        """Codes in the order of the classes."""
        return tuple(entry.code for entry in self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the classes."""
        return tuple(entry.name for entry in self.classes)

    @cached_property
    def has_own_numbers(self) -> bool:
        """True where every class is known by its code too: other numbers then mean nothing."""
        return all(self._code_by_word.get(str(code)) == code for code in self.codes)

    def code_of(self, label: str | int | float) -> int | None:
        """Find the code that a label means.

        Args:
            label: Class name or alias; case does not count, numbers may be written 40 or 40.0.

        Returns:
            The class code, 1 … 255; None where the legend does not know the label.
        """
        return self._code_by_word.get(label_key(label))

    def class_of(self, code: int) -> LegendClass:
        """Find the class with a code.

        Raises:
            InputError: No class has this code.
        """
        for entry in self.classes:
            if entry.code == code:
                return entry
        raise InputError(f"Legend: no class has code {code}; codes are {list(self.codes)}.")

    def name_of(self, code: int) -> str:
        """Give the name of the class with a code; InputError where there is none."""
        return self.class_of(code).name

    def colour_of(self, code: int) -> str:
        """Give the colour ``#RRGGBB`` of the class with a code; InputError where there is none."""
        return self.class_of(code).colour

    def second_of(self, code: int) -> Legend | None:
        """Give the second level within a class as a legend; None where the class has none.

        Raises:
            InputError: No class has this code.
        """
        inner = self.class_of(code).second
        return Legend(classes=tuple(map(_as_class, inner))) if inner else None

    def merged(self, merge: Mapping[str, str]) -> Legend:
        """Merge classes (docs/methods/labels.md#classes).

        A target that means a class of the legend takes the others in and keeps its code, name and
        colour. Another target becomes a new class with the lowest code among them and its
        colour. Words and second levels of the merged classes come along. Merging twice is
        merging once.

        Args:
            merge: Class, as any word that means it → the class that it becomes a part of.

        Raises:
            ValueError: A class is unknown or merged twice, a target is itself merged away or
                meant already, or is no good name.
        """
        goes_to: dict[int, str] = {}
        for word, target in merge.items():
            code = self.code_of(word)
            if code is None:
                raise ValueError(f"{word!r} is not a class of the legend ({', '.join(self.names)})")
            if goes_to.setdefault(code, target) != target:
                raise ValueError(f"{self.name_of(code)!r} goes to {goes_to[code]!r} and {target!r}")
        parts: dict[str, list[int]] = {}
        for code, target in goes_to.items():
            parts.setdefault(target, []).append(code)
        classes = {entry.code: entry for entry in self.classes}
        for target, codes in parts.items():
            home = self.code_of(target)
            if home is not None and goes_to.get(home, target) != target:
                raise ValueError(f"{target!r} is itself merged into {goes_to[home]!r}")
            # A class that is merged into another word for itself and others gets that name.
            is_renamed = home in codes and len(codes) > 1
            is_named = home is not None and label_key(classes[home].name) == label_key(target)
            if home is None or (is_renamed and not is_named):
                home = min(codes)
                base = _renamed(classes[home], target)
            else:
                base = classes[home]
            taken = [classes[code] for code in codes]
            for code in codes:
                classes.pop(code, None)
            classes[home] = _joined(base, taken)
        return Legend(classes=tuple(classes[code] for code in self.codes if code in classes))


def _renamed(entry: LegendClass, title: str) -> LegendClass:
    words = title.split()
    name = words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:]) if words else ""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{title!r} is not a class name: letters A-Z, digits, _ and - are")
    return entry.model_copy(update={"name": name, "title": title[:1].upper() + title[1:]})


def _joined(base: LegendClass, taken: list[LegendClass]) -> LegendClass:
    """Give a class the words and second levels of others."""
    known = {label_key(word) for word in (base.name, *base.aliases)}
    aliases, second = list(base.aliases), list(base.second)
    for entry in taken:
        for word in (entry.name, *entry.aliases):
            if label_key(word) not in known:
                known.add(label_key(word))
                aliases.append(word)
        second += [inner for inner in entry.second if inner not in second]
    return base.model_copy(update={"aliases": tuple(aliases), "second": tuple(second)})


def _as_class(entry: LegendEntry) -> LegendClass:
    return LegendClass(**entry.model_dump(include=set(LegendEntry.model_fields)))


_FOREST_KINDS = (
    "evergreen needle",
    "evergreen broad",
    "deciduous needle",
    "deciduous broad",
    "mixed",
    "unknown",
)


def _forest(cover: str, hundred: int) -> tuple[str, ...]:
    """Collect the Copernicus codes and names of the six forest types under one cover."""
    codes = tuple(str(hundred + kind) for kind in range(7))
    kinds = (*_FOREST_KINDS, *(f"{kind} leaf" for kind in _FOREST_KINDS[:4]))
    return (*codes, f"{cover} forest", *(f"{cover} forest, {kind}" for kind in kinds))


def _class(code: int, name: str, colour: str, title: str, *aliases: str) -> LegendClass:
    return LegendClass(code=code, name=name, colour=colour, title=title, aliases=aliases)


MEDITERRANEAN: Final = Legend(
    classes=(
        _class(1, "closedForest", "#007800", "Closed forest", *_forest("closed", 110), "forest"),
        _class(2, "openForest", "#648C00", "Open forest", *_forest("open", 120)),
        _class(
            3, "shrubland", "#FFBB22", "Shrubland", "20", "shrubs", "shrub", "scrub", "scrubland"
        ),
        _class(
            4, "herbaceousVegetation", "#FFFF4C", "Herbaceous vegetation", "30",
            "herbaceous", "grass", "grassland", "grasslands",
        ),
        _class(
            5, "herbaceousWetland", "#0096A0", "Herbaceous wetland", "90", "wetland", "wetlands"
        ),
        _class(
            6, "bareSparseVegetation", "#B4B4B4", "Bare or sparse vegetation", "60",
            "bare", "bare land", "bare ground", "bare soil", "barren", "sparse vegetation",
        ),
        _class(
            7, "cropland", "#F096FF", "Cropland", "40",
            "crop", "crops", "croplands", "agriculture", "cultivated land", "farmland",
        ),
        _class(
            8, "builtUp", "#FA0000", "Built-up", "50", "urban / built-up",
            "urban", "built", "settlement", "village", "artificial surface", "artificial surfaces",
        ),
        _class(
            9, "permanentWater", "#0032C8", "Permanent water", "80", "permanent water bodies",
            "water", "water body", "water bodies", "200", "oceans, seas", "ocean", "sea",
        ),
    )
)  # fmt: skip
"""Nine classes of the Mediterranean product: Copernicus GLC 100 m v3.0.1 codes and names as
aliases, the twelve forest types merged into closed and open, sea counted as permanent water.
The generic 110 and "forest", which say nothing of the cover, count as closed forest."""

DROPPED_CODES: Final[Mapping[int, str]] = MappingProxyType(
    {0: "unknown", 70: "snow and ice", 100: "moss and lichen"}
)
"""Copernicus codes that are left out of the nine classes: dropped and counted, not errors."""

_DROPPED_WORDS: Final = {
    label_key(word): DROPPED_CODES[code]
    for code, words in {
        0: ("no data", "nodata", "unlabelled"),
        70: ("snow", "ice", "permanent snow and ice"),
        100: ("moss", "lichen"),
    }.items()
    for word in (str(code), DROPPED_CODES[code], *words)
}


def dropped_as(label: str | int | float) -> str | None:
    """Say under which name a label is left out; None where it has to be known.

    Ask the legend first: a legend of one's own may well have a class of snow.
    """
    return _DROPPED_WORDS.get(label_key(label))
