"""What only an AWS event stream has: messages with headers, lengths and CRCs.

For other streams these families have no plans. Nothing inside a message can be changed by itself,
so a message is replaced whole, written anew; where it is to be damaged, after that.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator

from replayfuzz.formats.aws_event_stream import PRELUDE, Header, Message, build, event, spans
from replayfuzz.plan import Plan
from replayfuzz.strategies.changes import Change
from replayfuzz.strategies.family import Family, ends_and_middle, spliced
from replayfuzz.strategies.view import View

_Place = tuple[int, int, Message]

_OTHERS = (
    Header("x-true", "true", True),
    Header("x-false", "false", False),
    Header("x-byte", "byte", -1),
    Header("x-short", "short", -300),
    Header("x-integer", "integer", -70_000),
    Header("x-long", "long", -(2**40)),
    Header("x-bytes", "bytes", b"\x00\x00\x00\x10\xff"),
    Header("x-string", "string", "Gr\u00fc\u00dfe \U0001f600"),
    Header("x-timestamp", "timestamp", 1_700_000_000_000),
    Header("x-uuid", "uuid", bytes(range(16))),
    Header("x-long-name-" + "n" * 243, "string", "x" * 5000),
)


def headers(view: View) -> Iterator[Plan]:
    """Other orders, and headers that nobody asked for: all types, long ones."""
    kind = "rewrite.message-headers"
    for label, change in (
        ("headers in reverse order", _reversed),
        ("headers of all types added", _added),
        ("headers of all types before the others", _before),
    ):
        yield from _rewritten(view, kind, label, change)


def payloads(view: View) -> Iterator[Plan]:
    """The payload is JSON: spaces, escapes, order, and padding mean nothing."""
    kind = "rewrite.message-payload"
    for label, spell in (
        ("spaces in the payload", lambda value: f"\r\n\t {json.dumps(value, indent=1)} \n"),
        ("escapes in the payload", json.dumps),
        ("members of the payload in reverse order", _backwards),
        ("padding of 3,000 characters", lambda value: json.dumps({**value, "p": "ab0" * 1000})),
        ("no padding", _unpadded),
    ):
        yield from _rewritten(view, kind, label, _spelling(spell))


def unknown(view: View) -> Iterator[Plan]:
    """Events of a kind that is not documented, at the start, in the middle, at the end."""
    strange = event("aNewKindOfEvent", b'{"anything":[1,{"p":null}]}')
    places = [start for start, _, _ in _messages(view)]
    for at in ends_and_middle([*places, len(view.body)] if places else []):
        yield from spliced("rewrite.message-unknown", "an event of a new kind", [(at, 0, strange)])


def events(view: View) -> Iterator[Plan]:
    """Messages lost, doubled, and exceptions before each kind of place."""
    found = _messages(view)
    kind = "meaning.message"
    for start, end, _ in ends_and_middle(found):
        yield from spliced(kind, "a message dropped", [(start, end - start, b"")])
        yield from spliced(kind, "a message doubled", [(end, 0, view.body[start:end])])
    if view.dialect is None or not found:
        return
    for name, record in view.dialect.errors.items():
        for at in ends_and_middle([start for start, _, _ in found]):
            rest = len(view.body) - at
            yield from spliced(kind, f"{name}, and no more", [(at, rest, record)])


def damage(view: View) -> Iterator[Plan]:
    """Lengths and CRCs that do not fit, headers that cannot be read."""
    kind = "meaning.message-damage"
    for start, end, _ in ends_and_middle(_messages(view)):
        data = view.body[start:end]
        for label, changed in _damaged(data):
            yield from spliced(kind, label, [(start, end - start, changed)])


def _damaged(data: bytes) -> Iterator[tuple[str, bytes]]:
    total, block = int.from_bytes(data[:4]), int.from_bytes(data[4:8])
    held = data[PRELUDE:-4]
    yield "a wrong CRC of the prelude", data[:8] + _flipped(data[8:12]) + data[12:]
    yield "a wrong CRC of the message", data[:-4] + _flipped(data[-4:])
    yield "a changed byte in the payload", data[:-5] + _flipped(data[-5:-4]) + data[-4:]
    yield "a CRC of zero", data[:-4] + bytes(4)
    yield "a message one byte longer than it is", _sealed(total + 1, block, held)
    yield "a message one byte shorter than it is", _sealed(total - 1, block, held)
    yield "a message of 15 bytes", _sealed(15, 0, held)
    yield "a message of 4 GiB", _sealed(2**32 - 1, block, held)
    yield "headers one byte longer than they are", _sealed(total, block + 1, held)
    yield "headers longer than the message", _sealed(total, total, held)
    yield "no headers where there are some", _sealed(total, 0, held)
    for label, bad in (
        ("a header of type 10", b"\x01x\x0a"),
        ("a header that ends in its name", b"\xffx"),
        ("a header that ends in its value", b"\x01x\x07\xff\xffx"),
        ("a header that is not UTF-8", b"\x01x\x07\x00\x01\xff"),
        ("a header that comes twice", b"\x01x\x00\x01x\x01"),
    ):
        longer, size = held[:block] + bad + held[block:], len(bad)
        yield label, _sealed(total + size, block + size, longer)


def _sealed(total: int, block: int, held: bytes) -> bytes:
    """A message that tells these lengths, with CRCs that are right."""
    told = total.to_bytes(4) + block.to_bytes(4)
    begun = told + zlib.crc32(told).to_bytes(4) + held
    return begun + zlib.crc32(begun).to_bytes(4)


def _flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def _messages(view: View) -> tuple[_Place, ...]:
    if view.format != "aws-event-stream":
        return ()
    return tuple(
        (start, end, message) for start, end, message in spans(view.body) if message is not None
    )


def _rewritten(
    view: View, kind: str, label: str, change: Callable[[Message], Message | None]
) -> Iterator[Plan]:
    """All messages changed, then the first alone; nothing for those that do not change."""
    changes: list[Change] = []
    for start, end, message in _messages(view):
        changed = change(message)
        if changed is not None and changed != message:
            changes.append((start, end - start, build(changed)))
    yield from spliced(kind, label, changes)
    if len(changes) > 1:
        yield from spliced(kind, f"{label} of the first", changes[:1])


def _reversed(message: Message) -> Message:
    return Message(message.headers[::-1], message.payload)


def _added(message: Message) -> Message:
    return Message((*message.headers, *_new(message)), message.payload)


def _before(message: Message) -> Message:
    return Message((*_new(message), *message.headers), message.payload)


def _new(message: Message) -> tuple[Header, ...]:
    names = {header.name for header in message.headers}
    return tuple(header for header in _OTHERS if header.name not in names)


def _spelling(spell: Callable[[dict[str, object]], str]) -> Callable[[Message], Message | None]:
    def change(message: Message) -> Message | None:
        try:
            value = json.loads(message.payload)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        return Message(message.headers, spell(value).encode())

    return change


def _backwards(value: dict[str, object]) -> str:
    return json.dumps(dict(reversed(value.items())), ensure_ascii=False)


def _unpadded(value: dict[str, object]) -> str:
    kept = {name: held for name, held in value.items() if name != "p"}
    return json.dumps(kept, ensure_ascii=False)


REWRITES = (
    Family("rewrite.message-headers", "headers of binary messages", "rewrite", True, headers),
    Family("rewrite.message-payload", "payloads spelt otherwise", "rewrite", True, payloads),
    Family("rewrite.message-unknown", "binary messages of new kinds", "rewrite", True, unknown),
)
MEANINGS = (
    Family("meaning.message", "binary messages lost, doubled, failed", "meaning", False, events),
    Family("meaning.message-damage", "lengths, CRCs, bad headers", "meaning", False, damage),
)
