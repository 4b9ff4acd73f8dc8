"""Where the values of a JSON text stand, in bytes (RFC 8259). Total: any bytes give an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Path = tuple[str | int | None, ...]
"""Steps into a JSON value: member names and indexes; None stands for every index."""

Kind = Literal["object", "array", "string", "number", "true", "false", "null"]

DEPTH = 200
"""Nesting beyond this is not read. RFC 8259 section 9: "An implementation may set limits
on the maximum depth of nesting." """


@dataclass(frozen=True, slots=True)
class Node:
    """One JSON value and where it stands.

    Attributes:
        kind: What it is.
        start, end: Its bytes, quotes and brackets included, white space around it not.
        items: Of an array, in order.
        members: Of an object, in order; a name that comes twice is there twice.
    """

    kind: Kind
    start: int
    end: int
    items: tuple[Node, ...] = ()
    members: tuple[Member, ...] = ()

    def get(self, name: str) -> Node | None:
        """The value of the last member of that name, as most readers take it."""
        return next((m.value for m in reversed(self.members) if m.key == name), None)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object; *key_start* and *key_end* enclose the name with its quotes."""

    key: str
    key_start: int
    key_end: int
    value: Node


_SPACE = re.compile(rb"[ \t\n\r]*+")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_SCALAR = re.compile(
    rb"(true)|(false)|(null)|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
)
_WORDS: tuple[Kind, ...] = ("number", "true", "false", "null")


class _NotJsonError(Exception):
    """The bytes are not one JSON value (RFC 8259)."""


def spans(data: bytes, base: int = 0) -> Node | None:
    """Scan one JSON text (RFC 8259) with white space around it.

    Bytes above 0x7F are taken as they are inside strings, valid UTF-8 or not.

    Args:
        data: The text.
        base: Added to every offset: where *data* begins in the body.

    Returns:
        The value, or None when *data* is not exactly one JSON value, or nests deeper than DEPTH.
    """
    scan = _Scan(data, base)
    try:
        node = scan.value(DEPTH)
        scan.space()
    except _NotJsonError:
        return None
    return node if scan.at == len(data) else None


class _Scan:
    def __init__(self, data: bytes, base: int) -> None:
        self.data = data
        self.base = base
        self.at = 0

    def space(self) -> int:
        """Go past white space; return the byte that stands there, 0 at the end."""
        found = _SPACE.match(self.data, self.at)
        self.at = found.end() if found else self.at
        return self.data[self.at] if self.at < len(self.data) else 0

    def value(self, depth: int) -> Node:
        first = self.space()
        if first in b"{[" and depth > 0:
            return self.object(depth - 1) if first == ord("{") else self.array(depth - 1)
        if first == ord('"'):
            return Node("string", *self.string())
        found = _SCALAR.match(self.data, self.at)
        if not found:
            raise _NotJsonError
        self.at = found.end()
        start, end = found.span()
        return Node(_WORDS[found.lastindex or 0], self.base + start, self.base + end)

    def string(self) -> tuple[int, int]:
        found = _STRING.match(self.data, self.at)
        if not found:
            raise _NotJsonError
        self.at = found.end()
        return self.base + found.start(), self.base + found.end()

    def object(self, depth: int) -> Node:
        start, members = self.at, []
        self.at += 1
        if self.space() != ord("}"):
            members.append(self.member(depth))
            while self.space() == ord(","):
                self.at += 1
                members.append(self.member(depth))
        self.close(b"}")
        return Node("object", self.base + start, self.base + self.at, members=tuple(members))

    def member(self, depth: int) -> Member:
        self.space()
        start, end = self.string()
        self.space()
        self.close(b":")
        return Member(
            _text(self.data[start - self.base : end - self.base]), start, end, self.value(depth)
        )

    def array(self, depth: int) -> Node:
        start, items = self.at, []
        self.at += 1
        if self.space() != ord("]"):
            items.append(self.value(depth))
            while self.space() == ord(","):
                self.at += 1
                items.append(self.value(depth))
        self.close(b"]")
        return Node("array", self.base + start, self.base + self.at, items=tuple(items))

    def close(self, byte: bytes) -> None:
        if not self.data.startswith(byte, self.at):
            raise _NotJsonError
        self.at += 1


def _text(string: bytes) -> str:
    """The text of a JSON string given with its quotes."""
    return str(json.loads(string.decode("utf-8", "replace")))


def walk(node: Node | None, path: Path) -> Iterator[Node]:
    """Yield the values at *path* below *node*, in order.

    A name means the last member of that name; None every item of an array; what is not
    there yields nothing.
    """
    if node is None:
        return
    if not path:
        yield node
        return
    step, *rest = path
    if isinstance(step, str):
        yield from walk(node.get(step), tuple(rest))
    elif step is None:
        for item in node.items:
            yield from walk(item, tuple(rest))
    elif -len(node.items) <= step < len(node.items):
        yield from walk(node.items[step], tuple(rest))
