"""Settings for the stages of this process, which read them from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from landcover.settings import Settings, as_environment


@contextmanager
def in_environment(settings: Settings) -> Iterator[None]:
    """Let the stages find what the settings name; the environment is as before at the end."""
    before = dict(os.environ)
    os.environ.update(as_environment(settings))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
