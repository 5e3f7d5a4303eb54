"""Feature sets are named by their content; a model card that contradicts itself is refused."""

from __future__ import annotations

import pytest

from landcover.errors import InputError
from landcover.nouns.accuracy import AccuracyReport, ClassAccuracy
from landcover.nouns.classifiers import ForestParameters
from landcover.nouns.model import Feature, FeatureSet, ModelCard, feature_set

NDVI = Feature(name="spring_NDVI", period="spring", layer="NDVI", kind="index")
BLUE = Feature(name="spring_B02", period="spring", layer="B02", kind="band")
SLOPE = Feature(name="slope", period=None, layer="slope", kind="terrain")

REPORT = AccuracyReport(
    title="held-out groups",
    design="held-out groups of the training labels: not a probability sample, no interval",
    codes=(1,),
    matrix=((3,),),
    classes=(
        ClassAccuracy(code=1, name="forest", users=1, producers=1, f1=1, n_map=3, n_reference=3),
    ),
    overall=1,
    macro_f1=1,
    majority_baseline=1,
    quantity_disagreement=0,
    allocation_disagreement=0,
    n=3,
)


def card(**changes):
    fields = {
        "id": "0123456789abcdef",
        "kind": "random-forest",
        "features": feature_set([BLUE, NDVI, SLOPE]),
        "codes": (1, 9),
        "names": ("closedForest", "permanentWater"),
        "colours": ("#007800", "#0032C8"),
        "parameters": ForestParameters().to_document(),
        "seed": 0,
        "sample_set_id": "fedcba9876543210",
        "n_train_rows": 90,
        "n_train_groups": 10,
        "class_counts": {1: 45, 9: 45},
        "arrays_sha256": "0" * 64,
        "versions": {"scikit-learn": "1.9.1"},
        "held_out": REPORT,
    }
    return ModelCard.from_document(fields | changes)


def test_feature_set_id_is_the_hash_of_its_canonical_json():
    # printf '[{"kind":"terrain","layer":"slope","name":"slope","period":null}]' | sha256sum
    assert feature_set([SLOPE]).id == "0f26bef0ec031376"


def test_order_and_content_decide_the_id():
    one = feature_set([BLUE, NDVI])
    summer = BLUE.model_copy(update={"period": "summer"})
    assert one == feature_set(iter([BLUE, NDVI]))
    assert one.names == ("spring_B02", "spring_NDVI")
    assert len({one.id, feature_set([NDVI, BLUE]).id, feature_set([summer, NDVI]).id}) == 3


def test_changed_or_doubled_features_are_refused():
    document = feature_set([BLUE, NDVI]).to_document()
    document["features"][0]["layer"] = "B03"
    with pytest.raises(InputError, match="the hash of the features"):
        FeatureSet.from_document(document)
    document = feature_set([BLUE]).to_document()
    with pytest.raises(InputError, match="spring_B02 occurs twice"):
        FeatureSet.from_document(document | {"features": document["features"] * 2})


def test_card_survives_json_and_documents():
    original = card()
    assert ModelCard.from_json(original.to_json()) == original
    assert ModelCard.from_document(original.to_document()) == original
    assert original.class_counts == {1: 45, 9: 45}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"codes": (9, 1)}, "codes must ascend"),
        ({"codes": (0, 9)}, "codes.0"),
        ({"codes": (9,)}, "codes"),
        ({"names": ("closedForest",)}, "names and colours must match the 2 codes"),
        ({"class_counts": {1: 45}}, "class_counts must count the codes"),
        ({"arrays_sha256": "abc"}, "arrays_sha256"),
        ({"id": "../../etc/passwd"}, "id"),
        ({"kind": "oracle"}, "kind"),
        ({"schema_version": 2}, "schema_version"),
        ({"extra": 1}, "extra"),
    ],
)
def test_card_that_contradicts_itself_is_refused(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        card(**changes)


def inner(**changes):
    fields = {
        "code": 1,
        "codes": (11, 12),
        "names": ("needle", "broad"),
        "colours": ("#004000", "#40A040"),
        "class_counts": {11: 20, 12: 25},
        "class_groups": {11: 2, 12: 3},
        "arrays_sha256": "0" * 64,
    }
    return fields | changes


def test_a_card_with_a_second_level_survives_json():
    original = card(second=(inner(),))
    assert ModelCard.from_json(original.to_json()) == original
    assert original.second[0].arrays == "arrays_1.npz"


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        ((inner(code=2),), "one of the codes"),
        ((inner(code=9), inner(code=1)), "one of the codes"),
        ((inner(), inner(code=9)), "second level must be unique"),
        ((inner(codes=(12, 11)),), "codes must ascend"),
        ((inner(codes=(11,)),), "codes"),
        ((inner(names=("needle",)),), "names and colours must match the 2 codes"),
        ((inner(class_groups={11: 2}),), "class_groups must count"),
        ((inner(prior=(1.0,)),), "prior must have a factor"),
    ],
)
def test_a_second_level_that_contradicts_itself_is_refused(second, sentence):
    with pytest.raises(InputError, match=sentence):
        card(second=second)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_trees": 0},
        {"max_features": "half"},
        {"max_features": 0},
        {"min_samples_leaf": 0},
        {"max_depth": 0},
        {"class_weight": "mine"},
        {"bootstrap": True},
    ],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        ForestParameters.from_document(wrong)


def test_default_parameters_are_the_papers():
    assert ForestParameters().to_document() == {
        "n_trees": 100,
        "max_features": "sqrt",
        "min_samples_leaf": 1,
        "max_depth": None,
        "class_weight": None,
    }
