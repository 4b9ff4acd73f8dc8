"""In which order cases are tried: every kind of bend is seen early, on every stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count, zip_longest
from random import Random

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


def scheduled(
    exchanges: Sequence[Exchange], variants: Sequence[str], seed: int, *, handoffs: bool = False
) -> Iterator[Case]:
    """The fixed schedule of every stream for every variant, each case once.

    Round by round: one plan of every kind for every stream, then the next one of each. In
    the first pass the variants take turns; the later ones fill in what is left.
    """
    for turn in range(len(variants)):
        for number, (exchange, plan) in enumerate(_rounds(exchanges, seed, handoffs)):
            yield Case(exchange, plan, variants[(number + turn) % len(variants)])


def _rounds(
    exchanges: Sequence[Exchange], seed: int, handoffs: bool
) -> Iterator[tuple[Exchange, Plan]]:
    grouped = [(exchange, _by_kind(exchange, seed, handoffs)) for exchange in exchanges]
    kinds = list(dict.fromkeys(kind for _, groups in grouped for kind in groups))
    if handoffs:
        kinds = _by_turns(kinds)
    for number in count():
        longest = 0
        for shift in range(len(grouped)):
            for place, kind in enumerate(kinds):
                exchange, groups = grouped[(place + shift) % len(grouped)]
                plans = groups.get(kind, ())
                longest = max(longest, len(plans))
                if number < len(plans):
                    yield exchange, plans[number]
        if number + 1 >= longest:
            return


Kind = tuple[str, ...]
"""Kinds of edits of a plan, and the label of its hand-off: what is tried early on each stream."""

_EARLY = ("meaning.status", "end.stall", "time.pause")
"""Kinds that the schedule has last; a daemon answers errors itself, and minds its clients."""


def _by_turns(kinds: Sequence[Kind]) -> list[Kind]:
    """The same, hand-offs and streams by turns, and hand-offs family by family.

    Each family of hand-offs, of which one has forty members, is seen with the first streams.
    """
    families: dict[str, list[Kind]] = {}
    streams: list[Kind] = []
    for kind in kinds:
        family = next((part for part in kind if part.startswith("handoff.")), "")
        if family or kind[0] in _EARLY:
            families.setdefault(family or kind[0], []).append(kind)
        else:
            streams.append(kind)
    rows = zip_longest(*families.values())
    handed = [kind for row in rows for kind in row if kind is not None]
    pairs = zip_longest(streams, handed)
    return [kind for pair in pairs for kind in pair if kind is not None]


@lru_cache(maxsize=128)
def _by_kind(exchange: Exchange, seed: int, handoffs: bool) -> dict[Kind, tuple[Plan, ...]]:
    """The schedule by kind: the first of each as it comes, the others spread over the body."""
    groups: dict[Kind, list[Plan]] = {}
    for plan in strategies.schedule(exchange, handoffs=handoffs):
        if plan != UNBENT:
            # Hand-offs of one family have nothing in common that one of them could show for all.
            groups.setdefault((*plan.kinds, plan.handoff.label), []).append(plan)
    mixed = {}
    for kind, (first, *others) in groups.items():
        Random(f"{seed}/{exchange.name}/{kind}").shuffle(others)
        mixed[kind] = (first, *others)
    return mixed


def drawn(
    exchanges: Sequence[Exchange],
    variants: Sequence[str],
    random: Random,
    *,
    handoffs: bool = False,
) -> Iterator[tuple[Case, tuple[Choice, ...]]]:
    """Random compositions without end, each with the choices that Hypothesis can shrink."""
    draws = Draws(random)
    strategy = {each.name: strategies.plans(each, handoffs=handoffs) for each in exchanges}
    while True:
        exchange = exchanges[int(random.random() * len(exchanges))]
        variant = variants[int(random.random() * len(variants))]
        plan = draws.draw_from(strategy[exchange.name])
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
