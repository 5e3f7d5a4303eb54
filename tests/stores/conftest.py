"""Stores that are servers: opened like the embedded ones, from what the environment says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from servers import DocumentServer, S3Server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The S3 server, named by the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def documents(document_server: DocumentServer, monkeypatch: pytest.MonkeyPatch) -> DocumentServer:
    """The server of the MongoDB protocol (FerretDB), named by the environment."""
    for name, value in document_server.environment.items():
        monkeypatch.setenv(name, value)
    return document_server
