"""The Dask cluster as Airflow sees it: its address, and submit, watch and cancel by key.

A unit's future is published under its key, so that it outlives the task that submitted it and
any triggerer process can attach to it.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, cast

from airflow.sdk import BaseHook

from landcover import execution
from landcover.errors import InputError, UnavailableError
from landcover.execution import unit_key
from landcover.nouns.stages import TABLE

if TYPE_CHECKING:
    from distributed import Client, Future

    from landcover.nouns.stages import Stage

CONNECT_SECONDS = 10.0
PROBE_SECONDS = 5.0
STATUS_SECONDS = 0.3
ADDRESS_VARIABLE = "LANDCOVER_DASK"
DEFAULT_PORT = 8786
_ADDRESS = re.compile(r"((tcp|tls|ws|wss|ucx)://)?[^\s/]+:\d{1,5}")


class _Lease:
    """The client that everything in one event loop shares, and how many use it now."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self.n_users = 0
        self.connecting = asyncio.Lock()
        self.followed: dict[str, deque[dict[str, Any]]] = {}

    def take(self, event: tuple[float, dict[str, Any]]) -> None:
        """Give a line of a worker to who follows its unit."""
        line = event[1]
        if line["key"] in self.followed:
            self.followed[line["key"]].append(line)


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
            InputError: Neither the environment nor a connection names one, or it is no address.
        """
        if self._address is None:
            named = os.environ.get(ADDRESS_VARIABLE)
            found = named or self._address_of_connection()
            if not _ADDRESS.fullmatch(found):
                where = ADDRESS_VARIABLE if named else f"Airflow connection {self.conn_id!r}"
                raise InputError(
                    f"{where}: expected the address of a Dask scheduler such as "
                    f"tcp://host:{DEFAULT_PORT}, found {found!r}."
                )
            self._address = found
        return self._address

    def require_scheduler(self) -> int:
        """Ask whether a Dask scheduler answers at the address: a person waits for the answer.

        Returns:
            Number of workers that it has.

        Raises:
            InputError: It is no address, none is named, or a part of Dask that is no scheduler
                answers there.
            UnavailableError: Nothing answers there, or nothing that speaks Dask.
        """
        mend = f"correct {ADDRESS_VARIABLE} or the Airflow connection {self.conn_id!r}"
        host, _, port = self.address.rpartition("://")[2].rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), PROBE_SECONDS).close()
        except OSError as error:
            raise UnavailableError(
                f"No Dask scheduler answers at {self.address} ({error.strerror or error}): start "
                f"it, or {mend}."
            ) from error
        try:
            found = asyncio.run(_identity(self.address))
        except OSError as error:
            raise UnavailableError(
                f"Something listens at {self.address}, but no Dask scheduler answered within "
                f"{PROBE_SECONDS:g} s: start it, or {mend}."
            ) from error
        except (TypeError, ValueError) as error:  # a scheme or certificates that Dask cannot use
            raise InputError(f"{self.address}: {error}. Expected what Dask can use: {mend}.") from (
                error
            )
        if found["type"] != "Scheduler":
            raise InputError(
                f"{self.address} is the address of a Dask {found['type']}, not of a scheduler: "
                f"{mend}."
            )
        return len(found["workers"])

    def _address_of_connection(self) -> str:
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            connection = self.get_connection(self.conn_id)
        except AirflowNotFoundException as error:
            raise InputError(
                f"No Dask scheduler is named: set {ADDRESS_VARIABLE}=tcp://host:port or make the "
                f"Airflow connection {self.conn_id!r} with its host and port."
            ) from error
        host = str(connection.host or "")
        if not host:
            raise InputError(
                f"The Airflow connection {self.conn_id!r} has no host: give it the host and port "
                f"of the Dask scheduler, or set {ADDRESS_VARIABLE}=tcp://host:port."
            )
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
                    subscribe = lease.client.subscribe_topic
                    subscribe(execution.TOPIC, lease.take)
            yield lease.client
        finally:
            lease.n_users -= 1
            if not lease.n_users:
                _LEASES.pop(slot, None)
                if lease.client is not None:
                    await lease.client.close()  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def lines(
        self, client: Client, keys: Sequence[str]
    ) -> AsyncIterator[Callable[[], list[dict[str, Any]]]]:
        """Follow what the workers of some units say, from the last that is still known.

        Args:
            client: The client of this hook.
            keys: Names of the work.

        Yields:
            A function that gives the lines that are new, ``level`` and ``text`` of each.
        """
        lease = _LEASES[asyncio.get_running_loop(), self.address]
        arrived: deque[dict[str, Any]] = deque()
        lease.followed |= dict.fromkeys(keys, arrived)
        seen: set[str] = set()
        # After the subscription, so that none falls between: some come twice.
        earlier = await cast("Any", client.scheduler).events(topic=execution.TOPIC)
        arrived.extendleft(line for _, line in reversed(earlier) if line["key"] in keys)

        def new() -> list[dict[str, Any]]:
            found = []
            while arrived:
                line = arrived.popleft()
                if line["id"] not in seen:
                    seen.add(line["id"])
                    found.append(line)
            return found

        try:
            yield new
        finally:
            for key in keys:
                lease.followed.pop(key, None)

    async def submit(
        self, stages: Sequence[Stage], document: dict[str, Any], *, priority: int = 0
    ) -> Literal["submitted", "attached"]:
        """Submit a unit at the stages of its lane, or find it where it was submitted before.

        Args:
            stages: Stages, in their order; each is a task of its own that waits for the one before.
            document: What :func:`landcover.execution.run_unit` is given at each of them.
            priority: Higher ones begin first.

        Returns:
            Whether it was submitted now or is there already.

        Raises:
            OSError: The scheduler does not answer.
        """
        key = lane_key(stages, document)
        async with self.client() as client:
            found = await find(client, key)
            if found is not None:
                # The status of a future that was just fetched arrives a moment later.
                if await settle(found, STATUS_SECONDS) in ("pending", "finished"):
                    return "attached"
                # A key that ended in an error would give the old error for ever.
                await _remove(client, key, found)
            future = await _chain(client, stages, document, priority)
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

    async def cancel_all(self, beginnings: Collection[str]) -> int:
        """Cancel all units whose keys begin so, and say how many there were."""
        async with self.client() as client:
            names = [str(name) for name in await cast("Any", client).list_datasets()]
            found = [name for name in names if name.startswith(tuple(beginnings))]
            return sum([await self.cancel(name) for name in found])


def lane_key(stages: Sequence[Stage], document: dict[str, Any]) -> str:
    """Name a unit at the stages of its lane: the key of the last one, which has their outcome."""
    return unit_key(stages[-1], document)


async def _chain(
    client: Client, stages: Sequence[Stage], document: dict[str, Any], priority: int
) -> Future[Any]:
    """Submit the stages one behind the other and give the last."""
    declared = await _declared(client)
    future: Future[Any] | None = None
    for stage in stages:
        given = (stage, {**document, "stage": stage})
        resource = execution.DOWNLOAD if TABLE[stage].downloads else execution.COMPUTE
        options: dict[str, Any] = {
            "key": unit_key(stage, document),
            "retries": 0,
            "pure": False,
            "priority": priority,
            # A resource that no worker has would be waited for without a word.
            "resources": {resource: 1} if resource in declared else None,
        }
        if future is None:
            future = client.submit(execution.run_unit, *given, **options)
        else:
            future = client.submit(execution.run_next, *given, future, **options)
    return cast("Future[Any]", future)


async def _declared(client: Client) -> set[str]:
    """Name the resources that all workers have."""
    workers = (await cast("Any", client.scheduler).identity())["workers"].values()
    declared = [set(worker.get("resources") or ()) for worker in workers]
    return set.intersection(*declared) if declared else set()


async def _identity(address: str) -> dict[str, Any]:
    """Ask a part of Dask what it is: ``type`` is ``Scheduler``, ``Worker`` or ``Nanny``.

    Raises:
        OSError: It does not answer, or speaks something else.
        ValueError: The scheme of the address is unknown.
        TypeError: The certificates that the scheme needs are not there.
    """
    from distributed import rpc
    from distributed.security import Security

    given = Security().get_connection_args("client")  # type: ignore[no-untyped-call]
    asked: Any = rpc
    async with asked(address, timeout=PROBE_SECONDS, connection_args=given) as part:
        # What is no part of Dask is asked again and again within that time, without an end.
        return cast("dict[str, Any]", await asyncio.wait_for(part.identity(), PROBE_SECONDS))


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
