"""Boundaries: where one write, chunk or segment ends and the next begins. The bytes stay.

RFC 9112 section 7.1 and RFC 9293 section 2.2: neither chunks nor segments mean anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from replayfuzz.plan import Cut, Layer, Plan, Slice
from replayfuzz.strategies.family import Family, bent, spread
from replayfuzz.strategies.places import place
from replayfuzz.strategies.view import View

_EVERY = (2, 3, 5, 7, 16, 64)
_ALL_UP_TO = 2048  # bytes of a body in which every single place is cut
_SAMPLED = 512  # single places of a larger one
_PAIRS = 24
_LAYER_WORDS = {
    "write": "",
    "http": " (new chunk, same segment)",
    "tcp": " (new segment, same chunk)",
    "head": " (inside the chunk-size line)",
}


def cut(body: bytes, at: int, layer: Layer = "write") -> Cut:
    """The Cut before byte *at*, named after what stands there in *body*."""
    here = place(body, at)
    return Cut(at, layer, f"cut.{here.kind}", f"split {here.words}{_LAYER_WORDS[layer]}")


def sliced(every: int, layer: Layer = "write") -> Slice:
    """The Slice of the whole body, labelled."""
    words = "byte by byte" if every == 1 else f"a boundary every {every} bytes"
    return Slice(0, every, layer, label=words + _LAYER_WORDS[layer])


def slices(view: View) -> Iterator[Plan]:
    """Byte by byte at each layer, then every few bytes."""
    if not view.body:
        return
    yield bent(sliced(1))
    yield bent(sliced(1, "http"))
    yield bent(sliced(1, "tcp"))
    for every in _EVERY:
        yield bent(sliced(every))
    yield bent(sliced(16, "head"))


def grouped(view: View) -> Iterator[Plan]:
    """All places of one kind at once: inside every character, after every line end."""
    kinds: dict[str, list[int]] = {}
    for at in view.hot:
        kinds.setdefault(place(view.body, at).kind, []).append(at)
    for places in kinds.values():
        yield bent(*(cut(view.body, at) for at in places))
    starts = [record.start for record in view.records][1:]
    if starts:
        yield bent(*(cut(view.body, at, "tcp") for at in starts))
        yield bent(*(cut(view.body, at, "http") for at in starts))
        yield bent(*(cut(view.body, at, "head") for at in starts))


def hots(view: View) -> Iterator[Plan]:
    """Each hot place alone, the first of each kind before the others."""
    kinds: set[str] = set()
    later = []
    for at in view.hot:
        one = cut(view.body, at)
        if one.kind in kinds:
            later.append(at)
            continue
        kinds.add(one.kind)
        yield bent(one)
        yield bent(cut(view.body, at, "tcp"))
        yield bent(cut(view.body, at, "http"))
    for at in spread(later, _SAMPLED):
        yield bent(cut(view.body, at))


def pairs(view: View) -> Iterator[Plan]:
    """Two hot places that follow one another, and the first with the last."""
    places = view.hot
    near = list(pairwise(places))
    far = list(zip(places, reversed(places), strict=True))[: len(places) // 2]
    for first, second in (*spread(near, _PAIRS), *spread(far, _PAIRS)):
        yield bent(cut(view.body, first), cut(view.body, second))


def singles(view: View) -> Iterator[Plan]:
    """Each place alone; of a large body, places evenly apart."""
    size = len(view.body)
    places: Iterable[int] = range(size + 1)
    if size > _ALL_UP_TO:
        places = spread(range(size + 1), _SAMPLED)
    for at in places:
        yield bent(cut(view.body, at))


FAMILIES = (
    Family("cut.slice", "boundaries at a fixed distance, byte by byte first", "cut", True, slices),
    Family("cut.group", "boundaries at all places of one kind", "cut", True, grouped),
    Family("cut.hot", "one boundary where readers break", "cut", True, hots),
    Family("cut.pair", "two boundaries where readers break", "cut", True, pairs),
    Family("cut.single", "one boundary, at each place", "cut", True, singles),
)
