"""One message at the end of a DAG run, by mail and to a web address, as a task of it wrote it.

``report`` writes it, or ``start`` where it refuses the run. Airflow's DAG processor sends it,
whatever the run ended by: where neither came to its end the message says just that. Whom it goes to
is told by Airflow connections; without them nothing is sent. A message that cannot be sent changes
nothing about the run.
"""

from __future__ import annotations

import json
import logging
import smtplib
import time
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from airflow.sdk import BaseNotifier, Connection, get_current_context
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowNotFoundException

from landcover.errors import sentence_of

log = logging.getLogger(__name__)
WEBHOOK = "landcover_webhook"
"""Connection with the address that takes ``{"text": …}`` as JSON, as Slack does."""
MAIL = "landcover_mail"
"""Connection with an SMTP server: ``smtp`` or ``smtps``, and ``to`` and ``from`` in its extra."""
TRIES = 3
PAUSE_SECONDS = 2.0
"""Wait after the first try; twice as long after the second."""
SECONDS = 20.0
"""Longest wait for a server."""
NO_REPORT = (
    "failed without a report: its task 'report' did not run. It was stopped, timed out or not "
    "started, or a task was cleared without what follows."
)
NOTHING = "ended, and there was nothing to report: the log of its task 'start' says why."


class EndNotifier(BaseNotifier):
    """Tells of the end of a run what a task of it wrote down.

    Args:
        otherwise: What is told where none did.
    """

    def __init__(self, otherwise: str) -> None:
        super().__init__()
        self.otherwise = otherwise

    def notify(self, context: Any) -> None:
        """Send the message of a run to everybody whom a connection names.

        Args:
            context: What Airflow tells of the run.
        """
        dag_id, run_id = context["dag"].dag_id, str(context["run_id"])
        tell(dag_id, run_id, lambda: _message(context) or self.otherwise)


def tell(dag_id: str, run_id: str, say: Callable[[], str]) -> None:
    """Send a message about a run to everybody whom a connection names.

    Args:
        dag_id: DAG of the run.
        run_id: Name of the DAG run.
        say: Gives the message; not asked where nobody is named.
    """
    ways = {WEBHOOK: _post, MAIL: _mail}
    named = {name: found for name in ways if (found := _connection(name)) is not None}
    if not named:
        return
    title = f"{dag_id} {run_id}"
    text = f"{title}: {say()}\n{_page_of(dag_id, run_id)}"
    for name, connection in named.items():
        _tried(name, partial(ways[name], connection, title, text))


def at_end() -> dict[str, Any]:
    """Give the arguments of a DAG whose ends are told."""
    return {
        "on_success_callback": EndNotifier(NOTHING),
        "on_failure_callback": EndNotifier(NO_REPORT),
    }


def tell_end(text: str) -> None:
    """Write down what is told of this end of the DAG run that the task is part of."""
    from landcover import api
    from landcover.ledger import messages

    end = _end_of(get_current_context()["dag_run"])
    messages.write(api.open_workspace().records, end, text)


def _end_of(dag_run: Any) -> str:
    """Name an end of a DAG run: each clear begins it again."""
    return f"{dag_run.dag_id}/{dag_run.run_id}/{dag_run.clear_number or 0}"


def _message(context: Any) -> str | None:
    """Take the message that was written before this end of a run."""
    from landcover import api
    from landcover.ledger import messages

    dag_run = context.get("dag_run")
    if dag_run is None:
        return None

    try:
        return messages.take(api.open_workspace().records, _end_of(dag_run))
    except Exception as error:  # the store may be what the run ended by
        return f"ended; its records cannot be read ({sentence_of(error)})"


def _page_of(dag_id: str, run_id: str) -> str:
    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return f"{base}/dags/{quote(dag_id)}/runs/{quote(run_id, safe='')}"


def _connection(name: str) -> Any:
    try:
        return Connection.get(name)
    except AirflowNotFoundException:
        return None


def _tried(name: str, send: Callable[[], None]) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            send()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            log.warning("%s: try %d of %d: %s", name, attempt, TRIES, error)
            if attempt < TRIES:
                time.sleep(PAUSE_SECONDS * attempt)
        else:
            return
    log.error("%s: the message was not sent. The run is as it is.", name)


def _post(connection: Any, _subject: str, text: str) -> None:
    scheme = connection.conn_type if connection.conn_type in ("http", "https") else "https"
    port = f":{connection.port}" if connection.port else ""
    url = f"{scheme}://{connection.host}{port}/{(connection.schema or '').lstrip('/')}"
    body = json.dumps({"text": text}).encode()
    asked = Request(url, body, {"Content-Type": "application/json"}, method="POST")
    with urlopen(asked, timeout=SECONDS) as answer:
        answer.read()


def _mail(connection: Any, subject: str, text: str) -> None:
    extra = connection.extra_dejson
    message = EmailMessage()
    message["Subject"] = f"landcover: {subject}"
    message["From"] = extra.get("from") or connection.login or "landcover@localhost"
    message["To"] = extra["to"]
    message.set_content(text)
    is_safe = connection.conn_type == "smtps"
    server = smtplib.SMTP_SSL if is_safe else smtplib.SMTP
    port = connection.port or (465 if is_safe else 25)
    with server(str(connection.host), port, timeout=SECONDS) as opened:
        if not is_safe and str(extra.get("starttls", "true")).lower() == "true":
            opened.starttls()
        if connection.login:
            opened.login(connection.login, connection.password or "")
        opened.send_message(message)
