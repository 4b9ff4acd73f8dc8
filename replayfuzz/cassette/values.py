"""The values of a recorded exchange. Nothing here reads or writes text."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, get_args

from replayfuzz.plan import Framing, How

Fields = tuple[tuple[str, str], ...]
"""HTTP field lines in wire order, names as they were spelt."""

Protocol = Literal["http/1.1", "h2", "grpc", "unix"]

PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
ORIGINS = ("recorded", "imported", "authored", "generated")
"""Kinds of origin; only ``recorded`` was seen on a wire by ``replayfuzz record``."""

UNKNOWN = "unknown"
"""The dialect of an imported exchange that is no stream we know (a list of models, …)."""

_CODED = "content-encoding"
_GZIPS = frozenset({"gzip", "x-gzip"})
_GZIP = b"\x1f\x8b"

NOT_HTTP1 = "h2-data"
"""How a file spells ``framing: None``: frames below HTTP tell the end of the body."""


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

    @property
    def coding(self) -> str:
        """The content coding that the body is in, in lower case; "" for none.

        What was recorded is as it came. What was imported is content, whatever its head says,
        unless it begins as gzip does: VCR.py keeps such bodies as they came.
        """
        named = _coding(self.fields)
        if named in {"", "identity"} or not self.body:
            return ""
        kind = dict(self.origin).get("kind")
        came = kind == "recorded" or (named in _GZIPS and self.body.startswith(_GZIP))
        return named if came else ""


@lru_cache(maxsize=256)
def _coding(fields: Fields) -> str:
    """What the head says; asked for with every case of a search."""
    told = next((value for name, value in fields if name.lower() == _CODED), "")
    return told.strip().lower()


@dataclass(frozen=True, slots=True)
class Cassette:
    """The exchanges of one file, in order."""

    name: str
    exchanges: tuple[Exchange, ...]


def chunks_fault(exchange: Exchange) -> str:
    """What is wrong with the chunks, or nothing."""
    total = sum(length for _, length in exchange.chunks)
    if total != len(exchange.body):
        return (
            f"add up to {total} bytes, but the body has {len(exchange.body)}; if the body was "
            "edited on purpose, delete the 'chunks' line (the body is then one chunk)"
        )
    times = [seconds for seconds, _ in exchange.chunks]
    if times != sorted(times):
        return "go back in time; each starts at seconds since the head, so none before the last"
    return ""
