"""One scenario on a daemon that runs: the upstream plays, a client is handed over and reads."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.daemon import Daemon
from replayfuzz.errors import HandOffError
from replayfuzz.handoff import Client, Received, Running, hand_off
from replayfuzz.plan import Plan
from replayfuzz.scenarios import Measured, Outcome, Result, Scenario, Seen, judge, seen
from replayfuzz.serve import ReplayServer, Ticket
from replayfuzz.transcript import Response

_LEFT = 1.0  # seconds for the upstream to end when its client has what it wants
_ALIVE, _DYING = 0.002, 0.2  # seconds that a process may take to be gone: all came, or not
_LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario with the stream that its upstream plays, bent as the scenario says."""

    scenario: Scenario
    exchange: Exchange
    plan: Plan


@dataclass(frozen=True, slots=True)
class Stage:
    """Where scenarios are played.

    Attributes:
        daemon: What *running* is declared to do.
        server: Its upstream; *base*: the URL of that, without a path.
        seconds: What one scenario may take.
    """

    daemon: Daemon
    running: Running
    server: ReplayServer
    base: str
    seconds: float


def trial(played: Played, stage: Stage, died: str = "") -> Result:
    """Play one scenario and judge what came of it.

    Args:
        played: The scenario.
        stage: With a daemon that runs.
        died: How the daemon was found dead since the scenario before; empty: it was not.

    Raises:
        ReplayfuzzError: The replay server has died.
    """
    stage.running.forget_log()
    began = time.perf_counter()
    facts = _facts(played, stage)
    took = time.perf_counter() - began
    outcomes = judge(played.scenario.checks, facts)
    if stage.running.await_death(_DYING if facts.failure else _ALIVE):
        outcomes = (*outcomes, _dead(stage.running.ending))
    if died:
        outcomes = (_dead(f"after the scenario before, {died}"), *outcomes)
    response = facts.response
    result = Result(
        played.scenario,
        outcomes,
        took,
        facts.failure,
        measured=Measured(response.handoff, response.first, response.total, len(response.raw)),
    )
    return replace(result, log=_last(stage.running.log)) if result.failed else result


def _dead(how: str) -> Outcome:
    return Outcome("daemon_alive", passed=False, message="the daemon lives on", details=how)


def _last(log: str) -> str:
    return "\n".join(line for line in log.splitlines()[-_LOG_LINES:] if line.strip())


def _facts(played: Played, stage: Stage) -> Seen:
    """Everything that can be seen of the scenario from outside."""
    protocol = stage.daemon.protocol(stage.running.variant)
    exchange = wire.over(played.exchange, protocol)
    bent = wire.bend(exchange, played.plan)
    ticket = stage.server.offer(wire.render(exchange, played.plan, bent))
    try:
        facts = _handed(played.scenario, stage)
    finally:
        request = _request(ticket)
    return replace(facts, request=request, sent=bent.body, declared=stage.daemon.fields)


def _request(ticket: Ticket) -> bytes:
    """What the upstream was asked, once it has nothing more to say."""
    return ticket.finish(_LEFT).request


def _handed(scenario: Scenario, stage: Stage) -> Seen:
    with ExitStack() as open_now:
        client = open_now.enter_context(Client(scenario.pair))
        fds = [client.given.fileno()]
        if scenario.fds == "two":
            other = socket.socketpair()
            fds.append(other[0].fileno())
            for end in other:
                open_now.enter_context(end)
        message = scenario.message(f"{stage.base}/v1")
        try:
            client.gave(hand_off(stage.running.socket, message, fds))
        except HandOffError as error:
            return Seen(Response(), str(error))
        received = client.read(stage.seconds)
    return replace(
        seen(received.response),
        failure=_failure(received, stage.seconds),
        silent=received.close == "silent",
    )


def _failure(received: Received, seconds: float) -> str:
    """Why the response did not arrive whole; empty: it did."""
    came = f"{len(received.response.raw):,} bytes"
    match received.close:
        case "silent":
            return f"no end of the response within {seconds:g} s; {came} came"
        case "reset":
            return f"the client's connection was reset after {came}"
    if not received.response.raw:
        return "the client's connection was closed without a response"
    if received.fault:
        return f"not an HTTP response: {received.fault}"
    return "" if received.response.whole else f"the response broke off after {came}"
