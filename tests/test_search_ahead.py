"""Cases that are tried together: the same outcomes as alone, in the same order."""

import sys
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import pytest

from replayfuzz import declared
from replayfuzz.environments import Environment
from replayfuzz.plan import Cut
from replayfuzz.search.ahead import MOST, Ahead, Drawn
from replayfuzz.search.case import UNBENT, Case, Outcome
from replayfuzz.search.order import all_cases
from replayfuzz.search.process import InWorker
from replayfuzz.target import Target
from replayfuzz.transcript import Transcript
from replayfuzz.verdict import Verdict
from tests.readers import raw

STREAM = raw("a stream", "id: 7\ndata: héllo\n\n: c\r\ndata: two\rdata: lines\n\n")


@pytest.fixture(scope="module")
def reference():
    attempt = InWorker(declared.find("reference"), Environment(sys.executable, ""))
    attempt.start()
    yield attempt
    attempt.close()


def drawn(cases):
    return (Drawn(case, (), waits=False) for case in cycle(cases)).__next__


def outcomes(attempt, cases, most):
    """What each case came to, and how many of them were tried together."""
    ahead, seen, together = Ahead(attempt, drawn(cases), lambda _: None), [], 0
    for case in cases:
        found, *_, outcome = ahead.next(most)
        assert found is case
        together += outcome is not None
        seen.append(outcome or attempt.attempt(case, attempt.overs(case)[0]))
    return seen, together


def test_cases_come_to_the_same_together_and_alone(reference):
    variant = reference.variants[0]
    every = (case for case, _ in all_cases([STREAM], [variant], "1", (0, 1)))
    cases = [case for case in islice(every, 400) if "memory" in reference.overs(case)]
    reference.attempt(Case(STREAM, UNBENT, variant), "memory")

    many, together = outcomes(reference, cases, MOST)
    single, apart = outcomes(reference, cases, 1)

    assert apart == 0
    assert together > len(cases) * 0.9
    assert many == single


class Fake:
    """Tries up to *fits* cases at once, those with one boundary in memory."""

    def __init__(self, fits):
        self.fits = fits
        self.asked = []

    def overs(self, case):
        return ("memory", "tcp") if len(case.plan.edits) == 1 else ("tcp",)

    def together(self, cases):
        self.asked.append(len(cases))
        return [Outcome(Transcript(), Verdict())] * min(self.fits, len(cases))


CUTS = [Case(STREAM, replace(UNBENT, edits=(Cut(at),))) for at in range(1, 8)]


@pytest.mark.parametrize(
    ("fits", "most", "asked"),
    [(9, 3, [3, 3]), (2, 3, [3, 3, 3]), (0, 3, [3] * 6), (9, 1, [])],
    ids=["all", "some", "none", "one at once"],
)
def test_no_more_are_drawn_than_may_be_and_those_left_over_come_first(fits, most, asked):
    fake: Any = Fake(fits)
    noted: list[int] = []
    ahead = Ahead(fake, drawn(CUTS), lambda cases: noted.append(len(cases)))

    assert [ahead.next(most).case for _ in range(6)] == CUTS[:6]
    assert (fake.asked, noted) == (asked, asked)


def test_what_a_socket_has_to_show_is_not_tried_ahead():
    fake: Any = Fake(9)
    ahead = Ahead(fake, drawn([Case(STREAM, UNBENT), *CUTS]), lambda _: None)

    assert ahead.next(3).outcome is None
    assert not ahead.tried
    assert ahead.next(3).outcome is not None
    assert ahead.tried


def test_a_case_in_which_much_is_waited_for_is_the_last_of_those_drawn():
    fake: Any = Fake(9)
    slow = iter([Drawn(CUTS[0], (), waits=False), Drawn(CUTS[1], (), waits=True)])
    ahead = Ahead(fake, slow.__next__, lambda _: None)

    ahead.next(9)

    assert fake.asked == [2]


def test_a_worker_that_does_not_read_ahead_is_asked_one_by_one(tmp_path):
    shy = tmp_path / "shy.py"
    shy.write_text(
        "import sys\n"
        'print(\'{"ready": 1, "dialects": ["sse"], "variants": ["v"], "memory": true}\', flush=True)\n'
        "import json\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps({'id': json.loads(line)['id'], 'events': [], 'end': 'complete'}), flush=True)\n"
    )
    target = Target("shy", "parser", ("sse",), ("v",), ("{python}", str(shy)))
    attempt = InWorker(target, Environment(sys.executable, ""))
    try:
        attempt.start()
        attempt.attempt(CUTS[0], "memory")
        assert attempt.together(CUTS) == []
    finally:
        attempt.close()


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[1]", b"[" * 100_000, b'{"a":' * 100_000])
def test_a_recorded_request_that_is_no_object_is_asked_for_as_none(reference, body):
    exchange = replace(STREAM, request=replace(STREAM.request, body=body))

    outcome = reference.attempt(Case(exchange, UNBENT, reference.variants[0]), "memory")

    assert outcome.verdict.violations == ()
