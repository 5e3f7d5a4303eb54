"""The deployment profile: what a scheduled run works on, because nobody fills in its form.

One YAML file, mounted beside the settings. Its address is ``LANDCOVER_PROFILE``, else the key
``profile`` in the section ``landcover`` of Airflow's configuration, else ``profile.yaml`` in the
workspace. A wrong profile is no error of import: the DAG's page and its first task say what is
wrong.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from landcover.errors import LandcoverError, UsageError
from landcover.nouns.base import Noun, explain
from landcover.nouns.calendar import PAPER, Calendar, calendar_of
from landcover.settings import Settings, read_settings
from landcover_airflow.recipes import plain_recipe, recipe_path

VARIABLE = "LANDCOVER_PROFILE"
SECTION, KEY = "landcover", "profile"
FILE = "profile.yaml"


class Stores(Noun):
    """Where this deployment keeps what it makes; the settings say the same."""

    objects: str | None = None
    """Address of the object store, ``s3://…`` or ``file:///…``."""
    records: str | None = None
    """Address of the record store, without a password."""


class Profile(Noun):
    """What a scheduled run works on."""

    region: str | tuple[str, ...]
    """Tile ids, GeoJSON or WKT, or the address of a file of polygons."""
    sources: str | tuple[str, ...]
    """Folder of products or addresses of sources, the first that has a product first."""
    recipe: str = "recipes/mediterranean-rf.yaml"
    """Recipe: what is computed."""
    overrides: tuple[str, ...] = ()
    """``key=value`` pairs that win over the recipe."""
    dem: str | None = None
    """DEM, as a run takes it."""
    labels: str | tuple[str, ...] | None = None
    """Ground truth that models are trained with, the most trusted first."""
    test_labels: str | None = None
    """Reference points that judge the maps and never train."""
    model: str | None = None
    """Model that maps are made with, once it is approved; the one approved last if absent."""
    minimum_seasons: int | None = Field(default=None, ge=1)
    """Seasons of a year that suffice for its map; all of the recipe if absent."""
    latency_days: int = Field(default=5, ge=0, le=366)
    """Days after a season's end until its first run: providers publish late."""
    look_days: int = Field(default=10, ge=1, le=366)
    """Days between two looks for late products."""
    late_days: int = Field(default=40, ge=0, le=366)
    """Days after a season's end during which it is looked at again."""
    first_year: int = Field(default=2015, ge=2015, le=2100)
    """First year of the schedule and of backfills."""
    memory_gb: float | None = Field(default=None, gt=0)
    """Memory of one job, GB; that of the settings if absent."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of one job; those of the settings if absent."""
    stores: Stores = Stores()
    """Stores that the settings of every process must name."""

    @field_validator("region", "sources")
    @classmethod
    def _is_given(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not value or not all(str(part).strip() for part in value):
            raise ValueError("expected a value")
        return value

    @model_validator(mode="after")
    def _looks_fit(self) -> Profile:
        if self.late_days and self.late_days < self.latency_days:
            raise ValueError("late_days ends before latency_days begins")
        return self

    def arguments(self) -> dict[str, Any]:
        """Give what every run of this deployment is asked with."""
        return {
            "region": self.region,
            "products": _listed(self.sources),
            "overrides": list(self.overrides),
            "dem": self.dem,
        }

    def require_stores(self, settings: Settings) -> None:
        """Refuse to write elsewhere than the profile says.

        Raises:
            UsageError: The settings of this process name another store.
        """
        for name in ("objects", "records"):
            said, found = getattr(self.stores, name), getattr(settings, name)
            if said is not None and _without_secret(found) != said.rstrip("/"):
                raise UsageError(
                    f"Profile: stores.{name} is {said}, but this process writes to "
                    f"{_without_secret(found)}; set LANDCOVER_{name.upper()}, or mend the profile."
                )


def profile_path() -> Path:
    """Give the address of the profile."""
    named = os.environ.get(VARIABLE)
    if not named:
        from airflow.configuration import conf

        named = conf.get(SECTION, KEY, fallback=None)
    return Path(named) if named else read_settings().workspace / FILE


def read_profile(path: Path | None = None) -> Profile:
    """Read the profile.

    Args:
        path: YAML file; that of the deployment if None.

    Raises:
        UsageError: There is none, or it is wrong; one sentence with the file and the key.
    """
    file = path or profile_path()
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{file}: the profile cannot be read ({error.strerror}); write one, or name it by "
            f"{VARIABLE} (docs/operations.md#profile)."
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise UsageError(f"{file}: the profile is not valid YAML ({said}).") from error
    if not isinstance(found, dict):
        raise UsageError(f"{file}: a profile is a table of keys, such as region and sources.")
    names = set(Profile.model_fields)
    for key in found:
        if key not in names:
            raise UsageError(f"{file}: unknown key {key!r}.{_hint(str(key), names)}")
    for key in ("region", "sources"):
        if not found.get(key):
            raise UsageError(f"{file}: the profile has no {key}; a scheduled run has no form.")
    try:
        return Profile.model_validate(found)
    except ValidationError as error:
        raise UsageError(f"{file}: {explain(error, 'profile')}") from error


def calendar_of_profile(profile: Profile) -> Calendar:
    """Read the seasons of the profile's recipe, as it is now.

    Raises:
        UsageError: There is no such recipe.
        InputError: The recipe names no seasons.
    """
    path = recipe_path(profile.recipe)
    try:
        found = plain_recipe(path)
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise UsageError(f"{path}: the profile's recipe cannot be read.") from error
    return calendar_of(_overridden(found if isinstance(found, dict) else {}, profile.overrides))


def at_parse() -> tuple[Profile | None, Calendar, str]:
    """Read the profile where DAGs are read: what is wrong is a sentence, never an error.

    Returns:
        The profile, None where it is wrong; the calendar of its recipe, that of the paper where
        it is not known; and what is wrong, empty where nothing is.
    """
    try:
        profile = read_profile()
        return profile, calendar_of_profile(profile), ""
    except LandcoverError as error:
        return None, PAPER, str(error)


def _overridden(recipe: dict[str, Any], pairs: tuple[str, ...]) -> dict[str, Any]:
    """Set what decides the seasons; whether the pairs are right, the run says."""
    copy = {**recipe, "mask": dict(recipe.get("mask") or {})}
    for pair in pairs:
        key, _, text = pair.partition("=")
        if key in ("seasons", "restore"):
            copy[key] = yaml.safe_load(text)
        elif key == "mask.variant":
            copy["mask"]["variant"] = text
    return copy


def _hint(key: str, names: set[str]) -> str:
    near = get_close_matches(key, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(sorted(names))}."


def _listed(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _without_secret(address: str) -> str:
    scheme, sign, rest = address.partition("://")
    host, at, path = rest.rpartition("@")
    return f"{scheme}{sign}{path if at and host else rest}".rstrip("/")
