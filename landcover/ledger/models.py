"""The registry of trained models: candidate → approved → retired, decided by people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from landcover.errors import InputError
from landcover.ledger import lookup
from landcover.ledger.outputs import sha256_of
from landcover.nouns.base import Noun
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output
from landcover.stores.models import CARD, read_card
from landcover.stores.records import RecordStore
from landcover.stores.workspace import Workspace

COLLECTION = lookup.MODELS
Status = Literal["candidate", "approved", "retired"]
_COMES_FROM: dict[Status, tuple[Status, ...]] = {
    "candidate": (),
    "approved": ("candidate",),
    "retired": ("candidate", "approved"),
}


class Decision(Noun):
    """What somebody decided about a model."""

    status: Status
    """What it became."""
    reason: str
    """Why, as that person wrote it."""
    when: str
    """Moment, UTC, RFC 3339."""


class ModelEntry(Noun):
    """A model as the registry keeps it."""

    id: str
    """Id of the model."""
    key: str
    """Where its files are."""
    status: Status
    """What it may be used for: a retired one makes no map."""
    created: str
    """When it was first registered, UTC, RFC 3339."""
    kind: str
    """Kind of classifier."""
    n_features: int
    """Features that it reads."""
    n_train_rows: int
    """Rows that it was fitted on."""
    card_sha256: str | None = None
    """Checksum of its card; None for models of before it was kept."""
    history: tuple[Decision, ...] = ()
    """Decisions, the oldest first."""

    @property
    def reason(self) -> str:
        """Why it has its status; empty for a candidate."""
        return self.history[-1].reason if self.history else ""


def register(records: RecordStore, model: Output) -> None:
    """Write a trained model into the registry; one that is known keeps its status.

    A model that had to be made again and has other bytes than those that were approved is a
    candidate again: nobody has looked at this one.
    """
    checksums = {file.name: file.sha256 for file in model.files}
    arrays = {name: sha256 for name, sha256 in checksums.items() if name.endswith(".npz")}
    known = records.get(COLLECTION, model.id) or {"status": "candidate"}
    if known["status"] == "approved" and known.get("arrays_sha256", arrays) != arrays:
        known = {**known, "status": "candidate", "history": [*known["history"], _remade()]}
    found = {**known, **model.stats, "_id": model.id, "key": model.key}
    records.replace_one(
        COLLECTION, {**found, "card_sha256": checksums.get(CARD), "arrays_sha256": arrays}
    )


def _remade() -> dict[str, Any]:
    why = "made again with other bytes than those that were approved"
    return Decision(status="candidate", reason=why, when=_now()).to_document()


def _now() -> str:
    # The one that was approved last is looked for; two may be approved within a second.
    return datetime.now(UTC).isoformat(timespec="microseconds")


def entries(records: RecordStore, status: Status | None = None) -> list[ModelEntry]:
    """List the models, the newest first."""
    where = {} if status is None else {"status": status}
    return [_entry(found) for found in records.find(COLLECTION, where, sort=["-created"])]


def last_approved(records: RecordStore) -> ModelEntry | None:
    """Find the approved model whose approval is the latest, whenever it was trained."""
    found = entries(records, "approved")
    return max(found, key=lambda entry: entry.history[-1].when, default=None)


def find_entry(workspace: Workspace, text: str) -> ModelEntry:
    """Find a model as people name it (:func:`landcover.ledger.lookup.find_model`).

    Raises:
        InputError: No model, or several, may be meant.
    """
    return read_entry(workspace.records, lookup.find_model(workspace, text))


def read_entry(records: RecordStore, model_id: str) -> ModelEntry:
    """Read the entry of a model by its whole id.

    Raises:
        InputError: There is none.
    """
    found = records.get(COLLECTION, model_id)
    if found is None:
        raise InputError(f"Model {model_id}: it is not registered; see `landcover model list`.")
    return _entry(found)


def require_not_retired(entry: ModelEntry) -> ModelEntry:
    """Refuse a model that was retired.

    Raises:
        InputError: It was; the sentence says why and when.
    """
    if entry.status == "retired":
        last = entry.history[-1] if entry.history else None
        why = f" on {last.when[:10]}: {last.reason}" if last else ""
        raise InputError(
            f"Model {entry.id} was retired{why.rstrip('.')}. Use another one "
            "(`landcover model list`) or train one."
        )
    return entry


def decide(records: RecordStore, model_id: str, status: Status, reason: str) -> ModelEntry:
    """Approve or retire a model.

    A candidate may be approved or retired, an approved model may be retired, and retired is the
    end. A model that has the status already stays as it is, with the reason it has.

    Args:
        records: The records.
        model_id: Whole id of the model.
        status: What it becomes.
        reason: Why, in words.

    Returns:
        The model as it is afterwards.

    Raises:
        InputError: There is no such model, it may not go there, there is no reason, or somebody
            else decided at the same moment.
    """
    entry = read_entry(records, model_id)
    if entry.status == status:
        return entry
    if entry.status not in _COMES_FROM[status]:
        why = f" ({entry.reason.rstrip('.')})" if entry.reason else ""
        raise InputError(
            f"Model {entry.id} is {entry.status}{why} and cannot become {status}: maps may have "
            "been withdrawn because of it. Train a model anew and approve that one."
        )
    if not reason.strip():
        raise InputError(f"Model {entry.id}: say why it becomes {status} (--reason).")
    decision = Decision(status=status, reason=reason.strip(), when=_now())
    history = (*entry.history, decision)
    found = records.find_one_and_update(
        COLLECTION,
        {"_id": entry.id, "status": entry.status},
        {"status": status, "history": [one.to_document() for one in history]},
    )
    if found is None:
        raise InputError(
            f"Model {entry.id}: somebody else decided about it at this moment; look again "
            "(`landcover model show`)."
        )
    return _entry(found)


def card_of(workspace: Workspace, entry: ModelEntry) -> ModelCard:
    """Read the card of a registered model and check that nobody changed it.

    Raises:
        InputError: Its bytes are not those that were registered, or the card is another model's.
    """
    with workspace.objects.local(entry.key, CARD) as path:
        card = read_card(path.parent)
        found = sha256_of(path)
    if entry.card_sha256 is not None and found != entry.card_sha256:
        raise InputError(
            f"Model {entry.id}: the checksum {found[:12]} of its {CARD} is not the registered "
            f"{entry.card_sha256[:12]}: the file was changed or damaged. Train the model again."
        )
    if card.id != entry.id:
        raise InputError(f"Model {entry.id}: its {CARD} is that of model {card.id}.")
    return card


def _entry(document: dict[str, Any]) -> ModelEntry:
    fields = {name: document[name] for name in ModelEntry.model_fields if name in document}
    return ModelEntry.from_document({**fields, "id": document["_id"]})
