"""Two recorded exchanges side by side: what differs in meaning, bytes, boundaries, heads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, zip_longest
from typing import Literal, get_args

from replayfuzz.cassette import Exchange, Fields
from replayfuzz.report.marks import plain
from replayfuzz.report.meaning import meaning
from replayfuzz.report.paint import Paint, no_colours
from replayfuzz.report.show import spelt

Part = Literal["meaning", "bytes", "boundaries", "heads", "request"]

PARTS: tuple[Part, ...] = get_args(Part)
"""What is compared. Times and origin are not: they are never the same."""

_AROUND = 40  # bytes that are shown from the first one that differs
_LONGEST = 200  # characters of a value that are shown
_SOME = 6  # boundaries that are named


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same; *a* and *b* are "" where one has none."""

    part: Part
    what: str
    a: str
    b: str


def differences(
    first: Exchange, second: Exchange, parts: Sequence[Part] = PARTS
) -> tuple[Difference, ...]:
    """What differs between two exchanges, in the order of PARTS."""
    found = {part: _COMPARE[part] for part in PARTS if part in parts}
    return tuple(item for compare in found.values() for item in compare(first, second))


def diff(pairs: Iterable[tuple[str, Sequence[Difference]]], *, paint: Paint = no_colours) -> str:
    """Differences for people: for each pair of exchanges its title, and what differs."""
    lines = []
    for title, found in pairs:
        lines.append(paint(plain(title), "title"))
        lines += ["  equal"] if not found else []
        for item in found:
            lines.append(f"  {item.part}: {paint(plain(item.what), 'mark')}")
            lines.append(paint(f"    - {_cut(item.a)}", "bad"))
            lines.append(paint(f"    + {_cut(item.b)}", "good"))
    return "\n".join([*lines, ""])


def diff_json(pairs: Iterable[tuple[str, Sequence[Difference]]]) -> str:
    """Differences as JSON: ``version``, ``equal``, and the ``pairs``."""
    told = [
        {
            "title": title,
            "differences": [
                {"part": item.part, "what": item.what, "a": item.a, "b": item.b} for item in found
            ],
        }
        for title, found in pairs
    ]
    equal = not any(pair["differences"] for pair in told)
    return json.dumps({"version": 1, "equal": equal, "pairs": told}, indent=2) + "\n"


def _cut(text: str) -> str:
    told = plain(text)
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def _of_meaning(first: Exchange, second: Exchange) -> Iterator[Difference]:
    a, b = meaning(first), meaning(second)
    for label in dict.fromkeys([*a, *b]):
        if a.get(label) != b.get(label):
            yield Difference("meaning", label, a.get(label, ""), b.get(label, ""))
    if first.dialect != second.dialect:
        yield Difference("meaning", "dialect", first.dialect, second.dialect)


def _of_bytes(first: Exchange, second: Exchange) -> Iterator[Difference]:
    yield from _bodies("bytes", "body", first.body, second.body)


def _bodies(part: Part, what: str, a: bytes, b: bytes) -> Iterator[Difference]:
    if a != b:
        at = next(
            (at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
        )
        title = f"{what} from byte {at} on ({len(a)} and {len(b)} bytes)"
        yield Difference(part, title, *(spelt(body[at : at + _AROUND]) for body in (a, b)))


def _of_boundaries(first: Exchange, second: Exchange) -> Iterator[Difference]:
    a, b = _ends(first), _ends(second)
    if a != b:
        only_a, only_b = sorted(set(a) - set(b)), sorted(set(b) - set(a))
        title = f"chunks ({len(a)} and {len(b)}); ends that only one has"
        yield Difference("boundaries", title, _named(only_a), _named(only_b))
    for what, x, y in (
        ("ending", first.ending, second.ending),
        ("framing", first.framing or "frames", second.framing or "frames"),
        ("protocol", first.protocol, second.protocol),
    ):
        if x != y:
            yield Difference("boundaries", what, x, y)


def _ends(exchange: Exchange) -> list[int]:
    return list(accumulate(size for _, size in exchange.chunks))


def _named(ends: list[int]) -> str:
    more = f" and {len(ends) - _SOME} more" if len(ends) > _SOME else ""
    return ", ".join(map(str, ends[:_SOME])) + more or "none"


def _of_heads(first: Exchange, second: Exchange) -> Iterator[Difference]:
    lines = (f"{first.status} {first.reason}", f"{second.status} {second.reason}")
    if lines[0] != lines[1]:
        yield Difference("heads", "status", *lines)
    yield from _fields("heads", "header", first.fields, second.fields)
    yield from _fields("heads", "trailer", first.trailers, second.trailers)


def _of_request(first: Exchange, second: Exchange) -> Iterator[Difference]:
    a, b = first.request, second.request
    for what, x, y in (("method", a.method, b.method), ("URL", a.url, b.url)):
        if x != y:
            yield Difference("request", what, x, y)
    yield from _fields("request", "header", a.fields, b.fields)
    yield from _bodies("request", "body", a.body, b.body)


def _fields(part: Part, what: str, first: Fields, second: Fields) -> Iterator[Difference]:
    """Field lines by name, in any case; the order of lines with one name counts."""
    a, b = _by_name(first), _by_name(second)
    for name in dict.fromkeys([*a, *b]):
        for x, y in zip_longest(a.get(name, ()), b.get(name, ()), fillvalue=""):
            if x != y:
                yield Difference(part, f"{what} {name}", x, y)


def _by_name(fields: Fields) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), []).append(value)
    return found


_COMPARE = {
    "meaning": _of_meaning,
    "bytes": _of_bytes,
    "boundaries": _of_boundaries,
    "heads": _of_heads,
    "request": _of_request,
}
