"""Faults planted in a streaming daemon are found, made small, and fail again when replayed.

One of each kind, on the family of bends that brings it out; ``make bench-faults`` searches for
all of them as a user would.
"""

from dataclasses import replace

import pytest

from replayfuzz import declared, findings, handoff, store, strategies
from replayfuzz.errors import MissingError
from replayfuzz.finding import Finding
from replayfuzz.plan import HandOff
from replayfuzz.search.case import Case
from replayfuzz.search.daemons import InDaemon
from replayfuzz.search.daemons import attempt as waits
from replayfuzz.search.dress import dressed
from replayfuzz.search.hunt import Hunt
from replayfuzz.search.order import scheduled
from replayfuzz.search.replay import replay
from tests.faulty_daemon import FAULTS, declared_in

RACES = {"upstream-kept", "clients-mixed"}
"""What a busy machine may keep from being made as small as it goes."""
PLAIN = next(one for one in store.shipped() if one.name == "openai.chat/plain")
ERROR = next(one for one in store.shipped() if one.name == "openai.chat/error")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    """An upstream that is kept is never given up: it does not matter how long that is awaited."""
    monkeypatch.setattr(waits, "LEAVE_SECONDS", 0.6)


def started(folder, fault):
    target = replace(declared.load(declared_in(folder, fault)), variants=("h1",))
    try:
        attempt = InDaemon(target, handoff.build(target))
    except MissingError as error:
        pytest.skip(str(error))
    attempt.start()
    return attempt


def searched(attempt, wanted, folder):
    """Try cases of the kinds that are *wanted*, in the order of a campaign, up to a finding."""
    found: list[Finding] = []
    hunt = Hunt(attempt, ("h1",), 1, lambda: None, found.append)
    streams = [dressed(attempt.target, stream, "h1") for stream in (PLAIN, ERROR)]
    for case in scheduled(streams, ("h1",), 0, handoffs=True):
        if wanted in case.plan.kinds:
            outcome = attempt.attempt(case)
            if outcome.verdict.violations:
                hunt.examine(case, outcome)
            if found:
                return findings.save(found[0], folder), found[0]
    pytest.fail(f"no case with {wanted} shows it")


@pytest.mark.parametrize(
    ("fault", "wanted", "edits", "size"),
    [
        pytest.param("utf8-per-chunk", "cut.utf8", 1, 60, id="text"),
        pytest.param("done-always", "end.fin", 1, 0, id="truncation"),
        pytest.param("status-hidden", "meaning.status", 0, 0, id="error status"),
        pytest.param("dies-without-descriptor", "handoff.abuse", 0, 0, id="crash by abuse"),
        pytest.param("header-injection", "handoff.injection", 0, 0, id="header injection"),
        pytest.param("no-content-type", "rewrite.line-ends", 0, 0, id="response head"),
        pytest.param("upstream-kept", "handoff.leaves", 1, 0, id="upstream kept"),
        pytest.param("clients-mixed", "handoff.together", 1, 60, id="clients mixed"),
    ],
)
def test_a_planted_fault_is_found_made_small_and_fails_again(tmp_path, fault, wanted, edits, size):
    attempt = started(tmp_path, fault)
    try:
        folder, finding = searched(attempt, wanted, tmp_path / "findings")
    finally:
        attempt.close()

    assert finding.invariant.partition("/")[0] == FAULTS[fault][1]
    assert finding.fails
    assert not finding.flaky
    if fault not in RACES:
        assert finding.note == ""
        assert len(finding.plan.edits) <= edits
        assert finding.body_bytes <= size
    assert replay(folder).answer == "fails"


def test_a_daemon_without_a_fault_breaks_nothing_where_those_do(tmp_path):
    attempt = started(tmp_path, "")
    stream = dressed(attempt.target, PLAIN, "h1")
    plans = [
        plan for plan in strategies.schedule(stream, handoffs=True) if plan.handoff != HandOff()
    ]
    try:
        for plan in plans[::4]:
            outcome = attempt.attempt(Case(stream, plan, "h1"), patience=4.0)
            assert not outcome.verdict.violations, plan.words
    finally:
        attempt.close()


def test_each_fault_names_a_rule(tmp_path):
    rules = {rule for _, rule in FAULTS.values()}

    assert len(FAULTS) >= 24
    assert len(rules) >= 12
    assert declared.load(declared_in(tmp_path, "lf-only")).kind == "daemon"
