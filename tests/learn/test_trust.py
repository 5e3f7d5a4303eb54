"""What a model's folder holds beside its arrays comes back, and a changed file is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.learn.applicability import fit_applicability, is_outside
from landcover.learn.conformal import conformal_scores
from landcover.learn.trust import Trust, load_trust, save_trust

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(0).normal(0, 1, (60, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def trust(features):
    scores = conformal_scores(np.eye(2)[[0, 1, 1]], [1, 2], [1, 2, 7], [1, 2, 3])
    return Trust(NAMES, fit_applicability(features, np.arange(60) // 3), scores)


def test_it_comes_back(trust, features):
    again = load_trust(io.BytesIO(save_trust(trust)))
    assert again.feature_names == NAMES
    assert np.array_equal(again.scores.score, [0, 0, np.inf])
    assert again.scores.threshold(0.5) == trust.scores.threshold(0.5) == 0
    pixels = 3 * features
    expected = is_outside(trust.applicability, pixels)
    assert np.array_equal(is_outside(again.applicability, pixels), expected)
    assert again.applicability.index_threshold == trust.applicability.index_threshold
    assert save_trust(again) == save_trust(trust)


def test_either_part_may_be_unknown(trust):
    for one in (Trust(NAMES, None, trust.scores), Trust(NAMES, trust.applicability, None)):
        again = load_trust(io.BytesIO(save_trust(one)))
        assert (again.applicability is None) == (one.applicability is None)
        assert (again.scores is None) == (one.scores is None)


CHANGES = {
    "features": (lambda a: a.update(order=a["order"] + 1), "do not fit its features"),
    "width": (lambda a: a.update(references=a["references"][:, :2]), "do not fit its features"),
    "none": (lambda a: a.update(references=a["references"][:0]), "do not fit its features"),
    "nan": (lambda a: a["references"].__setitem__((0, 0), np.nan), "finite references"),
    "threshold": (lambda a: a.update(threshold=np.float32(np.nan)), "finite references"),
    "scores": (lambda a: a.update(score=a["score"][::-1]), "scores do not ascend"),
    "lengths": (lambda a: a.update(share=a["share"][:2]), "scores do not ascend"),
    "type": (lambda a: a.update(score=a["score"].astype(np.float32)), "another type"),
    "format": (lambda a: a.update(format=np.int64(2)), "expected format 1, found 2"),
    "lost": (lambda a: a.pop("factor"), "expected arrays of a model"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_file_is_refused(trust, change):
    tamper, sentence = CHANGES[change]
    with np.load(io.BytesIO(save_trust(trust))) as stored:
        arrays = {name: stored[name].copy() for name in stored.files}
    tamper(arrays)
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with pytest.raises(InputError, match=sentence):
        load_trust(file)


@pytest.mark.parametrize("content", [b"", b"not a file of ours"])
def test_no_such_file(content):
    with pytest.raises(InputError, match="Trust file: "):
        load_trust(io.BytesIO(content))


def test_a_cut_file(trust):
    with pytest.raises(InputError, match="Trust file: "):
        load_trust(io.BytesIO(save_trust(trust)[:-200]))
