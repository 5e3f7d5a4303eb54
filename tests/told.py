"""Servers that people's messages are sent to: a web address, and a mail server."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Told:
    """Messages that a server took, in order."""

    address: str = ""
    texts: list[str] = field(default_factory=list)
    refusals: int = 0
    """How many of the next messages are refused."""


@contextmanager
def told_by_webhook() -> Iterator[Told]:
    """Run a server that takes messages as Slack does."""
    told = Told()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.refusals -= 1
            if told.refusals < 0:
                told.texts.append(json.loads(body)["text"])
            self.send_response(200 if told.refusals < 0 else 503)
            self.end_headers()

        def log_message(self, *_said: object) -> None:
            pass

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Taker)) as port:
        told.address = f"http://127.0.0.1:{port}/services/T0/B0"
        yield told


@contextmanager
def told_by_mail() -> Iterator[Told]:
    """Run a mail server that takes messages (RFC 5321, without TLS and logins)."""
    told = Told()

    class Taker(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline():
                command = line.decode().strip().upper()
                if command == "DATA":
                    self._say("354 go on")
                    told.texts.append(self._message())
                elif command == "QUIT":
                    self._say("221 bye")
                    return
                self._say("250 ok")

        def _message(self) -> str:
            lines = iter(self.rfile.readline, b".\r\n")
            return b"".join(lines).decode()

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Taker)) as port:
        told.address = f"smtp://127.0.0.1:{port}/?to=a%40b.org&from=c%40d.org&starttls=false"
        yield told


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    with server:
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()
