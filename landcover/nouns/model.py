"""What a model reads, how it was made, and which arrays belong to it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from landcover.nouns.accuracy import AccuracyReport
from landcover.nouns.base import Noun
from landcover.nouns.classifiers import ModelKind
from landcover.nouns.feature_kind import FeatureKind
from landcover.nouns.out_of_fold import OutOfFoldReport
from landcover.nouns.search import SearchReport
from landcover.nouns.trust import TrustReport

ClassCode = Annotated[int, Field(ge=1, le=255)]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
CURVES = "curves_of_classes"
"""Parameter of a training whose card has calibration curves of each class."""


class Feature(Noun):
    """One input of the classifier."""

    name: str = Field(min_length=1)
    """Column name in tables, ``spring_ndvi``; no year in it."""
    period: str | None
    """Label of the period that the layer is read from, ``spring``; None for terrain, and
    where each tile decides (``seasons`` among the parameters)."""
    layer: str
    """Layer that the feature is read from or computed as: ``B02``, ``WVP``, ``ndvi``, ``slope``."""
    kind: FeatureKind
    """Where the layer comes from."""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    """What its kind must know beyond that. Absent from documents and ids where empty, as for the
    kinds whose layers tell all of it (docs/decisions/0022)."""

    @property
    def periods(self) -> tuple[str, ...]:
        """Labels of the periods that it may be read from; several where a tile decides."""
        seasons = self.parameters.get("seasons")
        if isinstance(seasons, list):
            return tuple(map(str, seasons))
        return () if self.period is None else (self.period,)

    @model_serializer(mode="wrap")
    def _without_empty_parameters(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = handler(self)
        if not self.parameters:
            document.pop("parameters", None)
        return document


class FeatureSet(Noun):
    """The ordered features of a model; made by :func:`feature_set`."""

    id: Id
    """First 16 hex digits of SHA-256 over the canonical JSON of ``features``."""
    features: tuple[Feature, ...]
    """Features in the order of the columns."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the columns."""
        return tuple(feature.name for feature in self.features)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise ValueError(f"feature names must differ, {', '.join(twice)} occurs twice")
        if self.id != _id_of(self.features):
            raise ValueError(f"the id must be {_id_of(self.features)}, the hash of the features")
        return self


def feature_set(features: Iterable[Feature]) -> FeatureSet:
    """Name an ordered list of features by its content.

    Args:
        features: Features in the order of the columns, each name once.

    Returns:
        The set. Another order, name, period, layer or kind gives another id.
    """
    listed = tuple(features)
    return FeatureSet(id=_id_of(listed), features=listed)


