"""Where secrets stand in bytes, and the bytes without them. Lengths never change.

A secret becomes as many ``X``; line ends stay, of an e-mail address ``@`` and the dots too.
The same secret so always becomes the same bytes, what is redacted reads on as what it was
(JSON, a URL, base64), and redacting it again changes nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from replayfuzz.redact.names import Kind, same
from replayfuzz.redact.shapes import SHAPES, Shape

MARK = b"X"
"""What stands for each byte of a secret; ``9`` for the digits of a number."""

_ROUNDS = 20  # two, but for what is made to need more
_SHORT = 64  # bytes of a run: ids and words come again and again, images do not
_DEEPEST = 3  # base64 inside base64 inside base64

# Escapes of JSON strings and of URLs, which part words but look like parts of them.
_ESCAPE = re.compile(
    rb"\\+(?:[nrtbf]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})|\\+|%(?!40)[0-9a-fA-F]{2}|&(?:lt|gt|amp|quot);"
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_ADDRESS = re.compile(rb"(@|%40|\.)|.", re.DOTALL)
_CHARACTER = re.compile(rb"[^\r\n]")
_DONE = re.compile(rb"[X\s]*|9*")
_DONE_MAIL = re.compile(rb"X+(?:[.X]*)(?:@|%40)[X.]*")
_IN_URL = re.compile(rb"://[^\s/@]*\Z")
# What a JSON number stands between.
_BEFORE, _AFTER = frozenset((b":", b",", b"[", b" ")), frozenset((b",", b"}", b"]", b" "))
_CODED = bytes.maketrans(b"-_", b"+/")


_HINTS = tuple({hint for shape in SHAPES for hint in shape.hints})
_STRONG_HINTS = tuple({hint for shape in SHAPES if shape.strong for hint in shape.hints})


class Span(NamedTuple):
    """A secret: its bytes are ``data[start:end]``.

    Attributes:
        inside: ``base64`` where it stands in bytes that the span spells so, else "".
        number: It is a JSON number, and has to stay one.
    """

    start: int
    end: int
    kind: Kind
    inside: str = ""
    number: bool = False


class Wanted(NamedTuple):
    """What is looked for besides the known shapes, and what is left as it is.

    Attributes:
        known: Secrets that are known from elsewhere (a header field), as bytes.
        keep: Kinds, and names of members and parameters (as ``names.same``), that stay.
    """

    known: frozenset[bytes] = frozenset()
    keep: frozenset[str] = frozenset()


EVERYTHING = Wanted()


def find(data: bytes, wanted: Wanted = EVERYTHING, depth: int = 0) -> list[Span]:
    """Every secret in *data* that is not redacted yet, in order of place; some may overlap."""
    found = plain(data, wanted, strong=bool(depth) and not _is_text(data))
    if depth < _DEEPEST:
        found += _coded(data, wanted, depth)
    return sorted(set(found))


def plain(data: bytes, wanted: Wanted = EVERYTHING, *, strong: bool = False) -> list[Span]:
    """As ``find``, but for base64.

    Args:
        data: The bytes.
        wanted: What to look for.
        strong: They are no text, so only what cannot come by chance is looked for.
    """
    return [*_shaped(data, wanted, strong=strong), *_known(data, wanted)]


def clean(data: bytes, spans: Iterable[Span], wanted: Wanted = EVERYTHING, depth: int = 0) -> bytes:
    """*data* with the secrets at *spans* redacted; as long as it was."""
    out = bytearray(data)
    listed = list(spans)
    for span in listed:  # first, because what else is in a run of base64 is then gone
        if span.inside:
            out[span.start : span.end] = _recoded(bytes(out[span.start : span.end]), wanted, depth)
    for span in sorted((span for span in listed if not span.inside), key=_turn):
        out[span.start : span.end] = mark(data[span.start : span.end], span)
    return bytes(out)


def _turn(span: Span) -> int:
    """Addresses first, because one may hold what does not stay; what must stay a number last."""
    return 2 if span.number else span.kind != "e-mail"


def redacted(data: bytes, wanted: Wanted = EVERYTHING) -> bytes:
    """*data* without its secrets; as long as it was."""
    return settled(data, lambda left: find(left, wanted), wanted)


def settled(data: bytes, look: Callable[[bytes], list[Span]], wanted: Wanted) -> bytes:
    """*data* without what *look* finds, until it finds nothing more.

    What is redacted may make a name of what stands beside it, where nothing parts the two.
    """
    for _ in range(_ROUNDS):
        spans = look(data)
        if not spans:
            break
        data = clean(data, spans, wanted)
    return data


def mark(secret: bytes, span: Span) -> bytes:
    """What stands for a secret."""
    if span.number:
        return b"9" * len(secret)
    if span.kind == "e-mail":
        return _ADDRESS.sub(lambda found: found[1] or MARK, secret)
    return _CHARACTER.sub(MARK, secret)


def _shaped(data: bytes, wanted: Wanted, *, strong: bool) -> Iterator[Span]:
    lower = data.lower()
    blanked = _ESCAPE.sub(lambda found: b" " * len(found[0]), data)
    for shape in SHAPES:
        if shape.kind in wanted.keep or (strong and not shape.strong):
            continue
        if any(hint in lower for hint in shape.hints):
            found = shape.pattern.finditer(data if shape.raw else blanked)
            yield from _matches(shape, data, _unkept(found, wanted) if wanted.keep else found)


def _unkept(matches: Iterable[re.Match[bytes]], wanted: Wanted) -> Iterator[re.Match[bytes]]:
    for found in matches:
        if same(found.groupdict().get("n", b"").decode("latin-1")) not in wanted.keep:
            yield found


def _matches(shape: Shape, data: bytes, matches: Iterable[re.Match[bytes]]) -> Iterator[Span]:
    for found in matches:
        start, end = found.span("s")
        if shape.kind == "e-mail":
            if _DONE_MAIL.fullmatch(data, start, end):
                continue
            if _IN_URL.search(data, max(0, start - 200), start):
                continue  # user information, which has a shape of its own
        if start < end and not _DONE.fullmatch(data, start, end):
            yield Span(start, end, shape.kind, number=shape.number)


def _known(data: bytes, wanted: Wanted) -> Iterator[Span]:
    for secret in wanted.known:
        at = data.find(secret)
        while at >= 0:
            end = at + len(secret)
            alone = data[at - 1 : at] in _BEFORE and data[end : end + 1] in _AFTER
            yield Span(at, end, "token", number=secret.isdigit() and alone)
            at = data.find(secret, at + 1)


# -- base64 ------------------------------------------------------------------------------


def _coded(data: bytes, wanted: Wanted, depth: int) -> Iterator[Span]:
    for run in _BASE64.finditer(data):
        spans = _seen_before if len(run[0]) <= _SHORT else _decoded_spans
        for span in spans(run[0], wanted, depth):
            yield Span(run.start(), run.end(), span.kind, "base64")


def _decoded_spans(run: bytes, wanted: Wanted, depth: int) -> list[Span]:
    return [span for skip in range(4) for span in _in_group(run, skip, wanted, depth)]


_seen_before = lru_cache(maxsize=1024)(_decoded_spans)


def _in_group(run: bytes, skip: int, wanted: Wanted, depth: int) -> list[Span]:
    return _inner(_decoded(run[skip:]), wanted, depth)


def _inner(decoded: bytes, wanted: Wanted, depth: int) -> list[Span]:
    """The secrets in what a run holds. Nearly all runs hold nothing: that is seen first."""
    hints, lower = _HINTS if _is_text(decoded) else _STRONG_HINTS, decoded.lower()
    if (
        any(hint in lower for hint in hints)
        or any(secret in decoded for secret in wanted.known)
        or _BASE64.search(decoded)
    ):
        return find(decoded, wanted, depth + 1)
    return []


def _recoded(run: bytes, wanted: Wanted, depth: int) -> bytes:
    """A run of base64 whose content is redacted; only the groups that change are spelt anew."""
    for skip in range(4):  # where the run begins with letters that are none of it
        coded = run[skip:]
        decoded = _decoded(coded)
        spans = _inner(decoded, wanted, depth)
        if not spans:
            continue
        new = base64.b64encode(clean(decoded, spans, wanted, depth + 1))
        if b"-" in coded or b"_" in coded:
            new = new.translate(bytes.maketrans(b"+/", b"-_"))
        run = run[:skip] + _merged(coded, new, decoded, spans)
    return run


def _merged(coded: bytes, new: bytes, decoded: bytes, spans: list[Span]) -> bytes:
    out = bytearray(coded)
    for span in spans:
        start = span.start // 3 * 4
        end = min(-(-span.end // 3) * 4, -(-len(decoded) * 4 // 3), len(coded))
        out[start:end] = new[start:end]
    return bytes(out)


def _decoded(coded: bytes) -> bytes:
    text = coded.rstrip(b"=").translate(_CODED)
    text = text[: len(text) - (len(text) % 4 == 1)]
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return not re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text)
