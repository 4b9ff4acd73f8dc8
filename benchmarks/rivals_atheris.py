"""The harness of the rival "atheris": runs in an environment that has a raw reader and atheris.

``python rivals_atheris.py TARGET SEED FOLDER``, where FOLDER holds the seed inputs. An input is one
byte with the number of cuts, two bytes for each cut, and the body. Every one that the library
reads otherwise than our own reader does is told as a line of JSON, ``{"body": hex, "cuts": […]}``,
and the fuzzing goes on: whether it is the bug in question is decided by who reads the lines.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

TARGETS = ("httpx-sse", "sseclient-py")
MOST = 8  # cuts of one input
_FIELDS = (("Content-Type", "text/event-stream"),)

Events = list[tuple[str, str]]


def packed(body: bytes, cuts: tuple[int, ...] = ()) -> bytes:
    """The input that stands for a body and its cuts."""
    return bytes([len(cuts)]) + b"".join(at.to_bytes(2) for at in cuts) + body


def unpacked(data: bytes) -> tuple[bytes, tuple[int, ...]]:
    """The body and the cuts that an input stands for; any bytes stand for some."""
    count = min(data[0] % (MOST + 1), (len(data) - 1) // 2) if data else 0
    body = data[1 + 2 * count :]
    spots = (int.from_bytes(data[at : at + 2]) for at in range(1, 1 + 2 * count, 2))
    return body, tuple(sorted({spot % (len(body) + 1) for spot in spots}))


def pieces(body: bytes, cuts: tuple[int, ...]) -> tuple[bytes, ...]:
    """The body in as many reads."""
    spots = sorted({0, *cuts, len(body)})
    return tuple(body[start:end] for start, end in pairwise(spots))


def differs(read: Callable[[tuple[bytes, ...]], Events], data: bytes) -> str:
    """The line that tells of an input that *read* reads wrong; "" where there is none.

    What is not UTF-8 is no event stream (WHATWG HTML 9.2.5), so nobody reads it wrong.
    """
    from replayfuzz.formats.sse import SseReader

    body, cuts = unpacked(data)
    try:
        body.decode()
    except UnicodeDecodeError:
        return ""
    want = [(event.event, event.data) for event in SseReader().receive(body)]
    try:
        if read(pieces(body, cuts)) == want:
            return ""
    except Exception:  # the library's own, whatever it is
        pass
    return json.dumps({"body": body.hex(), "cuts": cuts})


def reader(adapter: Callable[[Any], Iterator[Any]], variant: str) -> Any:
    """A target's adapter as a function from pieces to events."""
    from replayfuzz.worker import Call

    def read(parts: tuple[bytes, ...]) -> Events:
        call = Call("sse", variant, 5.0, {}, pieces=parts, fields=_FIELDS, times=False)
        return [(shown["event"], shown["data"]) for shown in adapter(call)]

    return read


def _instrumented(name: str, atheris: Any) -> Any:
    with atheris.instrument_imports(include=["httpx_sse", "sseclient"]):
        if name == "httpx-sse":
            import httpx_sse
        else:
            import requests
            import sseclient
    if name == "httpx-sse":
        from replayfuzz.targets.httpx_sse import HttpxSse

        return reader(HttpxSse(httpx_sse), "sync")
    from replayfuzz.targets.sseclient_py import SseClientPy

    return reader(SseClientPy(sseclient, requests), "requests")


def main() -> None:
    import atheris

    name, seed, folder = sys.argv[1:]
    read = _instrumented(name, atheris)

    def one(data: bytes) -> None:
        if line := differs(read, data):
            print(line, flush=True)

    atheris.Setup([sys.argv[0], folder, f"-seed={seed}", "-max_len=1024"], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
