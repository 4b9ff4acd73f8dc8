"""A target in a worker process, tried through memory or over a real socket."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace

from replayfuzz import wire
from replayfuzz.drive import Asked, Worker
from replayfuzz.environments import Environment
from replayfuzz.search import asked
from replayfuzz.search.case import UNBENT, Case, Oracle, Outcome, Over
from replayfuzz.search.held import Held, held
from replayfuzz.search.sweeps import cut
from replayfuzz.serve import ReplayServer
from replayfuzz.strategies import Way
from replayfuzz.strategies.handoffs import MEANWHILE
from replayfuzz.target import Target
from replayfuzz.transcript import Transcript

LEFT = 0.1  # seconds for what is still being sent when the library has raised an exception
LARGE, MANY = 1 << 17, 64  # bytes, and boundaries on a socket, that make a case slow
AT_ONCE = 120_000  # characters of requests that are sent before an answer is read
FIRST = 6.0  # factor for a worker's first call each way, in which libraries import the rest

_ON_SOCKETS = frozenset({"tcp", "head"})  # layers that nothing but a socket has


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
            seen = self._in_memory(case, patience)
        else:
            seen = self._over_socket(case, patience)
        return self._judged(case, seen)

    def together(self, cases: Sequence[Case]) -> list[Outcome]:
        """See ``ahead.Together``."""
        requests, size = [], 0
        for case in cases if self._ahead else ():
            if "memory" not in self.overs(case):
                break
            if self._oracle.lacks_base(case, case.bent, "memory"):
                break
            requests.append(self._asked(case, 1.0))
            size += len(requests[-1].text)
            if size > AT_ONCE:
                break
        seen = self._worker.calls(requests) if requests else []
        return [self._judged(case, one) for case, one in zip(cases, seen, strict=False)]

    def sweeps(self, case: Case) -> bool:
        """See ``sweeps.Sweeping``."""
        ready = self._worker.ready
        return ready is not None and ready.sweep and "memory" in self._warm and _fits_memory(case)

    def sweep(self, case: Case, ways: Sequence[Way]) -> list[tuple[Case, Outcome]]:
        """See ``sweeps.Sweeping``.

        Raises:
            StartError: The worker does not start any more.
        """
        found = []
        for first, seen in self._worker.sweep(asked.swept(case, ways)):
            # Its number is the target's word.
            if not 0 <= first < len(ways):
                return []
            shown = cut(case, ways[first])
            found.append((shown, self._judged(shown, seen)))
        return found

    @property
    def _ahead(self) -> bool:
        """Whether several requests can be sent at once. First calls take longer than others."""
        ready = self._worker.ready
        return ready is not None and ready.ahead and "memory" in self._warm

    def _judged(self, case: Case, seen: Transcript) -> Outcome:
        return Outcome(seen, self._oracle.judge(case, case.bent, seen, self.target))

    def held(self) -> Held | None:
        """See ``case.Attempt``."""
        group = self._worker.group
        return None if group is None else held(group)

    def close(self) -> None:
        self._worker.close()
        if self._server is not None:
            self._server.__exit__(None, None, None)
            self._server = None

    def _in_memory(self, case: Case, patience: float) -> Transcript:
        return self._worker.calls([self._asked(case, patience)])[0]

    def _asked(self, case: Case, patience: float) -> Asked:
        ready = self._worker.ready
        return asked.in_memory(case, patience, cuts=ready is not None and ready.cuts)

    def _over_socket(self, case: Case, patience: float) -> Transcript:
        ticket = self._listening().offer(wire.render(case.exchange, case.plan, case.bent))
        seen = self._worker.calls([asked.over_socket(case, patience, ticket.url)])
        # Whoever raises reads no further, and may leave its connection open.
        left = LEFT if seen[0].end == "error" else asked.MARGIN
        return replace(seen[0], delivery=ticket.finish(left))

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
    bent = case.bent
    if not _ON_SOCKETS.isdisjoint([layer for _, layer in bent.cuts]):
        return False
    return not bent.waits and case.message_end != "open"


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
