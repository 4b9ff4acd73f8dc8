"""A recorded exchange for people: its heads, each chunk with its time, text and hex, its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from replayfuzz.cassette import Exchange, Fields
from replayfuzz.formats.gzip_spans import CODINGS, inflate
from replayfuzz.report.marks import plain
from replayfuzz.report.meaning import meaning
from replayfuzz.report.paint import Paint, no_colours
from replayfuzz.report.wire_txt import dump

_ENDS = {
    "complete": "complete",
    "fin": "the connection was closed (FIN) before the message was finished",
    "reset": "the connection was reset (RST)",
    "rst-stream": "the stream was reset (RST_STREAM)",
    "short": "the connection was closed before Content-Length was reached",
    "timeout": "no more bytes came; it was given up",
}
_LABEL = 14
_SPELT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def show(exchange: Exchange, *, hex: bool = False, paint: Paint = no_colours) -> str:
    """The whole exchange; nothing in it that a terminal would take for a command.

    Args:
        exchange: What was recorded.
        hex: Show the bytes of each chunk too.
        paint: Gives colours.
    """
    return "\n".join([*_lines(exchange, hex=hex, paint=paint), ""])


def spelt(data: bytes) -> str:
    """*data* as text: characters that print as they are, every other byte as an escape.

    A character that is cut in two, as at the edge of a chunk, is shown by its bytes.
    """
    text = data.decode("utf-8", "surrogateescape")
    return text if text.isprintable() and "\\" not in text else "".join(map(_spell, text))


def _spell(char: str) -> str:
    if char in _SPELT:
        return _SPELT[char]
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))


def _lines(exchange: Exchange, *, hex: bool, paint: Paint) -> Iterator[str]:
    framing = exchange.framing or "frames"
    yield paint(plain(exchange.name), "title")
    yield f"{plain(exchange.dialect)}, {exchange.protocol}, {framing}, {_amount(exchange)}"
    yield ""
    asked = exchange.request
    yield paint(f"> {plain(asked.method)} {plain(asked.url)}", "mark")
    yield from _fields(asked.fields, ">")
    yield from _body(asked.body, hex=hex)
    yield ""
    yield paint(f"< {exchange.status} {plain(exchange.reason)}", "mark")
    yield from _fields(exchange.fields, "<")
    yield ""
    yield from _chunks(exchange, hex=hex, paint=paint)
    yield paint(f"end at byte {len(exchange.body)}: {_ENDS.get(exchange.ending, '')}", "mark")
    yield from _fields(exchange.trailers, "< trailer")
    yield ""
    yield from _content(exchange, paint)
    yield paint("reads as", "title")
    yield from (f"  {label:<{_LABEL}}{plain(text)}" for label, text in meaning(exchange).items())
    yield paint("origin", "title")
    yield from (f"  {plain(key):<{_LABEL}}{plain(text)}" for key, text in exchange.origin)


def _amount(exchange: Exchange) -> str:
    size, chunks = len(exchange.body), len(exchange.chunks)
    last = exchange.chunks[-1][0] if exchange.chunks else 0.0
    return f"{size:,} bytes in {chunks:,} chunk{'' if chunks == 1 else 's'}, {last:.3f} s"


def _fields(fields: Fields, mark: str) -> Iterator[str]:
    yield from (f"{mark} {plain(name)}: {plain(value)}" for name, value in fields)


def _body(body: bytes, *, hex: bool) -> Iterator[str]:
    yield from (f"  {line}" for line in _text(body))
    if hex:
        yield from (f"    {row}" for row in dump(body, 0))


def _chunks(exchange: Exchange, *, hex: bool, paint: Paint) -> Iterator[str]:
    at = 0
    chunks = exchange.chunks or (((0.0, len(exchange.body)),) if exchange.body else ())
    for number, (seconds, size) in enumerate(chunks):
        data = exchange.body[at : at + size]
        where = f"byte {at}, {size} byte{'' if size == 1 else 's'}"
        yield f"{paint(f'#{number}', 'mark')} {paint(f'{seconds:.3f} s', 'time')} {where}"
        yield from (f"  {line}" for line in _text(data))
        if hex:
            yield from (paint(f"    {row}", "quiet") for row in dump(data, at))
        at += size


def _content(exchange: Exchange, paint: Paint) -> Iterator[str]:
    """What a compressed body holds, parted where its sender flushed."""
    if exchange.coding not in CODINGS:
        return
    held = inflate(exchange.body, CODINGS[exchange.coding])
    edges = (0, *held.flushes, len(held.body))
    yield paint("content", "title")
    flushes = f"flushed {len(held.flushes)} times on the way"
    yield f"  {exchange.coding}, {len(held.body):,} bytes of content, {flushes}"
    if held.fault:
        yield paint(f"  {held.fault}", "bad")
    for start, end in pairwise(edges):
        yield f"{paint('*', 'mark')} byte {start} of it, {end - start} bytes"
        yield from (f"  {line}" for line in _text(held.body[start:end]))
    yield ""


def _text(data: bytes) -> Iterator[str]:
    """One line of ours for each line of theirs, its line end spelt."""
    yield from (spelt(line) for line in re.findall(rb"[^\n]*\n|[^\n]+", data))
