"""In which order cases are tried: every kind of bend is seen early, on every stream."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count, zip_longest
from random import Random
from typing import Literal, NamedTuple

from hypothesis.strategies import SearchStrategy

from replayfuzz import strategies
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Plan
from replayfuzz.search.case import UNBENT, Case
from replayfuzz.search.draws import Choice, Draws

EXPLORE_EVERY = 6
"""One case in so many is drawn at random while the schedule lasts: it is the schedule that
finds most, and a long one must not keep the families from being combined."""

CALM = 60
"""Cases of a daemon's schedule among which none is drawn: one part of a hand-off that is out of
the ordinary is told in milliseconds, and eight of them at once take a daemon's whole time."""


def unbent(exchanges: Sequence[Exchange], variants: Sequence[str]) -> Iterator[Case]:
    """Every stream as recorded, for every variant: what fails here needs no bend."""
    for exchange in exchanges:
        for variant in variants:
            yield Case(exchange, UNBENT, variant)


class Unit(NamedTuple):
    """What is tried early, once: one way to bend, wherever in a stream, or one hand-off.

    Attributes:
        kinds: Of its edits.
        words: What they do, without numbers; of a daemon's cases only the hand-off's.
    """

    kinds: tuple[str, ...]
    words: tuple[str, ...]


Turn = tuple[Exchange, tuple[Plan, ...]]
"""The plans of one unit for one stream."""

APART = 2
"""Rounds from one plan to the next of a unit that bends in several ways at once. There are as
many of these as of the others, and an endless supply of them is drawn at random besides."""


def scheduled(
    exchanges: Sequence[Exchange], variants: Sequence[str], seed: int, *, handoffs: bool = False
) -> Iterator[Case]:
    """The fixed schedule of every stream for every variant, each case once.

    Round by round: a plan of every unit, for another stream and variant in each, and of every
    kind before a second one of any. A round of kinds, each on every stream, would be ten times
    as long: a family may have forty members that have nothing in common, and on most streams
    each of them finds what it does on one.
    """
    first: set[Case] = set()
    if not handoffs:
        # Without the long part of the schedule, which takes a while to make: that is done at
        # the end of this round, a stream between two cases, so that a run can look at its clock.
        plain = _units(exchanges, seed, "plain")
        for place, (_, streams) in enumerate(plain):
            early = next(_turns(streams, place, variants))
            if early not in first:
                first.add(early)
                yield early
            left = len(plain) - place - 1
            if left < len(exchanges):
                _by_unit(exchanges[left], seed, "all")
    units = _units(exchanges, seed, "handoffs" if handoffs else "all")
    going = [
        (_turns(streams, place, variants), APART if len(unit.kinds) > 1 and not handoffs else 1)
        for place, (unit, streams) in enumerate(units)
    ]
    for number in count(1):
        if not going:
            return
        ended: list[int] = []
        for place, (cases, apart) in enumerate(going):
            if number % apart == 0:
                case = next(cases, None)
                if case is None:
                    ended.append(place)
                elif case not in first:
                    yield case
        for place in reversed(ended):
            del going[place]


def first_round(exchanges: Sequence[Exchange], variants: Sequence[str]) -> int:
    """After how many cases of ``all_cases`` every way to bend was seen once, without hand-offs."""
    units = len(_units(exchanges, 0, "plain"))
    return len(exchanges) * len(variants) + units + units // EXPLORE_EVERY


def _turns(streams: Sequence[Turn], place: int, variants: Sequence[str]) -> Iterator[Case]:
    """The cases of one unit: the streams take turns, and so do the variants."""
    shift = place % len(streams)
    rows = zip_longest(*(plans for _, plans in (*streams[shift:], *streams[:shift])))
    order = [exchange for exchange, _ in (*streams[shift:], *streams[:shift])]
    cases = [
        (exchange, plan)
        for row in rows
        for exchange, plan in zip(order, row, strict=True)
        if plan is not None
    ]
    many = len(streams)
    for turn in range(len(variants)):
        for number, (exchange, plan) in enumerate(cases):
            # Not in step with the streams: each of them is to be seen by every variant soon.
            which = place // many + number + number // many + turn
            yield Case(exchange, plan, variants[which % len(variants)])


Part = Literal["plain", "all", "handoffs"]
"""Of the schedule; the last one is all, with hand-offs."""


def _units(exchanges: Sequence[Exchange], seed: int, part: Part) -> list[tuple[Unit, list[Turn]]]:
    found: dict[Unit, list[Turn]] = {}
    for exchange in exchanges:
        for unit, plans in _by_unit(exchange, seed, part).items():
            found.setdefault(unit, []).append((exchange, plans))
    order = _by_turns(list(found)) if part == "handoffs" else _by_kind(found)
    return [(unit, found[unit]) for unit in order]


