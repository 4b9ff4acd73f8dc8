"""A recording while it is made: lines that are appended, so that a kill leaves what was seen.

The first line holds the heads; each other is ``["data", text]`` (Latin-1), ``["held", at, text]``,
``["chunk", seconds, bytes]`` or, at the end, ``["end", how, note, trailers]``. All of it is
redacted. ``held`` is what comes after the data so far, from byte *at* on, masked where a secret
may begin; data takes its place. Of a compressed body ``["text", at, text]`` is the same, decoded.
"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from replayfuzz import redact
from replayfuzz.cassette import Exchange, Fields, Request
from replayfuzz.errors import StoreError
from replayfuzz.record.hold import Hold, Inside, hold

MOST_BYTES = 12 << 20
"""Bytes of a body that are recorded; more would make a cassette that is too large to be read."""
MOST_CHUNKS = 200_000

FULL = "recorded up to here only: a longer body is not recorded"
KILLED = "recorded up to here only: the recorder was killed"
MASKED = "; of what came last, what could have become a secret is masked"
ANEW = "; the last {} chunks were written anew as stored blocks, as they could hold a secret"
LOST = "; what came after the last line end is lost, as the compressed body has no flush there"
UNWRITTEN = "recorded up to here only: the file could not be written"


class Tape:
    """One exchange that is being recorded.

    Every method that writes raises StoreError where the file cannot be written: once, after
    that they have no effect. The file stays then, for the next start.

    Attributes:
        heads: The exchange without the response's body, not redacted.
        full: It is longer than what is recorded.
        ended: Nothing is recorded any more.
        broken: The file could not be written.
        bytes, chunks: What came, recorded or not.

    Args:
        path: Of the journal; it is made.
        heads: See there.
        most: Bytes of the body that are recorded.
        keep: What is not redacted; see ``redact.exchange``.
    """

    def __init__(
        self, path: Path, heads: Exchange, most: int = MOST_BYTES, keep: Collection[str] = ()
    ) -> None:
        self.path = path
        self._most = most
        self._keep = keep
        self.heads = heads
        self.full = False
        self.ended = self.broken = False
        self.chunks = self.bytes = 0
        self._hold: Hold | None = None
        self._shown = b""  # as the journal has it, of what is held
        self._open = 0  # bytes of the chunk that has not ended
        try:
            self._file: BinaryIO = path.open("xb", buffering=0)
        except OSError as error:
            raise unwritten(path, error) from error
        self._write(json.dumps(_heads(redact.exchange(heads, keep))))

    def piece(self, seconds: float, data: bytes, *, ends: bool) -> None:
        """Take in content that was relayed.

        Args:
            seconds: Since the head.
            data: The content.
            ends: A chunk or DATA frame ends with it.
        """
        self.bytes += len(data)
        self.chunks += ends
        if self.full or self.ended:
            return
        if self._hold is None:
            self._hold = hold(self.heads, data, keep=self._keep)
        lines = self._lines(self._hold.take(data)) + self._masked(self._hold.shown())
        self._open += len(data)
        if ends:
            lines.append(self._chunk(seconds))
        self._write(*lines)
        if self.bytes > self._most or self.chunks >= MOST_CHUNKS:
            self.end(seconds, "fin", FULL)
            self.full = True

    def end(self, seconds: float, how: str, note: str = "", trailers: Fields = ()) -> None:
        """Nothing more comes; the file is closed. Once only: what comes later has no effect."""
        if self.ended:
            return
        self.ended = True
        lines = self._lines(self._hold.rest()) if self._hold else []
        if self._open:
            lines.append(self._chunk(seconds))
        self.heads = replace(self.heads, trailers=trailers)
        told = redact.exchange(self.heads, self._keep).trailers
        try:
            self._write(*lines, json.dumps(["end", how, redact.text(note), told]))
        finally:
            self._file.close()

    def exchange(self) -> Exchange | None:
        """What was recorded, redacted by what the request's own heads tell too."""
        # What is held is of a compressed body with a secret, and never was in the file.
        held = self._hold.held if self._hold and not self.broken else b""
        found = read(self.path, held, UNWRITTEN if self.broken else KILLED)
        if found is None:
            return None
        full = replace(found, request=self.heads.request, fields=self.heads.fields)
        return redact.exchange(full, self._keep)

    def _chunk(self, seconds: float) -> str:
        size, self._open = self._open, 0
        return json.dumps(["chunk", round(seconds, 6), size])

    def _masked(self, shown: bytes) -> list[str]:
        """What is held now, from where it differs on from what was written."""
        before, self._shown = self._shown, shown
        at = len(before)
        if not shown.startswith(before):
            sizes = range(min(len(before), len(shown)))
            at = bisect(sizes, False, key=lambda end: before[: end + 1] != shown[: end + 1])
        kind = "text" if self._hold and self._hold.coded else "held"
        return [json.dumps([kind, at, shown[at:].decode("latin-1")])] if shown[at:] else []

    def _lines(self, safe: bytes) -> list[str]:
        coded = safe and self._hold and self._hold.coded
        self._shown = b"" if coded else self._shown[len(safe) :]
        return [json.dumps(["data", safe.decode("latin-1")])] if safe else []

    def _write(self, *lines: str) -> None:
        if not lines:
            return
        data = ("\n".join(lines) + "\n").encode()
        try:
            while data:  # a full disk may take a part of it, and tell of the rest only then
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            self.ended = self.broken = True
            self._file.close()
            raise unwritten(self.path, error) from error


