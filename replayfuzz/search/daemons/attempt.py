"""One daemon, tried by hand-offs; it is started for each variant when that is first needed."""

from __future__ import annotations

import contextlib
import re
import shlex
import time
from contextlib import ExitStack
from dataclasses import replace

from replayfuzz import wire
from replayfuzz.daemon import Daemon
from replayfuzz.dialects import relayed
from replayfuzz.errors import HandOffError
from replayfuzz.handoff import Built, Client, Received, Running, hand_off, read_all
from replayfuzz.plan import HandOff
from replayfuzz.search.asked import MARGIN, OPEN_PATIENCE, PATIENCE, limit
from replayfuzz.search.case import UNBENT, Case, Oracle, Outcome, Over
from replayfuzz.search.daemons import abuses, streams
from replayfuzz.search.daemons.expect import relayed as expected
from replayfuzz.search.daemons.payload import default
from replayfuzz.search.held import Held, held
from replayfuzz.serve import Certificate, ReplayServer, Ticket
from replayfuzz.strategies.handoffs import MEANWHILE
from replayfuzz.target import Target
from replayfuzz.transcript import Beside, Delivery, Expected, Failure, Transcript
from replayfuzz.wire import Bent

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|AUTH", re.IGNORECASE)
LEAVE_SECONDS = 1.0
"""Within which an upstream request is to be given up once the client has left."""
SLOW_SECONDS = 3.0  # more for a client that takes its time
_LOOK = 0.002  # seconds between two looks at whether the upstream was asked
_LOOKS, _BETWEEN = 20, 0.03  # until it closes nothing more
DYING = 0.5  # seconds that a process may take to be gone
REFUSED = 1.0  # the same for one that does not take clients any more
FIRST = 4.0  # factor for the first call, in which a daemon may load what it needs


