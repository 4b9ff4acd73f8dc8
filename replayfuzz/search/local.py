"""The same search on a function of this process: a user's own parser, in one call."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from replayfuzz import strategies
from replayfuzz.cassette import Exchange
from replayfuzz.environments import Environment
from replayfuzz.run import Run
from replayfuzz.search.callable import InProcess, Reader, target_of
from replayfuzz.search.job import Job, Work
from replayfuzz.search.news import Tell
from replayfuzz.search.options import Options


def fuzz_reader(
    reader: Reader,
    exchanges: Sequence[Exchange],
    options: Options | None = None,
    *,
    reports: tuple[str, ...] | None = None,
    tell: Tell | None = None,
) -> Run:
    """Search a function, as ``fuzz`` searches targets: schedule, explore, shrink.

    Args:
        reader: Takes the pieces of a body, returns the events in order.
        exchanges: Streams; each dialect among them is searched on its own.
        options: See ``Options``; ``jobs`` and ``requirements`` do not apply, and without
            any nothing is written and 2,000 examples of each dialect are tried.
        reports: Event types that the function shows; None: every type of its dialect.
        tell: As for ``fuzz``.
    """
    options = options or Options(seconds=None, examples=2000, findings=None)
    attempts: dict[str, InProcess] = {}
    for dialect in dict.fromkeys(exchange.dialect for exchange in exchanges):
        target = target_of(reader, dialect, reports)
        name = target.name if not attempts else f"{target.name}-{dialect}"
        attempts[name] = InProcess(reader, replace(target, name=name))
    here = Environment(sys.executable, "")
    works = [Work(attempt.target, here) for attempt in attempts.values()]
    until = None if options.seconds is None else time.monotonic() + options.seconds
    job = Job(works, exchanges, options, until, tell or _silent)
    done = job.run(lambda work: attempts[work.target.name])
    return Run(
        options.seed,
        done.targets,
        done.findings,
        (*strategies.never([done.exercised]), *done.untold),
        done.folders,
        done.interrupted,
        done.errors,
    )


def _silent(news: object) -> None:
    del news