def read(path: Path, held: bytes = b"", note: str = KILLED) -> Exchange | None:
    """What a journal holds, however it ended; None: no heads, so nothing was seen.

    Args:
        path: Of the journal.
        held: The end of the body, where it is not in the journal.
        note: What to say of a journal that has no end.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        rows = iter(list(_rows(path)))
    except OSError as error:
        raise unwritten(path, error) from error
    heads = next(rows, None)
    if not isinstance(heads, dict):
        return None
    try:
        exchange = _exchange(heads)
    except (KeyError, TypeError, ValueError):
        return None
    body, shown, sizes = bytearray(), bytearray(), []
    inside = Inside()
    how = "fin"
    trailers: Fields = ()
    for row in rows:
        match row:
            case ["data", str(text)]:
                body += text.encode("latin-1", "replace")
                del shown[: len(text)]
                inside = Inside()
            case ["held", int(at), str(text)]:
                shown[at:] = text.encode("latin-1", "replace")
            case ["chunk", int() | float() as seconds, int(size)]:
                sizes.append((float(seconds), size))
                inside.end(float(seconds))
            case ["text", int(at), str(text)]:
                inside.text[at:] = text.encode("latin-1", "replace")
            case ["end", str(how), str(note), list(lines)]:
                trailers = _fields(lines)
    body += held or shown
    if note and shown and not held:
        note += MASKED
    told: Any = {"ending": how, "trailers": trailers}
    origin = exchange.origin + ((("note", note),) if note else ())
    chunks = _fitting(tuple(sizes), len(body))
    found = replace(exchange, body=bytes(body), chunks=chunks, origin=origin, **told)
    return found if held else _inside(found, inside)


def _inside(exchange: Exchange, line: Inside) -> Exchange:
    """*exchange* with what is known of the line that its compressed body was cut in."""
    chunks = line.chunks(exchange)
    if chunks is None:
        return exchange
    origin = dict(exchange.origin)
    say = ANEW.format(len(chunks)) + MASKED if chunks else LOST
    origin["note"] = (origin.get("note", "") + say).removeprefix("; ")
    body = exchange.body + b"".join(part for _, part in chunks)
    sizes = (*exchange.chunks, *((seconds, len(part)) for seconds, part in chunks))
    return replace(exchange, body=body, chunks=sizes, origin=tuple(origin.items()))


def shortened(exchange: Exchange, size: int) -> Exchange:
    """*exchange* with the first *size* bytes of its body only, which its origin tells."""
    origin = (*((key, text) for key, text in exchange.origin if key != "note"), ("note", FULL))
    chunks = _fitting(exchange.chunks, size)
    return replace(exchange, body=exchange.body[:size], chunks=chunks, ending="fin", origin=origin)


def _fitting(chunks: tuple[tuple[float, int], ...], size: int) -> tuple[tuple[float, int], ...]:
    """*chunks* that add up to *size*: what was held back is missing, or has no chunk yet."""
    found = []
    last = 0.0
    for seconds, length in chunks:
        last = seconds
        if size <= 0:
            break
        found.append((seconds, min(length, size)))
        size -= length
    if size > 0:
        found.append((last, size))
    return tuple(found)


def _rows(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return  # the write that a kill, or a full disk, cut off
            try:
                yield json.loads(line)
            except ValueError:
                return


def _heads(exchange: Exchange) -> dict[str, Any]:
    asked = exchange.request
    return {
        "journal": 1,
        "protocol": exchange.protocol,
        "framing": exchange.framing,
        "origin": exchange.origin,
        "request": [asked.method, asked.url, asked.fields, asked.body.decode("latin-1")],
        "response": [exchange.status, exchange.reason, exchange.fields],
    }


def _exchange(heads: dict[str, Any]) -> Exchange:
    method, url, asked, body = heads["request"]
    status, reason, answered = heads["response"]
    return Exchange(
        name="",
        dialect="",
        request=Request(method, url, _fields(asked), body.encode("latin-1")),
        status=status,
        reason=reason,
        fields=_fields(answered),
        protocol=heads["protocol"],
        framing=heads["framing"],
        origin=_fields(heads["origin"]),
    )


def _fields(lines: list[Any]) -> Fields:
    return tuple((str(name), str(value)) for name, value in lines)


def unwritten(path: Path, error: OSError) -> StoreError:
    """The error for a file of a recording."""
    return StoreError(
        f"{path}: cannot be written: {error.strerror}; free some space, or name another folder "
        "with -o"
    )
