"""What is wrong with a recorded exchange: secrets, damage, what its dialect does not know."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from replayfuzz import dialects, redact
from replayfuzz.cassette import UNKNOWN, Exchange
from replayfuzz.cassette.values import chunks_fault
from replayfuzz.formats.json_spans import Node, spans
from replayfuzz.formats.spans import events
from replayfuzz.plan import Plan

Keys = Mapping[str, frozenset[str]]
"""By dialect: the places of JSON members that are known, as ``choices[].delta.content``."""

RULES: dict[str, str] = {
    "secret": "run `replayfuzz lint --redact` on the file, and change the secret where it is used",
    "chunks": "record it again; or delete the 'chunks' line, and the body is one chunk",
    "length": "record it again; or write the Content-Length that the body has",
    "dialect": "name one of `replayfuzz list cassettes`'s dialects under stream: dialect:",
    "unreadable": "name the dialect that it is in, or record it again",
    "unfinished": "record it again, or say how it ended: stream: ending: fin, reset or timeout",
    "coding": "record it with `Accept-Encoding: gzip`, or look into it by hand",
    "marker": "nothing, where the provider sends none",
    "drift": "nothing by itself; where the provider changed, a reader may need to know",
}
"""What is looked for, and what to do next."""

_NOTES = frozenset({"coding", "marker", "drift"})
_MOST_KEYS = 8  # that one note names
_LINE = re.compile(rb"[^\r\n]+")
# Below these the members are the user's: arguments of tools, metadata.
_FREE = frozenset(
    {"arguments", "input", "args", "parameters", "metadata", "properties", "logit_bias", "result"}
)
_RAW = frozenset({"sse", "ndjson"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that was found.

    Attributes:
        rule: A key of RULES.
        what: In words, without the secret where it is one.
        place: ``body``, ``request body``, ``url``, ``header NAME``, …; see ``redact.Leak``.
        at: Byte in it; None where it is about the whole.
        size: Of it, in bytes; 0 where that says nothing.
    """

    rule: str
    what: str
    place: str = "body"
    at: int | None = None
    size: int = 0

    @property
    def level(self) -> Literal["fault", "note"]:
        """``note``: worth knowing, and nothing is wrong by it."""
        return "note" if self.rule in _NOTES else "fault"

    @property
    def next(self) -> str:
        """What to do about it."""
        return RULES[self.rule]


def lint(exchange: Exchange, known: Keys, keep: Collection[str] = ()) -> tuple[Fault, ...]:
    """Look at one exchange; secrets come first.

    Args:
        exchange: As it was read, whether its chunks add up or not.
        known: Places of the exchanges that ship (``keys``).
        keep: What is no secret here; as for ``redact.exchange``.
    """
    return (
        *_secrets(exchange, keep),
        *_damage(exchange),
        *_reading(exchange),
        *_drift(exchange, known),
    )


def keys(exchanges: Iterable[Exchange]) -> Keys:
    """The places of JSON members in *exchanges*, by dialect."""
    found: dict[str, set[str]] = {}
    for exchange in exchanges:
        if exchange.dialect in dialects.NAMES:
            found.setdefault(exchange.dialect, set()).update(_places(exchange))
    return {dialect: frozenset(places) for dialect, places in found.items()}


def _secrets(exchange: Exchange, keep: Collection[str]) -> Iterator[Fault]:
    for leak in redact.leaks(exchange, keep):
        inside = f" in {leak.inside}" if leak.inside else ""
        yield Fault("secret", f"{leak.kind}{inside}", leak.place, leak.at, leak.size)
    for place, note in redact.unseen(exchange):
        yield Fault("coding", f"not looked into: its coding is {note}", place)


def _damage(exchange: Exchange) -> Iterator[Fault]:
    if exchange.chunks and (wrong := chunks_fault(exchange)):
        told = sum(size for _, size in exchange.chunks)
        yield Fault(
            "chunks", f"the chunks {wrong.partition(';')[0]}", at=min(told, len(exchange.body))
        )
    lengths = [value for name, value in exchange.fields if name.lower() == "content-length"]
    if exchange.framing == "content-length" and exchange.ending == "complete":
        wrong_lengths = [value for value in lengths if value.strip() != str(len(exchange.body))]
        for value in wrong_lengths:
            what = f"says {value}, but the body has {len(exchange.body)} bytes and ended complete"
            yield Fault("length", what, "header Content-Length")


def _reading(exchange: Exchange) -> Iterator[Fault]:
    if exchange.dialect not in dialects.NAMES:
        what = "unknown" if exchange.dialect == UNKNOWN else f"there is no {exchange.dialect!r}"
        yield Fault("dialect", f"the dialect: {what}", "stream")
        return
    plain = redact.decoded(exchange)
    if plain is None or not 200 <= exchange.status < 300:
        return
    told = dialects.expected(plain, Plan())[0]
    where = len(plain.body)
    if told.end == "error" and not told.message:
        yield Fault(
            "unreadable", f"a reader of {exchange.dialect} fails on it", at=_first_odd(plain)
        )
    elif plain.body and not told.events and told.end != "error":
        yield Fault("unreadable", f"a reader of {exchange.dialect} finds nothing in it", at=0)
    elif exchange.ending == "complete" and told.end == "truncated":
        yield Fault("unfinished", "it ended complete, and its last event never came", at=where)
    elif exchange.ending == "complete" and told.end == "complete" and not told.terminal:
        marker = dialects.find(exchange.dialect).terminal
        if marker:
            text = marker.decode("latin-1").strip()
            yield Fault("marker", f"it ends without {text!r}", at=where)


def _first_odd(exchange: Exchange) -> int | None:
    """The first line that should be JSON and is none; None: it cannot be told."""
    for line in _LINE.finditer(exchange.body):
        found = re.fullmatch(rb"(?:data:)?[ \t]*(\{.*)", line[0])
        if found and spans(found[1].strip()) is None:
            return line.start()
    return None


def _drift(exchange: Exchange, known: Keys) -> Iterator[Fault]:
    if exchange.dialect in _RAW or exchange.dialect not in known:
        return
    plain = redact.decoded(exchange)
    places = _places(plain) if plain else {}
    new = {place: at for place, at in places.items() if place not in known[exchange.dialect]}
    for place in [place for place in new if _parent(place) in new]:
        del new[place]  # its parent is told
    if new:
        named = list(new)
        more = f" and {len(named) - _MOST_KEYS} more" if len(named) > _MOST_KEYS else ""
        what = f"members that no shipped cassette has: {', '.join(named[:_MOST_KEYS])}{more}"
        yield Fault("drift", what, at=min(new.values()))


def _parent(place: str) -> str:
    return place.rpartition(".")[0].removesuffix("[]")


def _places(exchange: Exchange) -> dict[str, int]:
    """Where each member first stands, by its place."""
    found: dict[str, int] = {}
    for record in events(exchange.body, dialects.find(exchange.dialect).format):
        for place, at in _members(record.node, "") if record.node else ():
            found.setdefault(place, at)
    return found


def _members(node: Node, place: str) -> Iterator[tuple[str, int]]:
    for item in node.items:
        yield from _members(item, f"{place}[]")
    for member in node.members:
        here = f"{place}.{member.key}" if place else member.key
        yield here, member.key_start
        if member.key not in _FREE:
            yield from _members(member.value, here)
