"""A client of our own, for ``--provider``: asks once, through the recorder."""

from __future__ import annotations

import socket

import trio

from replayfuzz.formats.chunks import ChunkReader
from replayfuzz.record.providers import Call

_INPUT = 65536
_MOST = 1 << 16  # bytes of an answer that are kept, to tell what went wrong


async def ask(call: Call, listener: socket.socket) -> tuple[int, str]:
    """Send *call* to the recorder at *listener*, and read the answer to its end.

    Returns:
        Its status, and the beginning of its body.
    """
    host, port = listener.getsockname()[:2]
    lines = [f"POST {call.path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in call.fields]
    lines.append(f"Content-Length: {len(call.body)}")
    reader, begin = ChunkReader(), b""
    stream = await trio.open_tcp_stream(host, port)
    async with stream:
        await stream.send_all("\r\n".join(lines).encode() + b"\r\n\r\n" + call.body)
        try:
            while not reader.whole and (data := await stream.receive_some(_INPUT)):
                for part in reader.parts(bytes(data)):
                    text = getattr(part, "data", b"")
                    begin += text[: _MOST - len(begin)]
        except trio.BrokenResourceError:
            pass  # cut off as the upstream was; the recorder tells
    return reader.status, begin.decode("utf-8", "replace")
