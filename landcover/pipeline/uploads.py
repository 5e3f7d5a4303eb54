"""Uploads whose owner died: their parts fill a bucket that lists no file of theirs.

Whoever publishes bytes holds the claim on their id, and the id is part of the key. So an upload in
parts belongs to who held the claim when it was listed. Where that owner is dead, by the rules of
:mod:`landcover.pipeline.interrupted`, or the claim was given back since, nobody will end it.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from landcover.errors import LandcoverError
from landcover.ledger import claims
from landcover.stores.documents import Document
from landcover.stores.objects import Upload
from landcover.stores.workspace import Workspace

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BegunUpload:
    """An upload that had not ended when it was listed."""

    upload: Upload
    claim: Document | None
    """The newest claim on what it brings, read after it was listed; None where there is none."""


def begun_uploads(workspace: Workspace) -> list[BegunUpload]:
    """List uploads that have not ended, with who claims what they bring; a page of them.

    A store that does not let its uploads be listed is told in the log: a run needs none of it.
    """
    try:
        found = workspace.objects.uploads()
    except LandcoverError as error:
        log.warning("uploads that were broken off cannot be looked for (%s)", error)
        return []
    return [BegunUpload(upload, _claim_on(workspace, upload)) for upload in found]


def abandon_dead(workspace: Workspace, uploads: list[BegunUpload]) -> list[BegunUpload]:
    """End the uploads whose owner gave the claim back or was a process of this machine that died.

    Returns:
        The others: whether their owner lives, only a second look at its counter can tell.
    """
    left = []
    for one in uploads:
        if one.claim is not None and (
            one.claim["owner"] is None or claims.is_dead(one.claim["owner"])
        ):
            _abandon(workspace, one.upload)
        else:
            left.append(one)
    return left


def abandon_still(workspace: Workspace, uploads: list[BegunUpload]) -> None:
    """End the uploads that nobody claims, or whose owner's counter is where it was."""
    for one in uploads:
        now = _claim_on(workspace, one.upload)
        before = one.claim
        if (now is None and before is None) or (
            now is not None
            and before is not None
            and (now["_id"], now["beat"]) == (before["_id"], before["beat"])
        ):
            _abandon(workspace, one.upload)


def _claim_on(workspace: Workspace, upload: Upload) -> Document | None:
    ids = _ID.findall(upload.key)
    return claims.last_claim(workspace.records, ids[-1]) if ids else None


def _abandon(workspace: Workspace, upload: Upload) -> None:
    try:
        workspace.objects.abort(upload)
    except LandcoverError as error:  # another one was quicker, or we may not: a run goes on
        log.warning("%s: the upload that was broken off stays (%s)", upload.key, error)
        return
    log.info("%s: an upload that was broken off is removed", upload.key)
