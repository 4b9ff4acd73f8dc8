"""Streams as a variant of a target takes them: a daemon's upstream may speak HTTP/2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.search.case import Case
from replayfuzz.search.draws import Choice
from replayfuzz.search.order import all_cases
from replayfuzz.target import Target

Drawn = tuple[Case, tuple[Choice, ...]]


def dressed(target: Target, exchange: Exchange, variant: str) -> Exchange:
    """*exchange* over the protocol that *variant* speaks to its upstream."""
    if target.daemon is None:
        return exchange
    return wire.over(exchange, target.daemon.protocol(variant))


def cases(
    target: Target,
    exchanges: Sequence[Exchange],
    variants: Sequence[str],
    seed: str,
    part: tuple[int, int],
) -> Iterator[Drawn]:
    """Every case of a target, see ``all_cases``; the protocols of its variants take turns."""
    if target.daemon is None:
        return all_cases(exchanges, variants, seed, part)
    groups: dict[str, list[str]] = {}
    for variant in variants:
        groups.setdefault(target.daemon.protocol(variant), []).append(variant)
    return _turns(
        [
            all_cases(
                [dressed(target, exchange, names[0]) for exchange in exchanges],
                names,
                seed,
                part,
                handoffs=True,
            )
            for names in groups.values()
        ]
    )


def _turns(sources: Sequence[Iterator[Drawn]]) -> Iterator[Drawn]:
    for source in cycle(sources):
        yield next(source)
