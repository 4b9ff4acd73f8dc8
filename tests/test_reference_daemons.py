"""Our own daemons keep every rule: what they are found guilty of would be a fault of ours."""

from itertools import islice

import pytest

from replayfuzz import declared, examine, handoff, store, strategies
from replayfuzz.errors import InstallError, MissingError
from replayfuzz.plan import HandOff
from replayfuzz.search.case import UNBENT, Case
from replayfuzz.search.daemons import InDaemon
from replayfuzz.search.dress import dressed

pytestmark = pytest.mark.slow

DAEMONS = [each for each in declared.all_targets(declared.SHIPPED) if each.kind == "daemon"]
VARIANTS = [
    pytest.param(target, variant, id=f"{target.name}-{variant}")
    for target in DAEMONS
    for variant in target.variants
]
FETCHES = {"rust"}  # its build downloads crates, and takes a minute
STREAM = next(each for each in store.shipped() if each.name == "openai.chat/hurt-marks")


def built(target):
    """What starts *target*; skips the test where that cannot be had."""
    try:
        if target.name in FETCHES and not handoff.built(target):
            pytest.skip(f"not built yet: make test-{target.name}")
        return handoff.build(target)
    except (MissingError, InstallError) as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("target", "variant"), VARIANTS)
def test_a_sample_of_all_bends_breaks_no_rule(target, variant):
    """Every 90th plan of the schedule, and every kind of hand-off."""
    attempt = InDaemon(target, built(target))
    exchange = dressed(target, STREAM, variant)
    streams = islice(strategies.schedule(exchange), 7, None, 90)
    handoffs = islice(_handoffs(exchange), 0, None, 9)
    try:
        for plan in (UNBENT, *streams, *handoffs):
            case = Case(exchange, plan, variant)
            if attempt.overs(case):
                outcome = attempt.attempt(case, "tcp", 2.0)
                failed = [each for each in outcome.verdict.violations if each.outcome == "failed"]
                assert not failed, (plan.words, failed, outcome.seen.stderr[-500:])
    finally:
        attempt.close()


def _handoffs(exchange):
    every = strategies.schedule(exchange, handoffs=True)
    return (plan for plan in every if plan.handoff != HandOff())


class Silent:
    """Hears nothing."""

    def building(self, what): ...
    def opens(self, examined): ...
    def tells(self, result): ...
    def closes(self, examined): ...


@pytest.mark.parametrize("target", DAEMONS, ids=lambda target: target.name)
def test_every_scenario_holds(target):
    built(target)
    options = examine.Options(variants=target.variants[:1])
    (seen,) = examine.examine([target], examine.shipped(), options, Silent())
    assert not seen.error
    assert [
        each.scenario.name for each in seen.results if not each.skipped and not each.passed
    ] == []
    assert sum(not each.skipped for each in seen.results) >= 12
