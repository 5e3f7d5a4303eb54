"""An experiment: a recipe, baselines, and factors whose levels are tried around them.

A case is a baseline with the keys of a level set. By default one factor moves at a time; the full
factorial combines the levels of all factors. Method: docs/methods/experiments.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator

from landcover.errors import UsageError
from landcover.nouns.base import Noun, explain
from landcover.recipe.documents import load_document
from landcover.recipe.fields import Recipe
from landcover.recipe.reading import read_recipe

LEAST_SEEDS = 5
"""One seed is no measurement; five show whether a difference is larger than their spread."""
Keys = dict[str, Any]
"""Key of the recipe, with dots → value."""


class Experiment(Noun):
    """What an experiment file says."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Name of the experiment: the first part of the names of its runs."""
    recipe: str
    """Recipe of all cases, relative to the file."""
    title: str = ""
    """Headline of the page; the name if empty."""
    set: Keys = Field(default_factory=dict)
    """Keys that are set in every case."""
    seeds: tuple[int, ...] = tuple(range(LEAST_SEEDS))
    """Seeds of the model, each a run of every case; at least five. The first one makes the maps."""
    baselines: dict[str, Keys] = Field(min_length=1, max_length=4)
    """Name → keys; what the cases are compared with."""
    factors: dict[str, dict[str, Keys]] = Field(default_factory=dict)
    """Factor → level → keys."""
    only: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Factor → baselines that it is tried around; all if absent."""

    @field_validator("seeds")
    @classmethod
    def _seeds_are_enough(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < LEAST_SEEDS:
            raise ValueError(f"expected at least {LEAST_SEEDS} different seeds")
        return seeds


class Case(Noun):
    """One case of an experiment."""

    name: str
    """``ours``, ``ours.extra-trees``, or in a factorial several levels joined by ``+``."""
    baseline: str
    """Name of the case that it is compared with; its own where it is a baseline."""
    factors: dict[str, str] = Field(default_factory=dict)
    """Factor → level that is not the baseline's."""
    overrides: tuple[str, ...]
    """``key=value`` pairs of the recipe, without the seed."""

    @property
    def is_baseline(self) -> bool:
        """True where nothing but the baseline is set."""
        return self.name == self.baseline


def read_experiment(path: str | Path) -> tuple[Experiment, Path]:
    """Read an experiment.

    Args:
        path: YAML file.

    Returns:
        What it says, and the path of its recipe.

    Raises:
        UsageError: The file is no experiment, or one of its cases is no valid recipe; the
            sentence names the case and the key.
    """
    file = Path(path)
    try:
        document = load_document(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: the experiment cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise UsageError(f"{file}: not valid YAML ({error}).") from error
    if not isinstance(document, dict):
        raise UsageError(f"{file}: an experiment is a table of keys.")
    try:
        experiment = Experiment.model_validate(document)
    except ValidationError as error:
        raise UsageError(explain(error, str(file))) from error
    unknown = sorted(set(experiment.only) - set(experiment.factors))
    names = {name for listed in experiment.only.values() for name in listed}
    unknown += sorted(names - set(experiment.baselines))
    if unknown:
        raise UsageError(f"{file}: only: {unknown[0]!r} is neither a factor nor a baseline.")
    recipe = file.parent / experiment.recipe
    for case in cases_of(experiment):
        try:
            read_recipe(recipe, case.overrides)
        except UsageError as error:
            raise UsageError(f"{file}: case {case.name}: {error}") from error
    return experiment, recipe


def cases_of(experiment: Experiment, *, is_full: bool = False) -> tuple[Case, ...]:
    """List the cases of an experiment, each baseline before what is compared with it.

    Args:
        experiment: What its file says.
        is_full: Combine the levels of all factors (the full factorial) instead of moving one
            factor at a time.
    """
    found: list[Case] = []
    for name, keys in experiment.baselines.items():
        base = {**experiment.set, **keys}
        levels = {
            factor: by_level
            for factor, by_level in experiment.factors.items()
            if name in experiment.only.get(factor, tuple(experiment.baselines))
        }
        for moved in _combinations(levels, is_full=is_full):
            own = base | {k: v for f, level in moved.items() for k, v in levels[f][level].items()}
            word = "+".join(moved.values())
            found.append(
                Case(
                    name=f"{name}.{word}" if moved else name,
                    baseline=name,
                    factors=moved,
                    overrides=pairs_of(own),
                )
            )
    return tuple(found)


def _combinations(
    levels: Mapping[str, Mapping[str, Keys]], *, is_full: bool
) -> Iterator[dict[str, str]]:
    """Give factor → level of each case, the baseline (nothing moved) first."""
    if not is_full:
        yield {}
        for factor, by_level in levels.items():
            for level in by_level:
                yield {factor: level}
        return
    for chosen in product(*(["", *by_level] for by_level in levels.values())):
        yield {factor: level for factor, level in zip(levels, chosen, strict=True) if level}


def pairs_of(keys: Keys) -> tuple[str, ...]:
    """Write keys as ``key=value`` pairs, a value in one line of YAML."""
    return tuple(f"{key}={_inline(value)}" for key, value in keys.items())


def _inline(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=1_000_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def recipe_of(case: Case, recipe: Path, seed: int) -> Recipe:
    """Give the recipe of a case under a seed."""
    return read_recipe(recipe, (*case.overrides, f"model.seed={seed}"))


def distinct(cases: tuple[Case, ...], recipe: Path) -> dict[str, str]:
    """Find the cases that are another one in other words.

    Returns:
        Case → an earlier case with the very same recipe.
    """
    seen: dict[str, str] = {}
    same = {}
    for case in cases:
        content = read_recipe(recipe, case.overrides).to_json()
        if content in seen:
            same[case.name] = seen[content]
        seen.setdefault(content, case.name)
    return same
