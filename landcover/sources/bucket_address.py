"""Addresses of buckets: ``scheme://bucket/root?layout=flat|tiles``."""

from __future__ import annotations

from landcover.errors import UsageError
from landcover.nouns.source_kinds import Address

LAYOUTS = ("flat", "tiles")
"""Products directly under the root, or under ``{zone}/{latitude band}/{square}``."""


def bucket_of(address: Address) -> tuple[str, str]:
    """Give the bucket of an address and the root of its products.

    Raises:
        UsageError: It names no bucket.
    """
    scheme, _, rest = address.place.partition("://")
    bucket, _, root = rest.partition("/")
    if not bucket:
        raise UsageError(
            f"--products {address.text}: names no bucket. Expected {scheme}://bucket/root."
        )
    return bucket, root


def is_flat_layout(address: Address, default: str) -> bool:
    """Tell whether the products lie directly under the root.

    Raises:
        UsageError: The layout is unknown.
    """
    layout = address.options.get("layout", default)
    if layout not in LAYOUTS:
        raise UsageError(f"--products {address.text}: layout is flat or tiles, found {layout!r}.")
    return layout == "flat"
