"""A recorder in a thread, upstreams that say what a test tells them, and clients that see chunks."""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any

import h11
import trio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived

from replayfuzz import store
from replayfuzz.record import Keeper, Upstream
from replayfuzz.record.relay import Recorder
from replayfuzz.record.run import relay
from replayfuzz.serve import listen

SMILE = "😀".encode()
CHUNKS = (
    b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":"' + SMILE[:2],
    SMILE[2:] + b'"}}]}\r\n\r\n',
    b": keep-alive\n\n",
    b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"delta":{"content":"b"}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n',
    b"\n",
    b"data: [DO",
    b"NE]\n\n",
)


class Running:
    """A recorder that runs in a thread, for the length of a ``with`` block."""

    def __init__(self, folder: Path, url: str, certificate=None, **options: Any) -> None:
        options = {"timeout": 20.0} | options
        self.folder = folder
        self.lines: list[str] = []
        self._upstream = Upstream.parse(url, **options)
        self._certificate = certificate
        self._ready = threading.Event()
        self._scope = trio.CancelScope()
        self._token: Any = None

    def __enter__(self):
        self.keeper = Keeper(self.folder)
        self.recorder = Recorder(self._upstream, self.keeper, self.lines.append)
        self._listener = listen()
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=trio.run, args=(self._main,))
        self._thread.start()
        assert self._ready.wait(20)
        return self

    async def _main(self):
        self._token = trio.lowlevel.current_trio_token()
        with self._scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(relay, self._listener, self.recorder, self._certificate)
                self._ready.set()

    def __exit__(self, *_):
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._scope.cancel)
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.keeper.__exit__()

    def kept(self):
        """The recorded exchanges, by name."""
        return store.load([self.folder])

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


@contextlib.contextmanager
def asking(folder, port, **options):
    """A recorder for an upstream at *port* (and a path behind it), and a connection to it."""
    url = f"http://127.0.0.1:{port}"
    with Running(folder, url, **options) as running, running.connect() as sock:
        yield running, sock


@contextlib.contextmanager
def upstream(*talks):
    """A server on a raw socket: each *talk* gets one connection, in turn; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)

    def run():
        for talk in talks:
            with listener.accept()[0] as sock:
                sock.settimeout(20)
                with contextlib.suppress(OSError):
                    talk(sock)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(30)
        listener.close()
        assert not thread.is_alive()


def request_of(sock) -> bytes:
    """The request that came, with a body of the length it tells."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line[15:])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def post(sock, path="/v1/chat/completions", body=b'{"stream":true}', fields=()):
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    sock.sendall(head.encode() + body)


def read_http1(sock):
    """Status, chunks, trailers, and whether the message was whole: h11 tells where chunks are."""
    conn = h11.Connection(h11.CLIENT)
    conn.send(
        h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")])
    )
    conn.send(h11.EndOfMessage())
    status, chunks = 0, list[bytes]()
    trailers, fields = list[tuple[str, str]](), list[tuple[str, str]]()
    while True:
        try:
            event = conn.next_event()
        except h11.RemoteProtocolError:
            return status, chunks, trailers, "fin", fields
        match event:
            case h11.NEED_DATA:
                try:
                    data = sock.recv(65536)
                except ConnectionResetError:
                    return status, chunks, trailers, "reset", fields
                try:
                    conn.receive_data(data)
                    if not data and conn.their_state is not h11.SEND_BODY:
                        return status, chunks, trailers, "fin", fields
                    if not data:
                        event = conn.next_event()
                except h11.RemoteProtocolError:
                    return status, chunks, trailers, "fin", fields
                if not data:
                    return status, chunks, trailers, "complete", fields
            case h11.Response():
                status, fields = (
                    event.status_code,
                    [(n.decode(), v.decode()) for n, v in event.headers],
                )
            case h11.Data():
                if event.chunk_start or not chunks:
                    chunks.append(b"")
                chunks[-1] += bytes(event.data)
            case h11.EndOfMessage():
                trailers = [(name.decode(), value.decode()) for name, value in event.headers]
                return status, chunks, trailers, "complete", fields


def read_http2(sock, path):
    """Status, DATA payloads, trailers, how it ended, over HTTP/2."""
    conn: Any = H2Connection(H2Configuration(header_encoding="utf-8"))
    conn.initiate_connection()
    head = [(":method", "POST"), (":path", path), (":scheme", "http"), (":authority", "x")]
    conn.send_headers(1, head, end_stream=True)
    sock.sendall(conn.data_to_send())
    status, chunks, trailers = 0, list[bytes](), list[tuple[str, str]]()
    while data := sock.recv(65536):
        for event in conn.receive_data(data):
            fields: Any = getattr(event, "headers", ())
            match event:
                case ResponseReceived():
                    status = int(dict(fields)[":status"])
                case DataReceived() if event.data:
                    chunks.append(event.data)
                    conn.acknowledge_received_data(event.flow_controlled_length, 1)
                case TrailersReceived():
                    trailers = [tuple(line) for line in fields]
                case StreamEnded():
                    return status, chunks, trailers, "complete"
                case StreamReset():
                    return status, chunks, trailers, "rst-stream"
        sock.sendall(conn.data_to_send())
    return status, chunks, trailers, "fin"
