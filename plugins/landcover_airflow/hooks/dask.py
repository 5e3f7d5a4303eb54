"""The Dask cluster as Airflow sees it: its address, and submit, watch and cancel by key.

A unit's future is published under its key, so that it outlives the task that submitted it and
any triggerer process can attach to it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, cast

from airflow.sdk import BaseHook

from landcover.errors import InputError

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 10.0
STATUS_SECONDS = 0.3
ADDRESS_VARIABLE = "LANDCOVER_DASK"
DEFAULT_PORT = 8786


class _Lease:
    """The client that everything in one event loop shares, and how many use it now."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self.n_users = 0
        self.connecting = asyncio.Lock()


_LEASES: dict[tuple[asyncio.AbstractEventLoop, str], _Lease] = {}


class DaskHook(BaseHook):
    """The Dask scheduler that units are submitted to.

    Args:
        conn_id: Airflow connection with host and port of the scheduler. The environment
            variable ``LANDCOVER_DASK`` wins over it.
        address: Address, where it is known already.
    """

    conn_name_attr = "conn_id"
    default_conn_name = "landcover_dask"
    conn_type = "dask"
    hook_name = "Dask scheduler"

    def __init__(self, conn_id: str = default_conn_name, *, address: str | None = None) -> None:
        super().__init__()
        self.conn_id = conn_id
        self._address = address

    @property
    def address(self) -> str:
        """Address of the scheduler, ``tcp://host:port``.

        Raises:
            InputError: Neither the environment nor a connection names one.
        """
        if self._address is None:
            self._address = os.environ.get(ADDRESS_VARIABLE) or self._address_of_connection()
        return self._address

    def _address_of_connection(self) -> str:
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            connection = self.get_connection(self.conn_id)
        except AirflowNotFoundException as error:
            raise InputError(
                f"No Dask scheduler is named: set {ADDRESS_VARIABLE}=tcp://host:port or make the "
                f"Airflow connection {self.conn_id!r} with its host and port."
            ) from error
        host = str(connection.host)
        scheme, _, name = host.rpartition("://")
        return f"{scheme or 'tcp'}://{name}:{connection.port or DEFAULT_PORT}"

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Give the client of this address that everything in this event loop shares.

        A triggerer with hundreds of deferred units holds one connection; it is closed when
        nobody needs it any more.

        Raises:
            OSError: The scheduler does not answer.
        """
        from distributed import Client

        slot = (asyncio.get_running_loop(), self.address)
        lease = _LEASES.setdefault(slot, _Lease())
        lease.n_users += 1
        try:
            async with lease.connecting:
                if lease.client is None or lease.client.status in ("closing", "closed"):
                    lease.client = await Client(  # type: ignore[no-untyped-call]
                        self.address,
                        asynchronous=True,
                        set_as_default=False,
                        timeout=CONNECT_SECONDS,
                        name="landcover-airflow",
                    )
            yield lease.client
        finally:
            lease.n_users -= 1
            if not lease.n_users:
                _LEASES.pop(slot, None)
                if lease.client is not None:
                    await lease.client.close()  # type: ignore[no-untyped-call]

    async def submit(
        self, stage: str, document: dict[str, Any], key: str
    ) -> Literal["submitted", "attached"]:
        """Submit a unit, or find it where it was submitted before.

        Args:
            stage: Stage name.
            document: What :func:`landcover.execution.run_unit` is given.
            key: Name of the work; the same work is never submitted twice.

        Returns:
            Whether it was submitted now or is there already.

        Raises:
            OSError: The scheduler does not answer.
        """
        from landcover.execution import run_unit

        async with self.client() as client:
            found = await find(client, key)
            if found is not None:
                # The status of a future that was just fetched arrives a moment later.
                if await settle(found, STATUS_SECONDS) in ("pending", "finished"):
                    return "attached"
                # A key that ended in an error would give the old error for ever.
                await _remove(client, key, found)
            future = client.submit(run_unit, stage, document, key=key, retries=0, pure=False)
            await client.publish_dataset(future, name=key)
            return "submitted"

    async def cancel(self, key: str) -> bool:
        """Cancel a unit; what runs already ends by itself and harms nothing.

        Returns:
            False where the scheduler does not know it.
        """
        async with self.client() as client:
            found = await find(client, key)
            if found is None:
                return False
            await _remove(client, key, found)
            return True


async def find(client: Client, key: str) -> Future[Any] | None:
    """Find the published future of a key; None where the scheduler does not know it."""
    try:
        return cast("Future[Any]", await client.get_dataset(key))
    except KeyError:
        return None


async def settle(future: Future[Any], seconds: float) -> str:
    """Wait for the end of a unit, at most so long, and give its status then."""
    with suppress(TimeoutError):
        await asyncio.wait_for(future.exception(), seconds)  # type: ignore[no-untyped-call]
    return str(future.status)


async def forget(client: Client, key: str) -> None:
    """Let the scheduler drop a unit's result."""
    await client.unpublish_dataset(key)


async def _remove(client: Client, key: str, future: Future[Any]) -> None:
    await forget(client, key)
    await client.cancel([future], force=True)  # type: ignore[no-untyped-call]
