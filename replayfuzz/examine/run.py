"""Examines daemons: builds and starts each, and puts it through the scenarios."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from replayfuzz import handoff, wire
from replayfuzz.daemon import Daemon
from replayfuzz.errors import InstallError, MissingError, StartError, TargetError
from replayfuzz.examine.trial import Played, Stage, trial
from replayfuzz.examine.upstream import answer
from replayfuzz.handoff import Built, Running
from replayfuzz.scenarios import Examined, Result, Scenario
from replayfuzz.serve import Certificate, ReplayServer
from replayfuzz.target import Target

INTERRUPTED = "interrupted"

_DYING = 0.1  # seconds that a process may take to be gone after the last scenario


@dataclass(frozen=True, slots=True)
class Options:
    """How daemons are examined.

    Attributes:
        variants: Only these; (): all of each daemon.
        seconds: What one scenario may take.
        port: Of the upstream; 0: any free one.
    """

    variants: tuple[str, ...] = ()
    seconds: float = 30.0
    port: int = 0


class Hearer(Protocol):
    """Told what happens while it does."""

    def building(self, what: str) -> None:
        """A daemon is built now, which takes a while."""

    def opens(self, examined: Examined) -> None:
        """A daemon is next."""

    def tells(self, result: Result) -> None:
        """A scenario is over, or was skipped."""

    def closes(self, examined: Examined) -> None:
        """There is nothing more to tell of that daemon."""


def examine(
    targets: Sequence[Target], scenarios: Sequence[Scenario], options: Options, hearer: Hearer
) -> tuple[Examined, ...]:
    """Put every variant of every daemon through *scenarios*.

    What is missing on this machine is a skip; a daemon that cannot be built or started is told
    in ``Examined.error``; Ctrl-C ends it with what is known until then.

    Raises:
        ScenarioError: A scenario names a cassette that is not there, before anything is started.
        PlanError: Its plan does not fit its stream.
        ListenError: The port is in use.
    """
    played = [_played(scenario) for scenario in scenarios]
    every: list[Examined] = []
    for target in targets:
        for examined in _target(target, played, options, hearer):
            hearer.closes(examined)
            every.append(examined)
            if examined.error == INTERRUPTED:
                return tuple(every)
    return tuple(every)


def _played(scenario: Scenario) -> Played:
    exchange = answer(scenario)
    plan = scenario.bent(exchange)
    wire.bend(exchange, plan)  # what does not fit is told before anything is started
    return Played(scenario, exchange, plan)


def _target(
    target: Target, played: Sequence[Played], options: Options, hearer: Hearer
) -> Iterator[Examined]:
    examined = Examined(target.name)
    try:
        built = handoff.build(target, hearer.building)
    except MissingError as error:
        examined = replace(examined, skipped=str(error))
    except (InstallError, TargetError) as error:
        examined = replace(examined, error=str(error))
    except KeyboardInterrupt:
        examined = replace(examined, error=INTERRUPTED)
    else:
        for variant in target.variants:
            if not options.variants or variant in options.variants:
                yield _variant(built, variant, played, options, hearer)
        return
    hearer.opens(examined)
    yield examined


def _variant(
    built: Built, variant: str, played: Sequence[Played], options: Options, hearer: Hearer
) -> Examined:
    daemon = built.target.daemon or Daemon()
    upstream = daemon.way(variant).upstream
    examined = Examined(built.target.name, variant, built.version)
    results: list[Result] = []
    began, error, restarts = time.perf_counter(), "", 0
    try:
        secure = Certificate.made() if upstream in {"h2", "https"} else None
        with ReplayServer(port=options.port, tls=secure) as server:
            base = server.base(upstream)
            examined = replace(examined, backend_url=f"{base}/v1")
            hearer.opens(examined)
            with Running(built.target, variant, base, built) as running:
                stage = Stage(daemon, running, server, base, options.seconds)
                try:
                    for result in _results(played, stage):
                        results.append(result)
                        hearer.tells(result)
                    if running.await_death(_DYING):
                        error = f"the daemon died after the last scenario: {running.ending}"
                finally:
                    restarts = running.restarts
    except StartError as failed:
        error = str(failed)
    except KeyboardInterrupt:
        error = INTERRUPTED
    return replace(
        examined,
        results=tuple(results),
        seconds=time.perf_counter() - began,
        restarts=restarts,
        error=error,
    )


def _results(played: Sequence[Played], stage: Stage) -> Iterator[Result]:
    """The results, one by one; a daemon that died or hangs is started again."""
    running = stage.running
    for each in played:
        reason = each.scenario.requires.unmet(stage.daemon)
        if reason:
            yield Result(each.scenario, skipped=reason)
            continue
        died = running.ending
        if died:
            running.restart()
        result = trial(each, stage, died)
        yield result
        if result.failed and (result.error or not running.alive):
            running.restart()
