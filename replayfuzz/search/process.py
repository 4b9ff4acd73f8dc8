"""A target in a worker process, tried through memory or over a real socket."""

from __future__ import annotations

import base64
import json
import platform
from dataclasses import replace
from functools import lru_cache
from typing import Any

from replayfuzz import wire
from replayfuzz.drive import Worker
from replayfuzz.environments import Environment
from replayfuzz.plan import Cut, Slice
from replayfuzz.search.case import UNBENT, Case, Oracle, Outcome, Over
from replayfuzz.search.held import Held, held
from replayfuzz.serve import ReplayServer
from replayfuzz.strategies.handoffs import MEANWHILE
from replayfuzz.target import Target
from replayfuzz.transcript import Delivery, Transcript
from replayfuzz.wire import Bent

PATIENCE = 1.5  # seconds that a library may wait in vain before its call counts as hung
OPEN_PATIENCE = 0.4  # the same where the stream stays open and silent: every case waits so long
MARGIN = 1.0  # seconds between the library's own time limit and ours
BYTES_A_SECOND = 500_000  # what the slowest reader worth waiting for still manages
LARGE, MANY = 1 << 17, 300  # bytes, and boundaries on a socket, that make a case slow
FIRST = 6.0  # factor for a worker's first call each way, in which libraries import the rest


class InWorker:
    """Tries cases on a worker process; the replay server starts when it is first needed.

    Args:
        target: What is driven.
        environment: Where its package is installed.
    """

    def __init__(self, target: Target, environment: Environment) -> None:
        self.target = target
        self.version = environment.version
        # Isolated environments are made from the interpreter that we run on.
        self.python = platform.python_version()
        self._worker = Worker(target, environment.command(target), variables=environment.variables)
        self._server: ReplayServer | None = None
        self._oracle = Oracle()
        self._warm: set[Over] = set()
        self.dialects = target.dialects
        self.variants = target.variants

    def start(self) -> None:
        """Start the worker and take from it what it can do.

        Raises:
            StartError: It does not start.
        """
        ready = self._worker.start()
        self.version = ready.version or self.version
        self.dialects = ready.dialects or self.dialects
        self.variants = ready.variants or self.variants

    def overs(self, case: Case) -> tuple[Over, ...]:
        ready = self._worker.ready
        if ready is not None and ready.memory and _fits_memory(case):
            return ("memory", "tcp")
        return ("tcp",)

    def attempt(self, case: Case, over: Over, patience: float = 1.0) -> Outcome:
        """See ``case.Attempt``.

        Raises:
            StartError: The worker died, and does not start any more.
        """
        bent = case.bent
        if self._oracle.lacks_base(case, bent, over):
            self.attempt(replace(case, plan=UNBENT), over, patience)
        if over not in self._warm:
            self._warm.add(over)
            patience = max(patience, FIRST)
        if over == "memory":
            seen = self._in_memory(case, bent, patience)
        else:
            seen = self._over_socket(case, bent, patience)
        return Outcome(seen, self._oracle.judge(case, bent, seen, self.target))

    def held(self) -> Held | None:
        """See ``case.Attempt``."""
        group = self._worker.group
        return None if group is None else held(group)

    def close(self) -> None:
        self._worker.close()
        if self._server is not None:
            self._server.__exit__(None, None, None)
            self._server = None

    def _in_memory(self, case: Case, bent: Bent, patience: float) -> Transcript:
        exchange, head = case.exchange, case.plan.head
        pieces = wire.pieces(exchange, case.plan, bent)
        whole = case.message_end == "complete"
        seconds = limit(bent, PATIENCE) * patience
        seen = self._worker.call(
            {
                **_asked(case, seconds),
                "pieces": [base64.b64encode(piece).decode() for piece in pieces],
                "status": head.status or exchange.status,
                "fields": wire.response_fields(exchange, head),
                "ending": "complete" if whole else "incomplete",
                "times": False,  # nothing arrives at any time
            },
            seconds + MARGIN,
        )
        return replace(seen, delivery=Delivery("memory", len(pieces)))

    def _over_socket(self, case: Case, bent: Bent, patience: float) -> Transcript:
        still_open = case.message_end == "open"
        seconds = limit(bent, OPEN_PATIENCE if still_open else PATIENCE) * patience
        ticket = self._listening().offer(wire.render(case.exchange, case.plan, bent))
        seen = self._worker.call({**_asked(case, seconds), "url": ticket.url}, seconds + MARGIN)
        return replace(seen, delivery=ticket.finish(MARGIN))

    def _listening(self) -> ReplayServer:
        if self._server is None:
            server = ReplayServer()
            self._server = server.__enter__()
        return self._server


def _fits_memory(case: Case) -> bool:
    """Nothing in the plan needs a socket to be seen."""
    plan = case.plan
    head = plan.head
    if head.framing or head.coding or head.case or head.extension or head.trailers:
        return False
    if case.exchange.coding:
        return False
    if any(isinstance(edit, Cut | Slice) and edit.layer in ("tcp", "head") for edit in plan.edits):
        return False
    bent = case.bent
    return not bent.waits and case.message_end != "open"


def _asked(case: Case, seconds: float) -> dict[str, Any]:
    return {
        "dialect": case.exchange.dialect,
        "variant": case.variant,
        "timeout": seconds,
        "request": _request(case.exchange.request.body),
    }


@lru_cache(maxsize=64)
def _request(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def limit(bent: Bent, patience: float) -> float:
    """Seconds that a call with this stream may take; *patience* is for what is waited in vain."""
    waits = sum(seconds for _, seconds in bent.waits)
    # A boundary costs a round trip through two processes, a byte what the reader needs.
    return patience + waits + len(bent.body) / BYTES_A_SECOND + len(bent.cuts) / 2000


def slow(case: Case) -> bool:
    """Whether trying this case is likely to take long: many boundaries on a socket, many
    bytes, or a target that waits in vain.
    """
    bent, handoff = case.bent, case.plan.handoff
    if handoff.beside and sum(seconds for _, seconds in bent.waits) <= MEANWHILE:
        return len(bent.body) > LARGE  # the others are served in the meantime
    if bent.waits or len(bent.body) > LARGE:
        return True
    if handoff.leaves is not None:
        return False  # nobody waits for what the upstream does not say
    if case.message_end == "open":
        return True
    return len(bent.cuts) > MANY and not _fits_memory(case)
