"""Shipped adapters at work: a server that answers what a test says, and calls to read it."""

import base64
import contextlib
import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from replayfuzz import declared, dialects, environments
from replayfuzz.drive import Worker
from replayfuzz.errors import MissingError
from replayfuzz.target import Target

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
_REQUESTS: dict[str, dict[str, Any]] = {
    "openai.responses": {"model": "m", "input": "Hi", "stream": True},
    # Of another form there: the adapters have their own.
    "gemini.stream": {"model": "m", "stream": True},
    "bedrock.converse_stream": {"model": "m", "stream": True},
}
_PIECE = 50  # bytes of a chunk


class Server(http.server.ThreadingHTTPServer):
    """Knows what to answer (to its end or not), and what it was asked.

    Attributes:
        answer: Status, content type, body.
        whole: False: the message ends before its last chunk.
        kept: The connection stays open after a message, whatever the client says.
        path, asked: Of the last request: where, and its body.
        connections: How many there were.
    """

    answer = (200, "", b"")
    whole = True
    kept = False
    path = ""
    asked = b""
    connections = 0

    def get_request(self):
        self.connections += 1
        return super().get_request()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each request with the server's body, in small chunks."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        self.server.asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.path = self.path
        status, kind, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        if not self.server.kept:
            self.send_header("Connection", "close")
        self.end_headers()
        for at in range(0, len(body), _PIECE):
            piece = body[at : at + _PIECE]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if self.server.whole:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = not self.server.kept

    def log_message(self, *_):
        """Nothing: tests are quiet."""


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server in a thread of its own."""
    with Server(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()


@contextlib.contextmanager
def running(name: str) -> Iterator[tuple[Target, Any]]:
    """The shipped target *name*, started; the test is skipped where its library is not here."""
    target = declared.find(name)
    try:
        environment = environments.installed(target)
    except MissingError as missing:
        pytest.skip(str(missing))
    with Worker(target, environment.command(target), variables=environment.variables) as worker:
        worker.start()
        yield target, worker


def request(dialect: str) -> dict[str, Any]:
    """What a caller of that API asks."""
    return _REQUESTS.get(dialect, CHAT)


def remembered(
    worker: Worker,
    dialect: str,
    variant: str,
    body: bytes,
    size: int = 0,
    *,
    status: int = 200,
    whole: bool = True,
) -> Any:
    """A call in memory, *size* bytes a piece (0: all in one)."""
    size = size or len(body)
    pieces = [base64.b64encode(body[at : at + size]).decode() for at in range(0, len(body), size)]
    fields = [["Content-Type", dialects.find(dialect).content_type]]
    ending = "complete" if whole else "incomplete"
    given = {"pieces": pieces, "fields": fields, "status": status, "ending": ending}
    return worker.call({**_asked(dialect, variant), **given}, 30.0)


def served(
    worker: Worker,
    server: Server,
    dialect: str,
    variant: str,
    body: bytes,
    *,
    status: int = 200,
    whole: bool = True,
    asking: dict[str, Any] | None = None,
) -> Any:
    """A call over a socket, with the request *asking* or the usual one."""
    kind = dialects.find(dialect).content_type if status == 200 else "application/json"
    server.answer, server.whole = (status, kind, body), whole
    url = f"http://127.0.0.1:{server.server_port}/t/TOKEN"
    return worker.call({**_asked(dialect, variant, asking), "url": url}, 30.0)


def _asked(dialect: str, variant: str, asking: dict[str, Any] | None = None) -> dict[str, Any]:
    asking = request(dialect) if asking is None else asking
    return {"dialect": dialect, "variant": variant, "timeout": 5.0, "request": asking}
