"""Drives our own readers over a plain socket: a target that is right, to measure ourselves by.

Its transport is http.client, so that neither side of a comparison is our own HTTP.
"""

from __future__ import annotations

import http.client
import json
import urllib.parse
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import replayfuzz
from replayfuzz import dialects
from replayfuzz.transcript import Expected, event_to_json
from replayfuzz.worker import Call, Shown, Truncated, serve

_READ = 65536


class ProviderError(Exception):
    """The stream, or its HTTP status, says that the call failed."""


@dataclass(frozen=True, slots=True)
class _Response:
    """A response as it arrived, and how its message ended (``wire.message_end``)."""

    status: int
    pieces: tuple[bytes, ...]
    end: Literal["complete", "incomplete", "open"]


def read(call: Call) -> Iterator[Shown]:
    """Read one stream, and tell what the dialect's own reader makes of it."""
    dialect = dialects.find(call.dialect)
    if call.pieces is None:
        response = _fetch(call, dialect)
    else:
        pieces = _decoded(call.pieces, dict(call.fields))
        response = _Response(
            call.status, tuple(pieces), "complete" if call.complete else "incomplete"
        )
    told = dialect.expect(response.pieces, dialects.Ended(response.status, response.end))[0]
    yield from map(event_to_json, told.events)
    _raise(told)


def _raise(told: Expected) -> None:
    match told.end:
        case "truncated" if told.message_end == "open":
            raise TimeoutError("nothing came for as long as the call may wait")
        case "error":
            raise ProviderError(told.message or "the stream is not what its dialect asks for")
        case "truncated":
            raise Truncated("the stream stopped early")


def _fetch(call: Call, dialect: dialects.Dialect) -> _Response:
    """Read until the message ends, or until the terminal marker: nothing after it counts."""
    url = urllib.parse.urlsplit(call.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=call.timeout)
    try:
        body = json.dumps(dict(call.request))
        headers = {"Content-Type": "application/json", "Connection": "close"}
        # Gemini's names a method of a model, which the caller chooses.
        model = "" if dialect.path.startswith("/") else "/v1beta/models/reference"
        connection.request("POST", url.path + model + dialect.path, body, headers)
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        pieces: list[bytes] = []
        end: Literal["complete", "incomplete", "open"] = "complete"
        try:
            for piece in _decoded(_pieces(response), fields):
                pieces.append(piece)
                if _ended(dialect, pieces, response.status):
                    break
        except TimeoutError:
            end = "open"
        except (http.client.HTTPException, ConnectionError, zlib.error):
            end = "incomplete"
        return _Response(response.status, tuple(pieces), end)
    finally:
        connection.close()


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Whatever is there, as soon as it is there."""
    left = response.length  # None: chunked, or until the connection is closed
    while data := response.read1(_READ):
        yield data
        if left is not None:
            left -= len(data)
    if left:
        raise http.client.IncompleteRead(b"", left)  # read1 does not tell


def _ended(dialect: dialects.Dialect, pieces: list[bytes], status: int) -> bool:
    """Whether the terminal marker has come; looked for only where it can have."""
    tail = b"".join(pieces[-2:])
    if b"DONE" not in tail and b"message_stop" not in tail and b"done" not in tail:
        return False
    return dialect.expect(tuple(pieces), dialects.Ended(status, "open"))[0].terminal


def _decoded(
    pieces: Iterator[bytes] | tuple[bytes, ...], fields: dict[str, str]
) -> Iterator[bytes]:
    coding = next((v for name, v in fields.items() if name.lower() == "content-encoding"), "")
    if coding != "gzip":
        yield from pieces
        return
    inflate = zlib.decompressobj(wbits=31)
    for piece in pieces:
        if data := inflate.decompress(piece):
            yield data
    if not inflate.eof:
        raise http.client.IncompleteRead(b"")


def main() -> None:
    """Serve the readers of this package."""
    serve(
        read,
        name="reference",
        version=replayfuzz.__version__,
        dialects=dialects.NAMES,
        library="replayfuzz",
        memory=True,
    )


if __name__ == "__main__":
    main()
