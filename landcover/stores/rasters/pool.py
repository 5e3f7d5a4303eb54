"""Threads that read windows of many rasters, each with open files of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Self, TypeVar

from landcover.stores.rasters.reading import RasterReader, holding_options, open_for_long

T = TypeVar("T")
Opened = Callable[[str], RasterReader]
"""Gives the open raster of a path: opened once by each thread, closed with the pool."""
Read = Callable[[Opened], T]


class ReadingPool:
    """Reads on a number of threads; with one, in the thread that asks.

    A raster is read by the thread that opened it, so that none waits for another; it stays open,
    so that its headers are read once and not once per window.
    """

    def __init__(self, threads: int) -> None:
        self._orders: SimpleQueue[Callable[[Opened], None] | None] = SimpleQueue()
        self._mine = OpenRasters()
        count = threads if threads > 1 else 0
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # What nobody waits for any more is not begun.
        while not self._orders.empty():
            self._orders.get()
        for _thread in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()
        self._mine.close()

    def submit(self, read: Read[T]) -> Future[T]:
        """Read as soon as a thread is free.

        Args:
            read: Is handed the function that opens rasters.

        Returns:
            What it returns or raises.
        """
        future: Future[T] = Future()
        context = copy_context()

        def order(opened: Opened) -> None:
            try:
                future.set_result(context.run(read, opened))
            except BaseException as error:
                future.set_exception(error)

        if self._threads:
            self._orders.put(order)
        else:
            order(self._mine)
        return future

    def _work(self) -> None:
        rasters = OpenRasters()
        with holding_options():
            try:
                while (order := self._orders.get()) is not None:
                    order(rasters)
            finally:
                rasters.close()


class OpenRasters:
    """Rasters that one thread has open: each is opened when it is asked for first."""

    def __init__(self) -> None:
        self._open: dict[str, RasterReader] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, path: str) -> RasterReader:
        """Give the open raster of a path.

        Raises:
            InputError: It is absent or no raster.
        """
        if path not in self._open:
            self._open[path] = open_for_long(path)
        return self._open[path]

    def close(self) -> None:
        """Close them all."""
        for raster in self._open.values():
            raster.close()
        self._open.clear()
