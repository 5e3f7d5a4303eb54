"""Models as people hold them: fitted here or read, for tables and for maps in xarray."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import xarray
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError
from landcover.learn.classifiers import feature_matrix
from landcover.learn.models import Model
from landcover.learn.predict import predict_blocks
from landcover.nouns.model import FeatureSet, ModelCard
from landcover.nouns.shown import Shown
from landcover.views.axes import YX, Given, Row
from landcover.views.blocks import compute
from landcover.views.dimensions import as_table, chunked, described, with_axes
from landcover.views.maps import CLASSES, CONFIDENCE, class_attributes, confidence_attributes

if TYPE_CHECKING:
    from landcover.stores.workspace import Workspace

IMAGE = ("feature", *YX)
XarrayObject = xarray.DataArray | xarray.Dataset


@dataclass(frozen=True, repr=False)
class OpenedModel(Shown, Model):
    """A model that classifies tables and images; of ``fit_classifier`` or ``load_model``."""

    names: Mapping[int, str] = field(default_factory=dict)
    """Code → name of the class."""
    colours: Mapping[int, str] = field(default_factory=dict)
    """Code → colour, ``#RRGGBB``."""
    features: FeatureSet | None = None
    """Where its features are read from; None where its samples did not tell."""
    card: ModelCard | None = None
    """Everything about it but its arrays; None until it is saved."""
    write: Callable[[OpenedModel, Path], ModelCard] | None = None
    """Writes card and arrays into a folder; of models that were fitted here."""

    def _shown(self) -> dict[str, Any]:
        named = ", ".join(f"{code} {name}" for code, name in self.names.items())
        shown = {"kind": self.kind, "features": len(self.feature_names), "classes": named}
        return shown if self.card is None else {"id": self.card.id, **shown}

    @classmethod
    def of(cls, model: Model, **more: Any) -> Self:
        """Give a model what people want to know of it."""
        return cls(**{one.name: getattr(model, one.name) for one in fields(Model)}, **more)

    @property
    def model(self) -> Model:
        """The arrays alone, without what fitted them."""
        return Model(
            self.kind, self.packed, self.prior, preparation=self.preparation,
            calibrator=self.calibrator,
        )  # fmt: skip

    def predict(self, features: pd.DataFrame | ArrayLike | XarrayObject) -> Any:
        """Classify pixels of an image, or rows of a table.

        Args:
            features: (feature, y, x) as ``api.open_features`` gives them, or a dataset with a
                variable for each; others may be among them. Or a table with the features by name,
                or an array (n, d) in the model's order. Physical units, NaN where nodata.

        Returns:
            Of an image a dataset as ``api.open_map`` gives it, lazy where the features are:
            ``classification`` (uint8, 0 where a feature is nodata) with class names and colours,
            and ``confidence`` (uint8 × 1/254, 255 nodata). Of rows the class codes, uint8, (n,), 0
            where a feature is not finite; and the probability of that class, float64, (n,), NaN
            where the code is 0.

        Raises:
            InputError: A feature is missing.
        """
        image = self._image(features)
        if image is None:
            return super().predict(_plain(features))
        says = (
            class_attributes(self.names, self.colours) | {"name": CLASSES},
            confidence_attributes() | {"name": CONFIDENCE},
        )
        gives = tuple(Given("uint8", says=lambda _, one=one: one) for one in says)  # type: ignore[misc]
        classes, confidence = _computed(partial(_classify, self.model), Row({}, gives), image)
        told = {"model": self.card.id} if self.card else {}
        return xarray.Dataset({CLASSES: classes, CONFIDENCE: confidence}, attrs=told)

    def predict_proba(self, features: pd.DataFrame | ArrayLike | XarrayObject) -> Any:
        """Compute the probability of each class, calibrated as that of a map is.

        Args:
            features: As of :meth:`predict`.

        Returns:
            Of an image float32, (class, y, x), with the codes as ``class`` and their names as
            ``class_name``, lazy where the features are; of rows float64, (n, K). NaN where a
            feature is not finite.

        Raises:
            InputError: A feature is missing.
        """
        image = self._image(features)
        if image is None:
            rows = feature_matrix(_plain(features), self.feature_names)
            return _probabilities(self.model, rows)
        codes = [int(code) for code in self.classes]
        says = {"name": "probability", "long_name": "probability of the class", "units": "1"}
        row = Row({}, (Given("float32", ("class",), lambda _: says),), sizes={"class": len(codes)})
        (found,) = _computed(partial(_probability_image, self.model), row, image)
        named = [self.names.get(code, str(code)) for code in codes]
        return found.assign_coords({"class": codes, "class_name": ("class", named)})

    def save(self, folder: str | Path, features: FeatureSet | XarrayObject | None = None) -> Path:
        """Write card and arrays; the folder is what ``landcover run --model`` takes.

        Args:
            folder: Folder that is made; it must be absent or empty.
            features: Where the features are read from: what ``api.open_features`` gave, or a
                feature set. Not needed where the model was fitted on a table of ``api.sample_at``.

        Returns:
            The folder.

        Raises:
            InputError: The folder holds something, or nothing tells where the features are read.
        """
        path = Path(folder)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path}: holds something already; give a new folder.")
        if self.write is None:
            raise InputError("Model: it has no origin to be written from; fit or load it anew.")
        known = self.features if features is None else feature_set_of(features)
        self.write(OpenedModel(**{**_shallow(self), "features": known}), path)
        return path

    def _image(self, given: Any) -> xarray.DataArray | None:
        """Give an image of the model's features in their order; None of what is a table."""
        if not isinstance(given, xarray.DataArray | xarray.Dataset) or len(given.dims) < 2:
            return None
        names = list(self.feature_names)
        if isinstance(given, xarray.Dataset):
            _require(names, [str(name) for name in given])
            return xarray.Dataset({name: chunked(given[name]) for name in names}).to_array(
                "feature"
            )
        if given.ndim == 2:
            return None
        if "feature" not in given.coords:
            raise InputError(
                "Features: expected an array with the names of its features in the coordinate "
                f"'feature', found the dimensions {', '.join(map(str, given.dims))}."
            )
        known = [str(name) for name in given["feature"].values]
        _require(names, known)
        return chunked(given if known == names else given.sel(feature=names))