class InDaemon:
    """Tries cases on a daemon, with the replay server as its upstream.

    Args:
        target: What is driven, of kind ``daemon``.
        built: What ``handoff.build`` made of it.
    """

    def __init__(self, target: Target, built: Built) -> None:
        self.target = target
        self.version = built.version
        self.python = ""
        self.dialects = target.dialects
        self.variants = target.variants
        self._daemon = target.daemon or Daemon()
        self._built = built
        self._running: dict[str, Running] = {}
        self._warm: set[str] = set()
        self._server: ReplayServer | None = None
        self._last = ""
        self._died: dict[str, str] = {}
        self._mark = ""
        self._oracle = Oracle(project=self._project)

    def start(self) -> None:
        """Start one variant: what cannot start at all is told before the search.

        Raises:
            StartError: It does not start.
        """
        self._daemon_of(self.variants[0])

    def start_line(self, variant: str) -> str:
        """How a shell starts it, with ``{upstream}`` and ``{socket}`` left open.

        Values that look like a secret are left out: any will do with an upstream of ours.
        """
        given = {**self._daemon.environment, **self._daemon.way(variant).environment}
        filled = {name: self._built.fill(text) for name, text in given.items()}
        words = [
            f"{name}={'none' if _SECRET.search(name) else shell(text)}"
            for name, text in filled.items()
        ]
        words += [shell(self._built.fill(word)) for word in self.target.command]
        return f"cd {shell(str(self._built.here))} && {' '.join(words)}"

    def overs(self, case: Case) -> tuple[Over, ...]:
        """A stream for HTTP/2 is for the variants that speak it; a coding for who decodes it."""
        coding = case.plan.head.coding or case.exchange.coding
        if coding and coding not in self._daemon.coding:
            return ()
        speaks = self._daemon.protocol(case.variant)
        return ("tcp",) if case.exchange.protocol == speaks else ()

    def attempt(self, case: Case, over: Over = "tcp", patience: float = 1.0) -> Outcome:
        """See ``case.Attempt``.

        Raises:
            StartError: The daemon died, and does not start any more.
        """
        bent = case.bent
        if self._oracle.lacks_base(case, bent, over):
            self.attempt(replace(case, plan=UNBENT), over, patience)
        seen = self._tried(case, bent, patience)
        return Outcome(seen, self._oracle.judge(case, bent, seen, self.target))

    def held(self) -> Held | None:
        """What the variant that was tried last holds, once it has put its clients away."""
        running = self._running.get(self._last)
        if running is None:
            return None
        now = held(running.group)
        for _ in range(_LOOKS):
            running.await_death(_BETWEEN)
            before, now = now, held(running.group)
            if now is None or before is None or now.descriptors >= before.descriptors:
                break
        return now

    @property
    def untold(self) -> tuple[str, ...]:
        """Deaths that no case can be blamed for, in sentences."""
        return tuple(
            f"{self.target.name}: {variant} died between two cases, and was started again: {how}"
            for variant, how in self._died.items()
        )

    def close(self) -> None:
        for running in self._running.values():
            running.close()
        self._running.clear()
        if self._server is not None:
            self._server.__exit__(None, None, None)
            self._server = None

    # -- one case ----------------------------------------------------------------------

    def _tried(self, case: Case, bent: Bent, patience: float) -> Transcript:
        running = self._daemon_of(case.variant)
        if case.variant not in self._warm:
            self._warm.add(case.variant)
            patience = max(patience, FIRST)
        running.forget_log()
        began = time.perf_counter()
        with ExitStack() as kept:
            scene = abuses.Scene(running.socket, self._upstream(), case.exchange.protocol, kept)
            try:
                for name in case.plan.handoff.before:
                    abuses.commit(name, scene)
                seen = self._handed(case, bent, running, patience)
            except HandOffError as error:
                seen = Transcript((), "hang", Failure("HandOffError", str(error)))
        took = time.perf_counter() - began
        return self._after(case, bent, running, replace(seen, seconds=took))

    def _handed(self, case: Case, bent: Bent, running: Running, patience: float) -> Transcript:
        """Hand clients over, and read what they are given."""
        handoff, server = case.plan.handoff, self._upstream()
        protocol = case.exchange.protocol
        names = [f"client{number}" for number in range(1, handoff.beside + 1)]
        ticket = server.offer(wire.render(case.exchange, case.plan, bent))
        others = [server.offer(streams.stream(name, protocol)) for name in names]
        self._mark = ticket.mark
        seconds = self._seconds(case, bent, patience)
        try:
            with ExitStack() as open_now:
                clients = [Client(handoff.pair, reads=handoff.reads, leaves=handoff.leaves)]
                clients += [Client() for _ in others]
                for client in clients:
                    open_now.enter_context(client)
                self._give(clients, [ticket, *others], case, running)
                received, *beside = read_all(clients, seconds)
                if handoff.leaves is not None:
                    clients[0].close()
                    ticket.left(LEAVE_SECONDS * patience)
            delivery = ticket.finish(MARGIN)
        finally:
            for offered in (ticket, *others):
                offered.finish(MARGIN)
        seen = self._transcript(received, handoff, delivery)
        told = [self._told(each).transcript for each in beside]
        pairs = zip(names, told, strict=True)
        return replace(
            seen, beside=tuple(Beside(streams.said(name), other) for name, other in pairs)
        )

    def _give(
        self, clients: list[Client], tickets: list[Ticket], case: Case, running: Running
    ) -> None:
        """Hand all clients over; where the first one's stream pauses, the others come then."""
        own = case.plan.handoff.payload
        for number, (client, ticket) in enumerate(zip(clients, tickets, strict=True)):
            payload = own if own is not None and number == 0 else default(ticket.mark)
            began = time.perf_counter()
            client.gave(hand_off(running.socket, payload, (client.given.fileno(),)))
            # Not behind the upstream's clock, should we be kept waiting before we look again.
            client.began = began
            if number == 0 and len(clients) > 1 and case.bent.waits:
                asked = time.monotonic() + MEANWHILE
                while not ticket.requests and time.monotonic() < asked:
                    running.await_death(_LOOK)
                running.await_death(min(case.bent.waits[0][1], MEANWHILE) / 3)

    def _transcript(self, received: Received, handoff: HandOff, delivery: Delivery) -> Transcript:
        if handoff.leaves is not None:
            return Transcript((), "truncated", delivery=delivery, response=received.response)
        told = self._told(received)
        problems = tuple(f"{problem.kind}: {problem.what}" for problem in told.problems)
        return replace(told.transcript, delivery=delivery, problems=problems)

    def _told(self, received: Received) -> relayed.Relayed:
        return relayed.read(
            received.response,
            received.arrivals,
            self._daemon.output,
            hung=received.close == "silent",
        )

    def _after(self, case: Case, bent: Bent, running: Running, seen: Transcript) -> Transcript:
        """What the process is like now: a dead one crashed, one that hangs is started anew."""
        seen = replace(seen, stderr=running.log)
        # One that dies of a hand-off closes the client's socket a moment before it is gone.
        silent = seen.response is None or not seen.response.raw
        refused = seen.error is not None and seen.error.type == "HandOffError"
        if running.await_death(REFUSED if refused else DYING if silent else 0.0):
            crashed = Failure("crash", running.ending)
            self._drop(case.variant)
            return replace(seen, end="crash", error=crashed)
        waits = wire.message_end(case.exchange, case.plan, bent) == "open"
        if seen.end == "hang" and not waits:
            self._drop(case.variant)
        return seen

    # -- what it needs -----------------------------------------------------------------

    def _seconds(self, case: Case, bent: Bent, patience: float) -> float:
        still_open = wire.message_end(case.exchange, case.plan, bent) == "open"
        seconds = limit(bent, OPEN_PATIENCE if still_open else PATIENCE) * patience
        handoff = case.plan.handoff
        more = SLOW_SECONDS if handoff.reads != "all" else 0.0
        # A boundary is a round trip through TLS and two processes: 2 ms on a busy machine.
        more += len(bent.cuts) * 0.002
        return seconds + more + handoff.beside * 0.05

    def _project(self, wants: tuple[Expected, ...], case: Case) -> tuple[Expected, ...]:
        return expected(wants, self._daemon, case.plan.handoff, self._mark)

    def _upstream(self) -> ReplayServer:
        if self._server is None:
            ways = {self._daemon.way(variant).upstream for variant in self.variants}
            secure = ways & {"h2", "https"}
            server = ReplayServer(tls=Certificate.made() if secure else None)
            self._server = server.__enter__()
        return self._server

    def _daemon_of(self, variant: str) -> Running:
        self._last = variant
        running = self._running.get(variant)
        if running is not None and running.alive:
            return running
        if running is not None:
            self._died[variant] = running.ending
            self._drop(variant)
        base = self._upstream().base(self._daemon.way(variant).upstream)
        running = Running(self.target, variant, base, self._built)
        running.start()
        self._running[variant] = running
        if variant in self._warm:
            self._warm_up(running, self._daemon.protocol(variant))
        return running

    def _warm_up(self, running: Running, protocol: str) -> None:
        """Let a process that was started again load what it needs, so that cases need not wait."""
        ticket = self._upstream().offer(streams.stream("warm", protocol))
        with contextlib.suppress(HandOffError), Client() as client:
            client.gave(hand_off(running.socket, default(ticket.mark), (client.given.fileno(),)))
            client.read(PATIENCE * FIRST)
        ticket.finish(MARGIN)

    def _drop(self, variant: str) -> None:
        self._running.pop(variant).close()


def shell(word: str) -> str:
    """*word* for a shell; what is left open is put in later, and holds no blank or quote."""
    return word if re.fullmatch(r"[\w@%+=:,./{}-]+", word) else shlex.quote(word)