def _id_of(features: tuple[Feature, ...]) -> str:
    documents = [feature.to_document() for feature in features]
    canonical = json.dumps(documents, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class Provenance(Noun):
    """Where a part of the training rows comes from."""

    library: str
    """File that the rows were joined from; empty for those of the run itself."""
    sample_set: str
    """Sample set or library that they were exported from; empty where unknown."""
    year: int | None
    """Year of their products; None where unknown."""
    simulated: bool
    """True where their products were simulated."""
    n_rows: int
    """Training rows."""
    n_groups: int
    """Groups that those rows come from."""


class SecondModel(Noun):
    """A model that tells the classes of the second level within one class apart."""

    code: ClassCode
    """Class of the first level that it is asked in."""
    codes: tuple[ClassCode, ...] = Field(min_length=2)
    """Codes of the second level that it can answer, ascending."""
    names: tuple[str, ...]
    """Name of each code."""
    colours: tuple[str, ...]
    """Colour of each code, ``#RRGGBB``."""
    prior: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """Factor on the probability of each code; empty where there is none."""
    class_counts: dict[int, int]
    """Training rows of each code."""
    class_groups: dict[int, int]
    """Groups (points, polygons) that those rows come from."""
    arrays_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the bytes of its arrays."""
    held_out: AccuracyReport | None = None
    """Accuracy on groups that were kept out of the fit, among samples whose first level is this
    class; None where none were."""
    both_right: float | None = None
    """Share of those samples to which both levels give the right answer, 0-1."""

    @property
    def arrays(self) -> str:
        """Name of the file of its arrays in the model's folder."""
        return f"arrays_{self.code}.npz"

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if list(self.codes) != sorted(set(self.codes)):
            raise ValueError(f"codes must ascend, found {self.codes}")
        if not len(self.codes) == len(self.names) == len(self.colours):
            raise ValueError(f"names and colours must match the {len(self.codes)} codes")
        if not set(self.class_counts) == set(self.class_groups) == set(self.codes):
            raise ValueError(f"class_counts and class_groups must count the codes {self.codes}")
        if self.prior and len(self.prior) != len(self.codes):
            raise ValueError(f"prior must have a factor for each of the {len(self.codes)} codes")
        return self


class ModelCard(Noun):
    """Everything about a model but its arrays; checked before the arrays are used."""

    schema_version: Literal[1] = 1
    """Version of this card's layout."""
    id: Id
    """Id of the model."""
    kind: ModelKind
    """Which classifier the arrays belong to."""
    features: FeatureSet
    """What the classifier reads, in order."""
    codes: tuple[ClassCode, ...] = Field(min_length=2)
    """Codes that the model can answer, ascending; 0 is nodata and never among them."""
    names: tuple[str, ...]
    """Name of each code."""
    colours: tuple[str, ...]
    """Colour of each code, ``#RRGGBB``."""
    parameters: dict[str, JsonValue]
    """Resolved parameters of the fit: those of the kind's row in
    :mod:`landcover.nouns.classifiers`, as a document."""
    prior: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """Factor on the probability of each code; empty where there is none."""
    seed: int
    """Seed of the fit."""
    sample_set_id: str
    """Id of the sample set that the model was fitted on."""
    n_train_rows: int
    """Rows that the model was fitted on."""
    n_train_groups: int
    """Groups (points, polygons) that those rows come from."""
    class_counts: dict[int, int]
    """Training rows of each code."""
    arrays_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the bytes of ``arrays.npz``."""
    versions: dict[str, str]
    """Versions of the libraries that fitted the model."""
    search: SearchReport | None = None
    """How the parameters were chosen; None where they are the recipe's."""
    held_out: AccuracyReport | None = None
    """Accuracy on the groups of the split that do not train, answered by models that did not see
    them; None where there are none."""
    fit: Literal["all", "split"] = "split"
    """What the arrays were fitted on: all samples, or those of the split that train, as models of
    before this was a choice."""
    out_of_fold: OutOfFoldReport | None = None
    """What models of the same kind answer to groups that they did not see; None where unknown."""
    trust: TrustReport | None = None
    """Where its maps are to be trusted, measured on the same groups; None where unknown."""
    index_variant: str | None = None
    """Variant of the spectral indices, ``paper`` or ``literature``; None where unknown."""
    provenance: tuple[Provenance, ...] = ()
    """Where the training rows come from; empty where all are the run's own."""
    missing_layers: tuple[str, ...] = ()
    """Layers of the recipe that no product offered, so that no feature reads them."""
    second: tuple[SecondModel, ...] = ()
    """Models of the second level, by the class that they are asked in; none in most models, and
    then absent from the file."""
    notes: tuple[str, ...] = ()
    """What a user of the model must know, one sentence each."""

    def to_text(self) -> str:
        """Write the card as its file holds it: without a second level where there is none."""
        return self.model_dump_json(indent=1, exclude=None if self.second else {"second"})

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if list(self.codes) != sorted(set(self.codes)):
            raise ValueError(f"codes must ascend, found {self.codes}")
        if not len(self.codes) == len(self.names) == len(self.colours):
            raise ValueError(f"names and colours must match the {len(self.codes)} codes")
        if set(self.class_counts) != set(self.codes):
            raise ValueError(f"class_counts must count the codes {self.codes}")
        if self.prior and len(self.prior) != len(self.codes):
            raise ValueError(f"prior must have a factor for each of the {len(self.codes)} codes")
        inner = [model.code for model in self.second]
        if inner != sorted(set(inner)) or not set(inner) <= set(self.codes):
            raise ValueError(f"second models must each be of one of the codes, found {inner}")
        answers = [code for model in self.second for code in model.codes]
        if len(answers) != len(set(answers)):
            raise ValueError(f"codes of the second level must be unique, found {answers}")
        return self
