"""What can be played, by name: cassettes, and the bends of each."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from replayfuzz import dialects
from replayfuzz.cassette import GUESSES, Exchange
from replayfuzz.errors import UsageError
from replayfuzz.plan import ENDINGS, Plan, from_json
from replayfuzz.strategies import FAMILIES, Family, View, view

UNBENT = "none"
"""Name of the empty plan: no bend, also where one is applied by default."""

_PATHS = (
    # What base URLs with and without a version, and names in a path, make of the APIs' paths.
    *((dialect, ending) for dialect, ending, _ in GUESSES if ending),
    ("anthropic.messages", r"^(?!.*/threads/).*/messages"),
)
_NUMBERED = re.compile(r"(.+?)(?:#([0-9]{1,9}))?")


class Library:
    """Cassettes and plans by name; every fault is an error that names the nearest.

    Attributes:
        exchanges: By name; a later one of the same name wins.
        plans: Those that were given as files, by name.
    """

    def __init__(self, exchanges: Iterable[Exchange], plans: Mapping[str, Plan]) -> None:
        self.exchanges = {exchange.name: exchange for exchange in exchanges}
        self.plans = dict(plans)

    def exchange(self, name: str) -> Exchange:
        """The cassette of that name.

        Raises:
            UsageError: There is none.
        """
        if name not in self.exchanges:
            raise UsageError(_unknown("cassette", name, self.exchanges))
        return self.exchanges[name]

    def of_path(self, path: str, query: str = "") -> Exchange | None:
        """The first plain cassette of the provider API that has its streams at *path*."""
        names = _at(path, query)
        found = [item for item in self.exchanges.values() if item.dialect in names]
        return min(found, key=lambda item: not item.name.endswith("/plain"), default=None)

    def plan(self, name: str, exchange: Exchange) -> Plan:
        """The plan that *name* stands for on *exchange*.

        Args:
            name: ``none``; the name of a given plan; a plan as JSON text; or a family, or a
                kind of edit, with ``#n`` for the n-th plan of it.
            exchange: What is to be bent.

        Raises:
            UsageError: No such plan.
            PlanError: The JSON is no plan.
        """
        if name in self.plans:
            return self.plans[name]
        if name == UNBENT:
            return Plan()
        if name.startswith("{"):
            return _inline(name)
        match = _NUMBERED.fullmatch(name)
        kind, number = (match[1], int(match[2] or 1)) if match else (name, 1)
        found = bends(exchange, kind)
        if not found and kind not in known():
            raise UsageError(_unknown("plan", kind, (*known(), *self.plans, UNBENT)))
        if not 1 <= number <= len(found):
            raise UsageError(
                f"{exchange.name} has {len(found)} plans of {kind}, so no #{number}; "
                "GET /_replayfuzz/plans?name=… lists them"
            )
        return found[number - 1]


@lru_cache(maxsize=256)
def bends(exchange: Exchange, kind: str) -> tuple[Plan, ...]:
    """The plans of a family, or those that do nothing but edits of one kind.

    Those of a kind come from many families: the nearest to the middle of the body is first,
    because a stream that breaks there is what most ask for. Unlike in a search, the recorded
    boundaries and times are kept, except where boundaries or times are what is bent.
    """
    here = view(exchange)
    for family in FAMILIES:
        if family.id == kind:
            return tuple(_paced(family, family.plans(here)))
    found = [plan for plan in _of_kind(here, kind) if plan.edits]
    return tuple(sorted(found, key=lambda plan: _from_middle(plan, len(exchange.body))))


@lru_cache(maxsize=1)
def known() -> tuple[str, ...]:
    """Every name that can stand for a bend; some have plans on some streams only."""
    ends = (f"end.{how}" for how in ENDINGS)
    return tuple(dict.fromkeys((*(family.id for family in FAMILIES), *ends)))


def _at(path: str, query: str) -> set[str]:
    """The dialects that have their streams at *path*, most of all as clients ask for them."""
    for dialect, ending in _PATHS:
        if re.search(f"(?:{ending})$", path) and dialect in dialects.NAMES:
            whole = dialect == "gemini.stream" and "alt=sse" not in query.split("&")
            return {"gemini.stream_array" if whole else dialect}
    return {dialect.name for dialect in dialects.DIALECTS if path.endswith(dialect.path)}


def _of_kind(here: View, kind: str) -> Iterator[Plan]:
    for family in FAMILIES:
        yield from _paced(family, (p for p in family.plans(here) if p.kinds == (kind,)))


def _paced(family: Family, plans: Iterable[Plan]) -> Iterator[Plan]:
    keep = family.group not in ("cut", "time")
    for plan in plans:
        yield replace(plan, keep_chunks=keep, keep_times=keep)


def _from_middle(plan: Plan, size: int) -> float:
    return min(abs(edit.at - size / 2) for edit in plan.edits)


def _inline(text: str) -> Plan:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the plan is no JSON: {error}") from error
    return from_json({"version": 1, **value} if isinstance(value, dict) else value)


def _unknown(what: str, name: str, names: Iterable[str]) -> str:
    every = sorted(names)
    near = difflib.get_close_matches(name, every, n=5, cutoff=0.3) or every[:5]
    return f"there is no {what} {name[:200]!r}; the nearest are {', '.join(near)}"
