"""The same JSON, spelt otherwise (RFC 8259): no reader of JSON may notice.

Not for raw SSE streams: there the data is text, and its spelling is what is reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from replayfuzz.formats.spans import Node, walk
from replayfuzz.plan import Plan
from replayfuzz.strategies.family import Family, spliced
from replayfuzz.strategies.view import View

_PADDING = b" " * 60  # Anthropic pads most of its data lines
_RUN = re.compile(rb"((?:\\u[0-9a-fA-F]{4})+)|(\\/)|\\.", re.DOTALL)
_SOLIDUS = re.compile(rb"(/)|\\.", re.DOTALL)
_LETTER = re.compile(rb"([A-Za-z])|\\u....|\\.", re.DOTALL)
_WIDE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{1,3}")
_UNKNOWN = b'"x_unknown":{"a":[1,null,"\xc3\xa9"]}'
_UNREAD = ("created",)  # whole numbers that no reader interprets
_SYNTAX = frozenset('"\\')


def spaces(view: View) -> Iterator[Plan]:
    """White space "before or after any of the six structural characters" (RFC 8259 section 2)."""
    kind = "spelling.spaces"
    body = view.body
    yield from _respelt(view, kind, "a space after commas and colons", _joiner(body, b", ", b": "))
    yield from _respelt(view, kind, "no white space in the JSON", _joiner(body, b",", b":"))
    yield from _respelt(
        view, kind, "white space around commas and colons", _joiner(body, b"\t, ", b" :\t")
    )
    nodes = _nodes(view)
    yield from spliced(kind, "spaces behind the JSON", [(node.end, 0, _PADDING) for node in nodes])
    yield from spliced(
        kind, "spaces before the JSON", [(node.start, 0, _PADDING) for node in nodes]
    )


def order(view: View) -> Iterator[Plan]:
    """An object "is an unordered collection" of members (RFC 8259 section 1)."""
    kind = "spelling.order"
    yield from _respelt(
        view, kind, "members in reverse order", lambda node: _reversed(view.body, node, 99)
    )
    yield from _respelt(
        view, kind, "outermost members in reverse order", lambda node: _reversed(view.body, node, 1)
    )


def escapes(view: View) -> Iterator[Plan]:
    r"""RFC 8259 section 7: "Any character may be escaped", as \u and four digits of either case."""
    kind = "spelling.escape"
    if view.opaque:
        return
    body = view.body
    wide = [found for node in view.strings for found in _WIDE.finditer(body, node.start, node.end)]
    for label, spell in (("", "%04x"), (" in upper case", "%04X")):
        changes = [(found.start(), len(found[0]), _escaped(found[0], spell)) for found in wide]
        changes = [change for change in changes if change[2]]
        yield from spliced(kind, f"non-ASCII as \\u escapes{label}", changes)
    letters = [
        (found.start(), 1, b"\\u%04x" % found[0][0])
        for node in view.strings
        for found in _LETTER.finditer(body, node.start, node.end)
        if found[1]
    ]
    texts = {place for site in view.texts for place in range(site.start, site.end)}
    firsts = {node.start + 1 for node in view.strings}
    spoken = [change for change in letters if change[0] in texts]
    yield from spliced(kind, "letters of the content as \\u escapes", spoken)
    yield from spliced(
        kind,
        "first letters of strings as \\u escapes",
        [one for one in letters if one[0] in firsts],
    )
    names = [
        (start, 1, b"\\u%04x" % body[start]) for node in _nodes(view) for start in _names(node)
    ]
    plain = [change for change in names if chr(body[change[0]]).isalpha()]
    yield from spliced(kind, "member names with a \\u escape", plain)


def raw(view: View) -> Iterator[Plan]:
    r"""What stood as an escape as the character itself, and ``/`` as ``\/``."""
    if view.opaque:
        return
    body = view.body
    unescaped = [
        (found.start(), len(found[0]), text)
        for node in view.strings
        for found in _RUN.finditer(body, node.start, node.end)
        if (text := _raw(found[0] if found[1] or found[2] else b""))
    ]
    solidus = [
        (found.start(), 0, b"\\")
        for node in view.strings
        for found in _SOLIDUS.finditer(body, node.start, node.end)
        if found[1]
    ]
    yield from spliced("spelling.raw", "escapes as raw characters", unescaped)
    yield from spliced("spelling.raw", "solidus escaped", solidus)


def numbers(view: View) -> Iterator[Plan]:
    """RFC 8259 section 6 knows one kind of number: 10, 10.0 and 10e0 are the same."""
    if not view.knows_sites:
        return
    found = [
        node.end
        for event in view.events
        for name in _UNREAD
        for node in walk(event.node, (name,))
        if view.body[node.start : node.end].isdigit()
    ]
    for ending in (b".0", b"e0"):
        label = f"whole numbers with {ending.decode()}"
        yield from spliced("spelling.number", label, [(at, 0, ending) for at in found])


def unknown_members(view: View) -> Iterator[Plan]:
    """Members that the provider may add at any time (OpenAI, Anthropic: additive changes)."""
    if not view.knows_sites:
        return
    kind = "spelling.unknown-member"
    tops = [node for node in _nodes(view) if node.kind == "object"]
    deltas = [site.node for site in view.sites("delta") if site.node and site.node.kind == "object"]
    for label, nodes in (("events", tops), ("deltas", deltas)):
        changes = [
            (node.start + 1, 0, _UNKNOWN + (b"," if node.members else b"")) for node in nodes
        ]
        yield from spliced(kind, f"unknown members in {label}", changes)


# -- writing JSON from the spans of JSON ---------------------------------------------------


def _nodes(view: View) -> list[Node]:
    if view.opaque:
        return []
    return [event.node for event in view.events if event.node is not None]


def _respelt(view: View, kind: str, label: str, write: Callable[[Node], bytes]) -> Iterator[Plan]:
    changes = []
    for node in _nodes(view):
        text = write(node)
        if text != view.body[node.start : node.end]:
            changes.append((node.start, node.end - node.start, text))
    yield from spliced(kind, label, changes)


def _joiner(body: bytes, comma: bytes, colon: bytes) -> Callable[[Node], bytes]:
    def write(node: Node) -> bytes:
        if node.kind == "array":
            return b"[" + comma.join(map(write, node.items)) + b"]"
        if node.kind == "object":
            members = (
                body[member.key_start : member.key_end] + colon + write(member.value)
                for member in node.members
            )
            return b"{" + comma.join(members) + b"}"
        return body[node.start : node.end]

    return write


def _reversed(body: bytes, node: Node, depth: int) -> bytes:
    """*node* with its members, and those of what it holds to *depth*, in reverse order."""
    if node.kind not in ("object", "array") or depth == 0:
        return body[node.start : node.end]
    if node.kind == "array":
        return b"[" + b",".join(_reversed(body, item, depth - 1) for item in node.items) + b"]"
    members = [
        body[member.key_start : member.key_end] + b":" + _reversed(body, member.value, depth - 1)
        for member in node.members
    ]
    # Of a name that comes twice most readers take the last: there the order has a meaning.
    if len({member.key for member in node.members}) == len(members):
        members.reverse()
    return b"{" + b",".join(members) + b"}"


def _escaped(character: bytes, spell: str) -> bytes:
    try:
        units = character.decode().encode("utf-16-be")
    except UnicodeDecodeError:
        return b""
    pairs = (units[place : place + 2] for place in range(0, len(units), 2))
    return b"".join(b"\\u" + (spell % int.from_bytes(pair, "big")).encode() for pair in pairs)


def _raw(escaped: bytes) -> bytes:
    """The characters of *escaped*, or nothing where they cannot stand raw in a string."""
    text = json.loads(b'"' + escaped + b'"')
    if any(char < " " or char in _SYNTAX or "\ud800" <= char <= "\udfff" for char in text):
        return b""
    return str(text).encode()


def _names(node: Node) -> Iterator[int]:
    """Where the first letter of each member's name stands, all the way down."""
    for item in node.items:
        yield from _names(item)
    for member in node.members:
        if member.key:
            yield member.key_start + 1
        yield from _names(member.value)


FAMILIES = (
    Family("spelling.spaces", "white space in JSON", "rewrite", True, spaces),
    Family("spelling.order", "members in another order", "rewrite", True, order),
    Family("spelling.escape", "characters as escapes", "rewrite", True, escapes),
    Family("spelling.raw", "escapes as characters, solidus escaped", "rewrite", True, raw),
    Family(
        "spelling.number", "whole numbers with a fraction or exponent", "rewrite", True, numbers
    ),
    Family(
        "spelling.unknown-member", "members that are not known", "rewrite", True, unknown_members
    ),
)
