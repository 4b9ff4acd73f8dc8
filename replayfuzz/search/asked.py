"""What a worker is asked to do with a case: requests of worker protocol v1, as text.

A search asks for one stream in thousands of ways, so what they have in common is spelt once.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import ceil
from operator import itemgetter

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.drive import Asked
from replayfuzz.formats.json_object import json_object
from replayfuzz.plan import Head, Layer
from replayfuzz.search.case import Case
from replayfuzz.strategies import Way
from replayfuzz.transcript import Delivery
from replayfuzz.wire import Bent

PATIENCE = 1.5  # seconds that a library may wait in vain before its call counts as hung
OPEN_PATIENCE = 0.4  # the same where the stream stays open and silent: every case waits so long
MARGIN = 1.0  # seconds between the library's own time limit and ours
BYTES_A_SECOND = 500_000  # what the slowest reader worth waiting for still manages
SWEEP = 2.0  # seconds more for a sweep, which is expected to take a quarter of them
STEP = 0.1  # seconds by which limits in memory differ: a client that was made for one serves many

_IN_MEMORY = Delivery("memory")
_AT: Callable[[tuple[int, Layer]], int] = itemgetter(0)
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


def in_memory(case: Case, patience: float, *, cuts: bool) -> Asked:
    """The request that brings the body with it.

    Args:
        case: What is shown.
        patience: Factor on the time limit.
        cuts: The worker takes the body and its boundaries, not the pieces.
    """
    bent = case.bent
    seconds = _seconds(case, patience)
    begun, ended = _around(case, seconds)
    body = _cut(bent) if cuts else _pieces(wire.pieces(case.exchange, case.plan, bent))
    return Asked(f"{begun},{body},{ended}", _deadline(seconds, patience), _IN_MEMORY)


def swept(case: Case, ways: Sequence[Way]) -> Asked:
    """The request that brings the body of *case*, and many ways of cutting it."""
    seconds = _seconds(case, 1.0)
    begun, ended = _around(case, seconds)
    told = ",".join([str([*way]) for way in ways])
    text = f'{begun},"body":"{_base64(case.bent.body)}","sweep":[{told}],{ended}'
    return Asked(text, _deadline(seconds, 1.0) + SWEEP, _IN_MEMORY)


def over_socket(case: Case, patience: float, url: str) -> Asked:
    """The request that names the server, whose base URL is *url*; else as ``in_memory``."""
    exchange = case.exchange
    wait = OPEN_PATIENCE if case.message_end == "open" else PATIENCE
    seconds = limit(case.bent, wait) * patience
    begun = _begun(exchange.dialect, case.variant, seconds, exchange.request.body)
    return Asked(f'{begun},"url":{_ENCODE(url)}}}', _deadline(seconds, patience))


def _seconds(case: Case, patience: float) -> float:
    return round(ceil(limit(case.bent, PATIENCE) * patience / STEP) * STEP, 3)


def _deadline(seconds: float, patience: float) -> float:
    return seconds + MARGIN * min(patience, 1.0)


def limit(bent: Bent, patience: float) -> float:
    """Seconds that a call with this stream may take; *patience* is for what is waited in vain."""
    waits = sum([seconds for _, seconds in bent.waits])
    # A boundary costs a round trip through two processes, a byte what the reader needs.
    return patience + waits + len(bent.body) / BYTES_A_SECOND + len(bent.cuts) / 2000


def _cut(bent: Bent) -> str:
    edges = dict.fromkeys(map(_AT, bent.cuts))  # sorted as they are; two layers may share one
    edges.pop(0, None)
    edges.pop(len(bent.body), None)
    return f'"body":"{_base64(bent.body)}","cuts":{[*edges]}'


def _pieces(pieces: tuple[bytes, ...]) -> str:
    coded = ",".join([f'"{b2a_base64(each, newline=False).decode()}"' for each in pieces])
    return f'"pieces":[{coded}]'


@lru_cache(maxsize=64)
def _base64(body: bytes) -> str:
    return b2a_base64(body, newline=False).decode()


def _around(case: Case, seconds: float) -> tuple[str, str]:
    """What stands before and behind the body."""
    exchange, head, end = case.exchange, case.plan.head, case.message_end
    # By identity: to compare two exchanges, or two heads, costs more than all the rest.
    key = (id(exchange), id(head), case.variant, seconds, end)
    known = _AROUND.get(key)
    if known is None:
        begun = _begun(exchange.dialect, case.variant, seconds, exchange.request.body)
        status, fields = head.status or exchange.status, wire.response_fields(exchange, head)
        ended = _ended(status, fields, "complete" if end == "complete" else "incomplete")
        known = (begun, ended), exchange, head
        if len(exchange.body) <= _SMALL:  # shrinking makes hundreds of large ones
            if len(_AROUND) >= _KEPT:
                _AROUND.clear()
            _AROUND[key] = known
    return known[0]


_KEPT, _SMALL = 256, 1 << 14
# With the objects themselves, so that their numbers are not others'.
_AROUND: dict[tuple[object, ...], tuple[tuple[str, str], Exchange, Head]] = {}


@lru_cache(maxsize=512)
def _begun(dialect: str, variant: str, seconds: float, body: bytes) -> str:
    asked = {
        "dialect": dialect,
        "variant": variant,
        "timeout": seconds,
        "request": json_object(body) or {},
    }
    return _ENCODE(asked)[:-1]


@lru_cache(maxsize=256)
def _ended(status: int, fields: tuple[tuple[str, str], ...], ending: str) -> str:
    # Nothing arrives at any time in memory.
    told = {"status": status, "fields": fields, "ending": ending, "times": False}
    return _ENCODE(told)[1:]
