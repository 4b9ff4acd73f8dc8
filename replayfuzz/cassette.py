"""Recorded exchanges, and the VCR YAML text that holds them. No files are opened here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from replayfuzz.plan import Framing, How

Fields = tuple[tuple[str, str], ...]
"""HTTP field lines in wire order, names as they were spelt."""

Protocol = Literal["http/1.1", "h2", "grpc", "unix"]


@dataclass(frozen=True, slots=True)
class Request:
    """The recorded request; bodies are bytes as sent."""

    method: str = "POST"
    url: str = "http://127.0.0.1/"
    fields: Fields = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the stream that answered it.

    Attributes:
        name: ``<file stem>`` or ``<file stem>#<n>`` (from 0) where a file holds several.
        dialect: Name of a dialect, such as ``openai.chat``.
        status, reason, fields, body: The response; the body is exact, transfer coding removed.
        framing: How the end of the body was told; None: not HTTP/1.1.
        chunks: ``(seconds since the head, bytes)`` each; the bytes add up to the body.
        ending: How the stream ended.
        trailers: Trailer fields.
        origin: Where it came from; ``kind`` is recorded, imported, authored or generated.
    """

    name: str
    dialect: str
    request: Request = Request()
    status: int = 200
    reason: str = "OK"
    fields: Fields = ()
    body: bytes = b""
    protocol: Protocol = "http/1.1"
    framing: Framing | None = "chunked"
    chunks: tuple[tuple[float, int], ...] = ()
    ending: How | Literal["timeout"] = "complete"
    trailers: Fields = ()
    origin: tuple[tuple[str, str], ...] = field(default=(("kind", "generated"),))


@dataclass(frozen=True, slots=True)
class Cassette:
    """The exchanges of one file, in order."""

    name: str
    exchanges: tuple[Exchange, ...]