def _by_kind(units: Iterable[Unit]) -> list[Unit]:
    """The first unit of every kind, then the second ones: a slow target sees all of them too."""
    kinds: dict[tuple[str, ...], list[Unit]] = {}
    for unit in units:
        kinds.setdefault(unit.kinds, []).append(unit)
    return [unit for row in zip_longest(*kinds.values()) for unit in row if unit is not None]


_EARLY = ("meaning.status", "end.stall", "time.pause")
"""Kinds that the schedule has last; a daemon answers errors itself, and minds its clients."""


def _by_turns(units: Sequence[Unit]) -> list[Unit]:
    """The same, hand-offs and streams by turns, and hand-offs family by family.

    Each family of hand-offs, of which one has forty members, is seen with the first streams.
    """
    families: dict[str, list[Unit]] = {}
    streams: list[Unit] = []
    for unit in units:
        family = next((part for part in unit.kinds if part.startswith("handoff.")), "")
        if family or unit.kinds[0] in _EARLY:
            families.setdefault(family or unit.kinds[0], []).append(unit)
        else:
            streams.append(unit)
    rows = zip_longest(*families.values())
    handed = [unit for row in rows for unit in row if unit is not None]
    pairs = zip_longest(streams, handed)
    return [unit for pair in pairs for unit in pair if unit is not None]


@lru_cache(maxsize=512)
def _by_unit(exchange: Exchange, seed: int, part: Part) -> dict[Unit, tuple[Plan, ...]]:
    """The schedule by unit: the first of each as it comes, the others spread over the body."""
    handoffs = part == "handoffs"
    plans = strategies.schedule(exchange, handoffs=handoffs)
    groups: dict[Unit, list[Plan]] = {}
    for plan in strategies.plain(exchange) if part == "plain" else plans:
        if plan != UNBENT:
            groups.setdefault(_handed(plan) if handoffs else _unit(plan), []).append(plan)
    mixed = {}
    for unit, (first, *others) in groups.items():
        Random(f"{seed}/{exchange.name}/{unit}").shuffle(others)
        mixed[unit] = (first, *others)
    return mixed


def _handed(plan: Plan) -> Unit:
    """Hand-offs of one family have nothing in common that one of them could show for all."""
    return Unit(plan.kinds, (plan.handoff.label,))


def _unit(plan: Plan) -> Unit:
    named = {(edit.kind, edit.label) for edit in plan.edits}
    if plan.head.kind:
        named.add((plan.head.kind, plan.head.label))
    return _named(frozenset(named))


@lru_cache(maxsize=8192)
def _named(edits: frozenset[tuple[str, str]]) -> Unit:
    kinds = sorted({kind for kind, _ in edits if kind})
    return Unit(tuple(kinds), tuple(sorted({_NUMBERS.sub("", label) for _, label in edits})))


_NUMBERS = re.compile(r"\d+")


def drawn(
    exchanges: Sequence[Exchange],
    variants: Sequence[str],
    random: Random,
    *,
    handoffs: bool = False,
) -> Iterator[tuple[Case, tuple[Choice, ...]]]:
    """Random compositions without end, each with the choices that Hypothesis can shrink."""
    draws = Draws(random)
    known: dict[Exchange, SearchStrategy[Plan]] = {}
    while True:
        exchange = exchanges[int(random.random() * len(exchanges))]
        variant = variants[int(random.random() * len(variants))]
        strategy = known.get(exchange)
        if strategy is None:  # it takes a while to make one
            strategy = known[exchange] = strategies.plans(exchange, handoffs=handoffs)
        plan = draws.draw_from(strategy)
        yield Case(exchange, plan, variant), tuple(draws.choices)


def all_cases(
    exchanges: Sequence[Exchange],
    variants: Sequence[str],
    seed: str,
    part: tuple[int, int],
    *,
    handoffs: bool = False,
) -> Iterator[tuple[Case, tuple[Choice, ...]]]:
    """Everything in the order of DESIGN 9; it never ends.

    Args:
        exchanges: At least one.
        variants: At least one.
        seed: Decides the random part.
        part: ``(k, n)``: of the fixed cases only each n-th, from the k-th on; the random
            ones differ for each k.
        handoffs: The target is a daemon, whose clients are bent too.
    """
    k, n = part
    for number, case in enumerate(unbent(exchanges, variants)):
        if number % n == k:
            yield case, ()
    random = drawn(exchanges, variants, Random(f"{seed}/{k}"), handoffs=handoffs)
    for number, case in enumerate(scheduled(exchanges, variants, 0, handoffs=handoffs)):
        if number % n != k:
            continue
        yield case, ()
        calm = handoffs and number < CALM
        if number // n % EXPLORE_EVERY == EXPLORE_EVERY - 1 and not calm:
            yield next(random)
    yield from random
