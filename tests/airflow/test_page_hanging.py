"""A record store that takes connections and never answers, behind a real server of Airflow."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from airflow_api import SECONDS, token_of
from airflow_rest import until

from landcover.airflow_process import RunningAirflow
from landcover.airflow_process.sessions import Child, end_all

pytestmark = pytest.mark.slow
PATH = "/landcover/api/dags/landcover_map/runs/any/roster"
AT_ONCE = 12
"""More looks at a time than the page has threads."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where somebody listens and says nothing."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))

        def take() -> None:
            try:
                while True:
                    taken, _ = server.accept()
                    stack.callback(taken.close)
            except OSError:  # the test is over
                return

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def server(
    airflow: RunningAirflow, environment: dict[str, str], silent: int, tmp_path: Path
) -> Iterator[str]:
    """Another API server on the same database, whose records are on the silent port."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    changed = environment | {
        "LANDCOVER_RECORDS": f"mongodb://127.0.0.1:{silent}/landcover",
        "AIRFLOW__API__BASE_URL": url,
    }
    command = [
        sys.executable, "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)
    ]  # fmt: skip
    child = Child(command, changed, tmp_path / "api-server.log", is_read=False)

    def answers() -> bool:
        try:
            with urlopen(f"{url}/api/v2/monitor/health", timeout=60) as answer:
                return bool(answer.status == 200)
        except URLError:
            return False

    try:
        until(answers, SECONDS, "the API server")
        yield url
    finally:
        end_all([child])


def test_airflow_goes_on_and_the_page_says_so(airflow: RunningAirflow, server: str) -> None:
    headers = {"Authorization": f"Bearer {token_of(airflow)}"}

    def look(_number: int) -> tuple[int, str]:
        with pytest.raises(HTTPError) as caught:
            urlopen(Request(server + PATH, headers=headers), timeout=SECONDS)
        return caught.value.code, str(json.loads(caught.value.read())["detail"])

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        looks = [crowd.submit(look, number) for number in range(AT_ONCE)]
        with urlopen(f"{server}/api/v2/monitor/health", timeout=60) as answer:
            assert answer.status == 200
        # Airflow has answered, and the store nobody.
        assert not any(one.done() for one in looks)
        told = [one.result() for one in looks]
    assert {code for code, _ in told} == {503}
    assert {text.partition(" for ")[0] for _, text in told} == {"The record store has not answered"}
