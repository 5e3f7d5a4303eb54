"""The workspace that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landcover.settings import Settings
    from landcover.stores.workspace import Workspace


def open_workspace(settings: Settings | None = None) -> Workspace:
    """Open the stores that the settings name; those of the environment if None.

    Examples:
        >>> from landcover import api
        >>> [run["_id"] for run in api.open_workspace().records.find("runs", {"_id": "demo"})]
        ['demo']
    """
    from dataclasses import fields

    from landcover.settings import read_settings
    from landcover.stores.workspace import Servers
    from landcover.stores.workspace import open_workspace as opened

    known = read_settings() if settings is None else settings
    servers = Servers(**{field.name: getattr(known, field.name) for field in fields(Servers)})
    return opened(known.objects, known.records, servers)