def feature_set_of(given: FeatureSet | XarrayObject) -> FeatureSet:
    """Find the feature set that an array of features tells of.

    Raises:
        InputError: It tells of none.
    """
    if isinstance(given, FeatureSet):
        return given
    told = given.attrs.get("feature_set")
    if told is None:
        raise InputError("Features: their attributes have no feature_set; api.open_features has.")
    return FeatureSet.from_json(str(told))


def load_model(model: str | Path, workspace: Callable[[], Workspace]) -> OpenedModel:
    """Read a model (see :func:`landcover.api.load_model`)."""
    from landcover.parts.training.model_lookup import load_model as loaded
    from landcover.views.saving import write_again

    found = loaded(workspace, model)
    card = found.card
    return OpenedModel.of(
        found.model,
        names=dict(zip(card.codes, card.names, strict=True)),
        colours=dict(zip(card.codes, card.colours, strict=True)),
        features=card.features,
        card=card,
        write=write_again,
    )


def _shallow(model: OpenedModel) -> dict[str, Any]:
    return {one.name: getattr(model, one.name) for one in fields(OpenedModel)}


def _plain(features: Any) -> Any:
    is_xarray = isinstance(features, xarray.DataArray | xarray.Dataset)
    return as_table(features) if is_xarray else features


def _require(names: list[str], known: list[str]) -> None:
    missing = [name for name in names if name not in known]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(
            f"Features: {', '.join(missing[:3])}{more} of the model's {len(names)} missing; open "
            "them with the model's feature set."
        )


def _computed(
    function: Callable[..., Any], row: Row, image: xarray.DataArray
) -> list[xarray.DataArray]:
    axes = Row({"features": IMAGE}, row.gives, sizes=row.sizes)
    array, was = with_axes(image, IMAGE, "features")
    found = compute(function, axes, {}, {"features": array})
    return [
        described(one, array, given, {}).rename({k: v for k, v in was.items() if k in one.dims})
        for one, given in zip(found, axes.gives, strict=True)
    ]


def _rows(features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Give the pixels of (feature, y, x) as rows; no copy where they are float32 and whole."""
    return features.reshape(features.shape[0], -1).T.astype(np.float32, copy=False)


def _classify(model: Model, features: NDArray[np.float32]) -> tuple[Any, Any]:
    codes, confidence, _ = predict_blocks(model, _rows(features))
    shape = features.shape[1:]
    return codes.reshape(shape), confidence.reshape(shape)


def _probability_image(model: Model, features: NDArray[np.float32]) -> Any:
    found = _probabilities(model, _rows(features)).astype(np.float32)
    return found.T.reshape(-1, *features.shape[1:])


def _probabilities(model: Model, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    found = np.full((len(rows), model.classes.size), np.nan)
    is_whole = np.isfinite(rows).all(axis=1)
    if is_whole.any():
        answers = model.answers(np.ascontiguousarray(rows[is_whole]))
        found[is_whole] = model.decided(answers).probabilities
    return found
