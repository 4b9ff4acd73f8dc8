"""All families of bends, tamest first, and the plans that one exchange can be bent by."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Pause, Plan, Splice
from replayfuzz.strategies import (
    cuts,
    endings,
    frames,
    heads,
    lines,
    meaning,
    messages,
    raw,
    shapes,
    sizes,
    spelling,
    texts,
    timing,
    tools,
)
from replayfuzz.strategies.family import Family, spread
from replayfuzz.strategies.view import View, view

FAMILIES: tuple[Family, ...] = (
    *cuts.FAMILIES,
    *frames.CUTS,
    *lines.FAMILIES,
    *spelling.FAMILIES,
    *messages.REWRITES,
    *heads.FAMILIES,
    *frames.HEADS,
    *texts.FAMILIES,
    *meaning.FAMILIES,
    *shapes.FAMILIES,
    *tools.FAMILIES,
    *raw.FAMILIES,
    *messages.MEANINGS,
    *endings.FAMILIES,
    *frames.ENDINGS,
    *sizes.FAMILIES,
    *timing.FAMILIES,
)

BY_ID: dict[str, Family] = {family.id: family for family in FAMILIES}

_SLOW = frozenset({"end.stall", "meaning.status", "time.pause", "time.drip", "size.event"})
"""Families that cost a target wall time: each plan is tried once, none is combined."""

_DRAWN_CUTS = frozenset({"cut.hot", "cut.pair", "cut.single"})
"""Families whose single cuts ``plans`` draws by their place."""

_OF_A_FAMILY = 24  # moves of one family, so that no family drowns the others
_LOOKED_AT = 200
_BYTES = 16_384  # inserted by one move


@lru_cache(maxsize=64)
def moves(exchange: Exchange) -> tuple[Plan, ...]:
    """What can be combined with anything else: a fair share of each family, tamest first."""
    here = view(exchange)
    found: dict[Plan, None] = {}
    for family in FAMILIES:
        if family.id not in _SLOW | _DRAWN_CUTS:
            found.update(dict.fromkeys(_share(family, here)))
    return tuple(found)


def _share(family: Family, here: View) -> Iterator[Plan]:
    plans = [plan for plan in islice(family.plans(here), _LOOKED_AT) if _is_light(plan)]
    yield from spread(plans, _OF_A_FAMILY)


def _is_light(plan: Plan) -> bool:
    inserted = sum(len(edit.insert) for edit in plan.edits if isinstance(edit, Splice))
    return inserted <= _BYTES and not any(isinstance(edit, Pause) for edit in plan.edits)
