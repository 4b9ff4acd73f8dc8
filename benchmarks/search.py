"""P1, P2, P3, P16, P17: what the search costs beside what it drives.

Every figure is a ratio of CPU times of two things that take turns in one process; the
median of ROUNDS. The reader is a small one of our own, in this process: the faster the
reader, the more the search itself shows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.table import Row, main
from replayfuzz import strategies
from replayfuzz.cassette import Exchange
from replayfuzz.formats.sse import SseReader
from replayfuzz.plan import Cut, Plan
from replayfuzz.search.callable import InProcess, target_of
from replayfuzz.search.case import Case
from replayfuzz.search.draws import Draws
from replayfuzz.search.hunt import Hunt
from replayfuzz.search.order import scheduled
from replayfuzz.transcript import Event

ROUNDS = 5
BODY = b"".join(f"data: event number {n}{' é' * (n == 7)}\n\n".encode() for n in range(20))
STREAM = Exchange("twenty", "sse", body=BODY)
CUTS = strategies.plans(STREAM, max_moves=0, max_cuts=8)
QUIET = settings(
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)


def read(pieces) -> list[Event]:
    """Our reader, as a user would wrap it."""
    reader = SseReader()
    return [
        Event("sse", {"event": shown.event, "data": shown.data, "id": shown.id})
        for piece in pieces
        for shown in reader.receive(piece)
    ]


ATTEMPT = InProcess(read, target_of(read, "sse"))
WHOLE = read([BODY])


def compared(edges: list[int]) -> None:
    """What a person writes by hand: cut, parse, compare."""
    spots = sorted({0, *edges, len(BODY)})
    pieces = [BODY[start:end] for start, end in pairwise(spots)]
    assert read(pieces) == WHOLE


def tried(plan: Plan) -> None:
    """The same through the search: bend, read, judge."""
    assert not ATTEMPT.attempt(Case(STREAM, plan)).verdict.violations


def bare(count: int) -> None:
    random = Random(1)
    for _ in range(count):
        number = int(random.random() * 9)
        compared([int(random.random() * len(BODY)) for _ in range(number)])


def sweep(count: int) -> None:
    draws = Draws(Random(1))
    for _ in range(count):
        tried(draws.draw_from(CUTS))


def given_ours(count: int) -> None:
    """Hypothesis mode: the same property and the same strategy under ``@given``."""
    seed(1)(settings(QUIET, max_examples=count)(given(CUTS)(tried)))()


@st.composite
def _integers(draw) -> list[int]:
    return [draw(st.integers(0, 2 * len(BODY) + 1)) for _ in range(draw(st.integers(0, 8)))]


def given_plain(count: int) -> None:
    """Plain ``@given`` drawing as many integers, comparing by hand."""

    def holds(edges: list[int]) -> None:
        compared([edge % (len(BODY) + 1) for edge in edges])

    seed(1)(settings(QUIET, max_examples=count)(given(_integers())(holds)))()


def seconds(job: Callable[[int], object], count: int) -> float:
    """CPU seconds of one example."""
    began = time.process_time()
    job(count)
    return (time.process_time() - began) / count


def ratio(
    first: Callable[[int], object], second: Callable[[int], object], counts: tuple[int, int]
) -> tuple[float, float]:
    """The median of first / second, and the median of second in µs."""
    pairs = [(seconds(first, counts[0]), seconds(second, counts[1])) for _ in range(ROUNDS)]
    return (
        statistics.median(one / other for one, other in pairs),
        statistics.median(other for _, other in pairs) * 1e6,
    )


# -- P16: a bug that wants two cuts -----------------------------------------------------

CHARACTER = "é".encode()


def rare(pieces) -> list[Event]:
    """Loses an event when a character comes in a piece of its own: two cuts, one on each side."""
    listed = list(pieces)
    alone = any(piece == CHARACTER for piece in listed[1:-1])
    return read(listed)[: -1 if alone else None]


RARE = InProcess(rare, target_of(rare, "sse"))


def sweep_to_failure(number: int) -> tuple[float, int]:
    """CPU seconds until the sweep shows the rare bug, and the cuts of the minimal plan."""
    draws, found = Draws(Random(number)), []
    began = time.process_time()
    while True:
        case = Case(STREAM, draws.draw_from(CUTS))
        outcome = RARE.attempt(case)
        if outcome.verdict.violations:
            break
    took = time.process_time() - began
    Hunt(RARE, ("default",), number, lambda: None, found.append).examine(
        case, outcome, tuple(draws.choices)
    )
    return took, sum(isinstance(edit, Cut) for edit in found[0].plan.edits)


def given_to_failure(number: int) -> float:
    """CPU seconds until plain ``@given`` shows the same bug."""
    found = []

    def holds(plan: Plan) -> None:
        if RARE.attempt(Case(STREAM, plan)).verdict.violations:
            found.append(plan)
            raise AssertionError

    began = time.process_time()
    start = number * 1000
    while not found:
        start += 1
        try:
            seed(start)(settings(QUIET, max_examples=5000)(given(CUTS)(holds)))()
        except AssertionError:
            break
    return time.process_time() - began


def rows() -> list[Row]:
    """Measure all of it."""
    swept, loop = ratio(bare, sweep, (4000, 4000))
    against_given, _ = ratio(given_plain, sweep, (400, 4000))
    hypothesis, _ = ratio(given_ours, given_plain, (400, 400))
    runs = [sweep_to_failure(number) for number in range(ROUNDS)]
    plain = statistics.median(given_to_failure(number) for number in range(ROUNDS))
    took = statistics.median(seconds for seconds, _ in runs)
    cuts = max(number for _, number in runs)
    began = time.process_time()
    count = 0
    for case in scheduled([STREAM], ("default",), 0):
        if ATTEMPT.overs(case):
            ATTEMPT.attempt(case)
            count += 1
    schedule = time.process_time() - began
    return [
        Row("P1", "sweep against the bare loop", swept, "x", 0.5, note=f"{1e6 / loop:.0f}/s"),
        Row("P2", "sweep against plain @given", against_given, "x", 8),
        Row("P3", "Hypothesis mode against bare @given", hypothesis, "x", 1.25, at_least=False),
        Row(
            *("P16", "rare two-cut bug: CPU to failure against @given", took / plain, "x", 0.2),
            at_least=False,
            note=f"{took:.2f} s against {plain:.2f} s; minimal {cuts} cuts",
        ),
        Row(
            *("P17", "whole schedule of one stream, reader in process", schedule, "s", 10),
            at_least=False,
            note=f"{count} cases",
        ),
    ]


if __name__ == "__main__":
    main(rows)
