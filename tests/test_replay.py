"""A saved finding, played again on readers of this process."""

import dataclasses

import pytest

from replayfuzz.finding import Finding
from replayfuzz.plan import Plan, Slice
from replayfuzz.search.case import Case
from replayfuzz.search.hunt import Hunt
from replayfuzz.search.replay import again
from tests.readers import per_piece, raw, right, strict, trying

BYTEWISE = Plan((Slice(0, 1),), keep_chunks=False, keep_times=False)


@pytest.fixture(scope="module")
def finding():
    told: list[Finding] = []
    attempt = trying(per_piece)
    case = Case(raw(), BYTEWISE)
    Hunt(attempt, ("default",), 0, lambda: None, told.append).examine(case, attempt.attempt(case))
    return told[0]


def test_it_still_fails(finding):
    replayed = again(finding, trying(per_piece))

    assert (replayed.answer, replayed.exit_status) == ("fails", 1)
    assert replayed.tries == (("memory", 3, 3),)
    assert replayed.verdict.violations[0].name == finding.invariant


def test_twenty_replays_agree(finding):
    """BENCHMARKS F5."""
    assert {again(finding, trying(per_piece)).why for _ in range(20)} == {
        "it still fails: 3 of 3 over memory"
    }


def test_it_is_fixed(finding):
    replayed = again(finding, trying(right))

    assert (replayed.answer, replayed.exit_status) == ("fixed", 0)


def test_another_failure_is_told_but_is_not_this_one(finding):
    replayed = again(finding, trying(strict))

    assert replayed.answer == "fixed"
    assert "no-error-on-valid-stream/UnicodeDecodeError instead" in replayed.why


def test_a_flaky_one_that_holds_cannot_be_told(finding):
    replayed = again(dataclasses.replace(finding, flaky=True), trying(right))

    assert (replayed.answer, replayed.exit_status) == ("unknown", 2)


def test_a_delivery_that_is_not_offered_cannot_be_told(finding):
    replayed = again(dataclasses.replace(finding, shown_over="tcp"), trying(right))

    assert replayed.exit_status == 2
    assert "over tcp" in replayed.why
