"""One connection: what its client speaks is told by its first bytes."""

from __future__ import annotations

import socket

from replayfuzz.deliver import PATIENCE, Line, PeerLeft, Room
from replayfuzz.deliver.http2 import Http2
from replayfuzz.serve.certificate import Certificate
from replayfuzz.serve.http1 import serve_http1
from replayfuzz.serve.shows import After, Shows

_HANDSHAKE = b"\x16"  # content type of the first TLS record (RFC 8446 section 5.1)
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 section 3.4


async def serve_connection(
    sock: socket.socket,
    shows: Shows,
    room: Room,
    certificate: Certificate | None = None,
    http2: Http2 | None = None,
) -> None:
    """Answer the requests of one connection, until it closes or a script closes it.

    Args:
        sock: Connected; nothing was read from it or sent on it yet.
        shows: Knows the answers.
        room: Shared by all streams of this event loop.
        certificate: See ``serve``.
        http2: See ``serve``.
    """
    try:
        line = Line(sock, room)
    except OSError:
        sock.close()
        return
    after: After = "close"
    try:
        data = await line.receive()
        if certificate and data.startswith(_HANDSHAKE):
            from replayfuzz.deliver.tlsline import TlsLine  # noqa: PLC0415 - for few

            line = secured = TlsLine(sock, room, certificate.context)
            data = await line.receive() if await secured.begin(data, PATIENCE) else b""
        while data and len(data) < len(_PREFACE) and _PREFACE.startswith(data):
            more = await line.receive()
            data = data + more if more else b""
        if data.startswith(_PREFACE):
            from replayfuzz.serve.http2 import serve_http2  # noqa: PLC0415 - for few

            await serve_http2(line, data, shows, http2 or Http2())
        elif data:
            after = await serve_http1(line, data, shows)
    except PeerLeft:
        pass
    finally:
        if after != "taken":
            line.end("whole")
