"""What a worker is asked to do with a case: requests of worker protocol v1, as text.

A search asks for one stream in thousands of ways, so what they have in common is spelt once.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from functools import lru_cache
from math import ceil

from replayfuzz import wire
from replayfuzz.drive import Asked
from replayfuzz.formats.json_object import json_object
from replayfuzz.search.case import Case
from replayfuzz.wire import Bent

PATIENCE = 1.5  # seconds that a library may wait in vain before its call counts as hung
OPEN_PATIENCE = 0.4  # the same where the stream stays open and silent: every case waits so long
MARGIN = 1.0  # seconds between the library's own time limit and ours
BYTES_A_SECOND = 500_000  # what the slowest reader worth waiting for still manages
STEP = 0.1  # seconds by which limits in memory differ: a client that was made for one serves many

_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


def in_memory(case: Case, patience: float, *, cuts: bool) -> Asked:
    """The request that brings the body with it.

    Args:
        case: What is shown.
        patience: Factor on the time limit.
        cuts: The worker takes the body and its boundaries, not the pieces.
    """
    exchange, head, bent = case.exchange, case.plan.head, case.bent
    seconds = round(ceil(limit(bent, PATIENCE) * patience / STEP) * STEP, 3)
    begun = _begun(exchange.dialect, case.variant, seconds, exchange.request.body)
    body = _cut(bent) if cuts else _pieces(wire.pieces(exchange, case.plan, bent))
    ending = "complete" if case.message_end == "complete" else "incomplete"
    status, fields = head.status or exchange.status, wire.response_fields(exchange, head)
    return Asked(f"{begun},{body},{_ended(status, fields, ending)}", _deadline(seconds, patience))


def over_socket(case: Case, patience: float, url: str) -> Asked:
    """The request that names the server, whose base URL is *url*; else as ``in_memory``."""
    exchange = case.exchange
    wait = OPEN_PATIENCE if case.message_end == "open" else PATIENCE
    seconds = limit(case.bent, wait) * patience
    begun = _begun(exchange.dialect, case.variant, seconds, exchange.request.body)
    return Asked(f'{begun},"url":{_ENCODE(url)}}}', _deadline(seconds, patience))


def _deadline(seconds: float, patience: float) -> float:
    return seconds + MARGIN * min(patience, 1.0)


def limit(bent: Bent, patience: float) -> float:
    """Seconds that a call with this stream may take; *patience* is for what is waited in vain."""
    waits = sum(seconds for _, seconds in bent.waits)
    # A boundary costs a round trip through two processes, a byte what the reader needs.
    return patience + waits + len(bent.body) / BYTES_A_SECOND + len(bent.cuts) / 2000


def _cut(bent: Bent) -> str:
    edges = sorted({at for at, _ in bent.cuts}.difference((0, len(bent.body))))
    return f'"body":"{_base64(bent.body)}","cuts":{edges}'


def _pieces(pieces: tuple[bytes, ...]) -> str:
    coded = ",".join([f'"{b2a_base64(each, newline=False).decode()}"' for each in pieces])
    return f'"pieces":[{coded}]'


@lru_cache(maxsize=64)
def _base64(body: bytes) -> str:
    return b2a_base64(body, newline=False).decode()


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
