"""What strategies see of a recorded exchange: where everything in its body stands.

Pure, total on any bytes, and computed once for each exchange. All offsets count bytes of
the recorded body. What the places mean comes from the exchange's dialect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from replayfuzz import dialects
from replayfuzz.cassette import Exchange
from replayfuzz.dialects import Dialect
from replayfuzz.errors import UsageError
from replayfuzz.formats.spans import Format, Line, Node, Record, events, walk
from replayfuzz.strategies.places import hot, line_ends

SPOKEN = ("text", "reasoning", "refusal")
"""Kinds of site that hold what the model says."""

_WIDE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_ESCAPE = re.compile(rb'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])')


@dataclass(frozen=True, slots=True)
class Character:
    """A character that takes more than one byte; *text* is it, decoded."""

    at: int
    size: int
    text: str


@dataclass(frozen=True, slots=True)
class Site:
    """A JSON value that the dialect names, or a place in raw data.

    Attributes:
        kind: A key of ``Dialect.sites``; ``text`` for raw data.
        event: The record that it stands in.
        node: The value; None: raw data of an SSE stream without a provider's API.
        start, end: The bytes between its quotes for a string, all of it for other values.
    """

    kind: str
    event: Record
    node: Node | None
    start: int
    end: int

    @property
    def is_json(self) -> bool:
        """Whether what is put here has to be spelt as in a JSON string."""
        return self.node is not None


@dataclass(frozen=True, eq=False)
class View:
    """The structure of one exchange's body.

    Attributes:
        exchange: What is looked at.
        dialect: Its dialect; None: one that is not known, so only its format counts.
        format: How records are told apart.
        records: All records; they tile the body.
    """

    exchange: Exchange
    dialect: Dialect | None
    format: Format
    records: tuple[Record, ...]

    @property
    def body(self) -> bytes:
        """The recorded body."""
        return self.exchange.body

    @property
    def sse(self) -> bool:
        """Whether lines have field names, comments and blank lines between events."""
        return self.format == "sse"

    @property
    def framed(self) -> bool:
        """Whether it is played over HTTP/2, as frames."""
        return self.exchange.protocol == "h2"

    @property
    def knows_sites(self) -> bool:
        """Whether the dialect says what the members of an event mean."""
        return self.dialect is not None and bool(self.dialect.sites)

    @property
    def opaque(self) -> bool:
        """Whether data is text to the reader, so that spelling the same JSON otherwise shows."""
        return self.sse and not self.knows_sites

    @cached_property
    def events(self) -> tuple[Record, ...]:
        """The records that hold data."""
        return tuple(record for record in self.records if record.data is not None)

    @cached_property
    def units(self) -> tuple[Record, ...]:
        """What a stream can stop between: events, or whole messages of a binary stream."""
        return self.records if self.format == "aws-event-stream" else self.events

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """All lines, in order."""
        return tuple(line for record in self.records for line in record.lines)

    @cached_property
    def named(self) -> bool:
        """Whether events have names of their own (``event:``), as Anthropic's do."""
        return any(record.event for record in self.events)

    @cached_property
    def terminal(self) -> Record | None:
        """The record that ends the stream: the dialect's marker, else the last event."""
        if not self.knows_sites or not self.events or self.dialect is None:
            return None
        marker = events(self.dialect.terminal, self.format)
        if marker:
            found = [event for event in self.events if event.data == marker[-1].data]
            return found[-1] if found else None
        return self.events[-1]

    @cached_property
    def spoken(self) -> tuple[Record, ...]:
        """The events before the terminal one; all of them where none is."""
        last = self.terminal
        return tuple(event for event in self.events if event is not last)

    def sites(self, *kinds: str) -> tuple[Site, ...]:
        """The values of these kinds, in the order of the body."""
        found = [site for site in self._sites if site.kind in kinds]
        return tuple(found)

    def sites_of(self, event: Record) -> tuple[Site, ...]:
        """The values of one event, by kind as the dialect lists them."""
        return self._by_event.get(event.start, ())

    @cached_property
    def _by_event(self) -> dict[int, tuple[Site, ...]]:
        found: dict[int, list[Site]] = {}
        for site in self._sites:
            found.setdefault(site.event.start, []).append(site)
        return {start: tuple(sites) for start, sites in found.items()}

    @cached_property
    def _sites(self) -> tuple[Site, ...]:
        if self.dialect is None:
            return ()
        return tuple(
            _site(kind, event, node)
            for event in self.events
            for kind in self.dialect.sites
            for path in self.dialect.paths(kind, event, self.body)
            for node in walk(event.node, path)
        )

    @cached_property
    def texts(self) -> tuple[Site, ...]:
        """Where content stands: strings that the model says, or data that nobody interprets."""
        if self.knows_sites:
            found = self.sites(*SPOKEN)
            return tuple(site for site in found if site.node and site.node.kind == "string")
        if self.opaque:
            return tuple(
                Site("text", event, None, line.value, line.end)
                for event in self.events
                for line in event.fields
            )
        return tuple(
            _site("text", event, node)
            for event in self.events
            for node in _values(event.node)
            if node.kind == "string"
        )

    @cached_property
    def strings(self) -> tuple[Node, ...]:
        """Every JSON string that is a value, in all events."""
        every = (node for event in self.events for node in _values(event.node))
        return tuple(node for node in every if node.kind == "string")

    @cached_property
    def characters(self) -> tuple[Character, ...]:
        """Every well-formed character of more than one byte."""
        return tuple(characters(self.body))

    @cached_property
    def hot(self) -> tuple[int, ...]:
        """The places where readers break and all line ends, each once, in order."""
        found = {0, *hot(self.body), *line_ends(self.body)}
        return tuple(sorted(found))

    @cached_property
    def escapes(self) -> tuple[tuple[int, int], ...]:
        """``(start, end)`` of every escape in a JSON string."""
        return tuple(
            found.span()
            for node in self.strings
            for found in _ESCAPE.finditer(self.body, node.start, node.end)
        )


@lru_cache(maxsize=128)
def view(exchange: Exchange) -> View:
    """Look at *exchange*; the same exchange gives the same view."""
    try:
        dialect = dialects.find(exchange.dialect)
    except UsageError:
        dialect = None
    if exchange.coding:  # no record stands in compressed bytes
        return View(exchange, None, "sse", ())
    format_ = dialect.format if dialect else _format(exchange)
    return View(exchange, dialect, format_, events(exchange.body, format_))


def characters(body: bytes) -> Iterator[Character]:
    """Yield the characters of *body* that take more than one byte and are well formed."""
    for found in _WIDE.finditer(body):
        text = found[0].decode("utf-8", "replace")
        if len(text) == 1:  # else: surrogates or an overlong form, which are not UTF-8
            yield Character(found.start(), len(found[0]), text)


def _format(exchange: Exchange) -> Format:
    kinds = [value for name, value in exchange.fields if name.lower() == "content-type"]
    if any("amazon.eventstream" in kind for kind in kinds):
        return "aws-event-stream"
    return "ndjson" if any("json" in kind for kind in kinds) else "sse"


def _site(kind: str, event: Record, node: Node) -> Site:
    inner = 1 if node.kind == "string" else 0
    return Site(kind, event, node, node.start + inner, node.end - inner)


def _values(node: Node | None) -> Iterator[Node]:
    """Yield *node* and every value below it."""
    if node is None:
        return
    yield node
    for item in node.items:
        yield from _values(item)
    for member in node.members:
        yield from _values(member.value)
