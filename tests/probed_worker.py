"""A worker whose only argument names the one thing that it does wrong, or ``right``.

    python tests/probed_worker.py right

It reads raw events, and openai.chat as far as the text goes, over a socket or in memory.
"""

import http.client
import json
import os
import sys
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

from replayfuzz.worker import Call, Shown, serve

MODE = sys.argv[1] if len(sys.argv) > 1 else "right"
KEPT: list[Any] = []
PATHS = {"sse": "/events", "openai.chat": "/v1/chat/completions"}


def adapter(call: Call) -> Iterator[Shown]:
    pieces = _sent(call) if call.pieces is None else iter(call.pieces)
    shown = _events(pieces, call)
    if MODE == "holds all back":
        yield from list(shown)
    elif MODE == "holds one back":
        yield from _late(shown)
    else:
        yield from shown


def _late(shown: Iterator[Shown]) -> Iterator[Shown]:
    before = next(shown, None)
    for event in shown:
        if before is not None:
            yield before
        before = event
    if before is not None:
        yield before


def _sent(call: Call) -> Iterator[bytes]:
    url = urllib.parse.urlsplit(call.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=call.timeout)
    try:
        request = {**call.request, **({"model": "another"} if MODE == "asks for another" else {})}
        path = url.path + ("/wrong" if MODE == "asks elsewhere" else PATHS[call.dialect])
        connection.request("POST", path, json.dumps(request), {"Connection": "close"})
        if MODE == "keeps sockets":
            KEPT.append(os.dup(connection.sock.fileno()))
        response = connection.getresponse()
        while data := response.read1(65536):
            yield data
    except ConnectionResetError:
        if MODE == "keeps what was reset":
            KEPT.append(os.dup(2))
        raise
    finally:
        connection.close()


def _events(pieces: Iterable[bytes], call: Call) -> Iterator[Shown]:
    parts, after_cr = [b""], False
    for piece in pieces:
        if MODE == "keeps memory":
            KEPT.append(bytearray(piece))
        data = piece.removeprefix(b"\n") if after_cr else piece
        after_cr = piece.endswith(b"\r")
        parts.append(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        if b"\n\n" in parts[-2][-1:] + parts[-1] and not (MODE == "waits after CR" and after_cr):
            *blocks, rest = b"".join(parts).split(b"\n\n")
            parts = [rest]
            for block in blocks:
                yield from _shown(block.decode(), call.dialect)
    for block in b"".join(parts).split(b"\n\n")[:-1]:
        yield from _shown(block.decode(), call.dialect)


def _shown(block: str, dialect: str) -> Iterator[Shown]:
    data = block.removeprefix("data:").strip()
    if dialect == "sse":
        yield {"type": "sse", "event": "message", "data": data, "id": ""}
    elif data != "[DONE]":
        for choice in json.loads(data)["choices"]:
            if text := choice["delta"].get("content"):
                yield {"type": "text", "choice": choice["index"], "text": text}


if __name__ == "__main__":
    serve(adapter, name="probed", version="1", dialects=tuple(PATHS), memory=True)
