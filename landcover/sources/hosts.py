"""Which hosts a catalogue may send us to, and addresses that would carry a password."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from landcover.errors import InputError, UsageError

_PASSWORD = re.compile(r"//[^/?#\s]*@")


@dataclass(frozen=True)
class Hosts:
    """The hosts of one source: an address from its documents that leads elsewhere is not opened.

    A catalogue is written by others. What it names must not make this machine read a file of its
    own, or ask a service that only this machine can reach.
    """

    names: frozenset[str]
    """Host names, lower case, without ports."""

    @classmethod
    def of(cls, addresses: Iterable[str]) -> Hosts:
        """Make the list of the hosts of some addresses, or of names of hosts."""
        found = (urlsplit(a).hostname if "://" in a else a.strip().lower() for a in addresses)
        return cls(frozenset(name for name in found if name))

    def require(self, address: str, what: str) -> None:
        """Refuse an address that is not on these hosts.

        Args:
            address: The address, as the catalogue gives it.
            what: Where it was found, for the message.

        Raises:
            InputError: It is of another kind than HTTP, or on another host.
        """
        try:
            parts = urlsplit(address)
            scheme, host = parts.scheme.lower(), parts.hostname
        except ValueError:
            scheme, host = "", None
        if scheme not in ("http", "https") or not host:
            raise InputError(f"{what} is at {masked(address)[:200]}, not on the web.")
        if host.lower() not in self.names:
            raise InputError(
                f"{what} is on {host}, which is none of the hosts of its catalogue "
                f"({', '.join(sorted(self.names))}). If you trust it, add hosts={host} to the "
                "options of the address."
            )


def refuse_password(address: str, option: str, remedy: str) -> None:
    """Refuse an address that a password is part of: addresses are written to records.

    Args:
        address: As it was given.
        option: The option that it was given by, ``--products``.
        remedy: Where the password may be given, for the message, which does not tell it.

    Raises:
        UsageError: One is.
    """
    if _PASSWORD.search(unquote(address)):
        raise UsageError(
            f"{option}: a password is part of the address, and addresses are written to records. "
            f"{remedy}"
        )


def masked(text: str) -> str:
    """Write a text without the passwords of the addresses in it."""
    return _PASSWORD.sub("//***@", text)
