"""The fixed list of plans that every campaign begins with: the most telling first.

Measured on planted bugs: cuts alone find 1 reader bug in 20, rewrites that must not matter
composed with cuts find all. So rewrites come early, each alone, byte by byte, and cut where
it was rewritten; every single place comes late; what costs wall time comes last.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Plan, merge
from replayfuzz.strategies.catalogue import BY_ID, FAMILIES
from replayfuzz.strategies.compose import at_seams, bytewise, inside, restyled
from replayfuzz.strategies.family import UNBENT, Group
from replayfuzz.strategies.handoffs import HANDOFFS
from replayfuzz.strategies.view import View, view

_FIRST = ("cut.slice", "cut.frame", "cut.group")
_LATER = ("cut.hot", "cut.pair", "cut.single")
_LAST = ("size.line", "size.events", "size.comment", "size.event", "time.pause", "time.drip")
_COSTLY = ("end.stall", "meaning.status")
_BROKEN = ("text.unicode", "text.separator", "text.surrogate", "text.invalid")  # cut inside
_PLAIN: tuple[Group, ...] = ("rewrite", "text", "ending", "meaning", "head")
_SEAMS = 4  # plans of a rewriting family that are cut where they insert
_INNER = 8  # cuts inside one plan
_PARTNERS = 2  # plans of a family that are tried with other line ends
_PLACES = 3  # in which a text is put; the first is also tried in pieces


def schedule(exchange: Exchange, *, handoffs: bool = False) -> Iterator[Plan]:
    """Yield every plan of the fixed list, the unbent stream first, none twice.

    Equal exchanges give equal lists: there is no randomness in it.

    Args:
        exchange: What is bent.
        handoffs: Also how clients' sockets reach a daemon.
    """
    here = view(exchange)
    seen: set[Plan] = set()
    more = (plan for family in HANDOFFS if handoffs for plan in family.plans(here))
    for plan in chain(_all(here), more):
        known = len(seen)
        seen.add(plan)
        if len(seen) > known:  # to ask first would take its hash twice
            yield plan


def plain(exchange: Exchange) -> Iterator[Plan]:
    """Yield the plans of ``schedule`` that are of one family, but for the many single cuts.

    And the first of each family that spells a stream otherwise, byte by byte. They are made
    in a fraction of the time, and what is wrong shows with most of them.
    """
    here = view(exchange)
    yield from _named(here, _FIRST)
    for family in FAMILIES:
        if family.group == "rewrite":
            yield from map(bytewise, islice(family.plans(here), 1))
    for group in _PLAIN:
        yield from _group(here, group)
    yield from _named(here, (*_LAST, *_COSTLY))


def _all(here: View) -> Iterator[Plan]:
    yield UNBENT
    yield from _named(here, _FIRST)
    for plan in _group(here, "rewrite"):
        yield plan
        yield bytewise(plan)
    for number, plan in enumerate(_group(here, "text")):
        yield plan
        if number % _PLACES == 0:
            yield bytewise(plan)
    yield from _group(here, "ending")
    yield from _tandems(here)
    yield from _group(here, "meaning")
    yield from _cut_inside(here)
    yield from _group(here, "head")
    for plan in _named(here, ("end.clean", "end.blank", "end.behind", "meaning.error")):
        yield bytewise(plan)
    yield from _named(here, _LATER)
    yield from _named(here, _LAST)
    yield from _named(here, _COSTLY)


def _named(here: View, ids: tuple[str, ...]) -> Iterator[Plan]:
    for name in ids:
        yield from BY_ID[name].plans(here)


def _group(here: View, group: Group) -> Iterator[Plan]:
    for family in FAMILIES:
        if family.group == group and family.id not in _COSTLY:
            yield from family.plans(here)


def _cut_inside(here: View) -> Iterator[Plan]:
    """Rewrites and texts with a boundary inside or beside what was rewritten."""
    for family in FAMILIES:
        if family.group == "rewrite":
            for number, plan in enumerate(islice(family.plans(here), _SEAMS)):
                yield from at_seams(here.body, plan)
                if number < _PARTNERS:
                    yield from islice(inside(here.body, plan), _INNER)
        elif family.id in _BROKEN:
            for plan in islice(family.plans(here), 0, None, _PLACES):
                yield from islice(inside(here.body, plan), _INNER)


def _tandems(here: View) -> Iterator[Plan]:
    """Other line ends with each other rewrite: some bugs need a line that is not the last."""
    if not here.sse:
        return
    styles = islice(BY_ID["rewrite.line-ends"].plans(here), 2)
    for style, ending in zip(styles, (b"\r\n", b"\r"), strict=False):
        for family in FAMILIES:
            if family.group != "rewrite" or family.id == "rewrite.line-ends":
                continue
            for plan in islice(family.plans(here), _PARTNERS):
                both = merge(style, restyled(plan, ending))
                yield both
                yield bytewise(both)
