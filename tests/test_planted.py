"""The schedule finds every planted bug, and blames no reader that is right."""

from dataclasses import replace
from itertools import islice

import pytest

from replayfuzz import store
from replayfuzz.strategies import schedule
from tests.planted import BUGS, acceptable, read

RAW = [one for one in store.shipped() if one.dialect == "sse"]
CHAT = [one for one in store.shipped() if one.dialect == "openai.chat"]

UNSEEN_IN_CHAT = {"ignores empty ids"}  # a provider's reader does not report ids


def cases(exchanges, limit=None):
    """Each plan that needs no HTTP reader in front, with what the oracle accepts."""
    for exchange in exchanges:
        raw = replace(exchange, dialect="sse")
        for plan in islice(schedule(exchange), limit):
            if plan.head.coding is None and plan.head.status is None:
                yield raw, plan, acceptable(raw, plan)


def missed(exchanges, bugs) -> set[str]:
    left = set(bugs)
    for raw, plan, right in cases(exchanges):
        left = {bug for bug in left if read(raw, plan, bug) in right}
        if not left:
            break
    return left


@pytest.mark.slow
def test_the_schedule_of_raw_cassettes_finds_all_planted_bugs():
    assert len(BUGS) == 20
    assert missed(RAW, BUGS) == set()


@pytest.mark.slow
def test_the_schedule_of_one_provider_cassette_finds_all_that_can_show():
    plain = [one for one in CHAT if one.name == "openai.chat/plain"]

    assert missed(plain, set(BUGS) - UNSEEN_IN_CHAT) == set()


@pytest.mark.slow
def test_a_reader_that_is_right_is_never_blamed():
    tried = 0
    for raw, plan, right in cases([*RAW[:3], *CHAT[:1]], limit=800):
        tried += 1
        assert read(raw, plan) in right, (raw.name, plan.labels)
    assert tried > 2500


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_does_not_show_on_an_ordinary_stream(bug):
    """What shows at once would prove nothing about the schedule."""
    plain = next(one for one in RAW if one.name == "sse/plain")
    raw, plan, right = next(cases([plain]))

    assert read(raw, plan, bug) in right
