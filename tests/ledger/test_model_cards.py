"""The card of a registered model is the one that was registered."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from landcover.errors import InputError
from landcover.ledger import models
from landcover.ledger.outputs import sha256_of
from landcover.stores.models import CARD
from landcover.stores.workspace import open_workspace

ID = "0123456789abcdef"


@pytest.mark.parametrize("changes", [str, lambda _: "0" * 64, lambda _: "f" * 64])
def test_another_card_is_refused_whichever_checksum_is_larger(tmp_path, monkeypatch, changes):
    workspace = open_workspace(f"file://{tmp_path}/objects", f"sqlite://{tmp_path}/records.sqlite")
    with workspace.objects.publishing(f"models/{ID}") as path:
        path.mkdir()
        (path / CARD).write_text("{}")
        checksum = sha256_of(path / CARD)
    monkeypatch.setattr(models, "read_card", lambda _: SimpleNamespace(id=ID))
    entry = SimpleNamespace(id=ID, key=f"models/{ID}", card_sha256=changes(checksum))
    if entry.card_sha256 == checksum:
        assert models.card_of(workspace, entry).id == ID
        return
    with pytest.raises(InputError, match="is not the registered"):
        models.card_of(workspace, entry)
