"""Rules that one transcript cannot show, each with a worker that breaks only that one."""

import dataclasses
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from replayfuzz.cassette import Exchange, Request
from replayfuzz.environments import Environment
from replayfuzz.finding import Finding
from replayfuzz.invariants import PIECES
from replayfuzz.invariants.resources import descriptors, memory
from replayfuzz.plan import Cut, Pause, Plan
from replayfuzz.search import probes
from replayfuzz.search.case import UNBENT, Attempt, Case, Outcome, signatures
from replayfuzz.search.fewest import SpentError
from replayfuzz.search.held import held
from replayfuzz.search.hunt import Hunt
from replayfuzz.search.job import Work, begin
from replayfuzz.search.probes import Bounded, Measured, Untold
from replayfuzz.search.probing import NO_TIME, Probing
from replayfuzz.search.replay import again
from replayfuzz.target import Target
from replayfuzz.transcript import Transcript, event
from replayfuzz.verdict import Verdict
from tests.readers import chat, raw, right, trying

PROGRAM = Path(__file__).with_name("probed_worker.py")
ASKED = Request(body=b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true}')
CHAT = dataclasses.replace(chat("a", "b", "c"), name="plain", request=ASKED)
RAW = raw("plain", "data: a\n\ndata: b\n\ndata: c\n\n")


def declared(mode: str, **expect: str) -> Target:
    command = ("{python}", str(PROGRAM), mode)
    reports = {"*": ("sse", "text")}
    names = ("sse", "openai.chat")
    return Target("probed", "parser", names, ("default",), command, reports=reports, expect=expect)


@pytest.fixture
def started() -> Iterator[Callable[..., Attempt]]:
    open_ones: list[Attempt] = []

    def start(mode: str, **expect: str) -> Attempt:
        open_ones.append(begin(Work(declared(mode, **expect), Environment(sys.executable, "1"))))
        return open_ones[-1]

    yield start
    for attempt in open_ones:
        attempt.close()


def probed(attempt: Attempt, rule: str, exchange: Exchange = RAW):
    probe = probes.find(rule)
    assert probe is not None
    return probe.run(attempt, exchange, "default")


def name(answer) -> str | None:
    """What a probe found, as ``<invariant>/<case>`` without the invariant."""
    assert not isinstance(answer, Untold)
    return None if answer is None else answer.evidence.case or answer.evidence.shape


# -- a worker for each rule -------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("rule", [probe.rule for probe in probes.PROBES])
@pytest.mark.parametrize("exchange", [RAW, CHAT], ids=["sse", "openai.chat"])
def test_what_is_right_breaks_none(started, rule, exchange):
    assert probed(started("right"), rule, exchange) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "exchange", "case"),
    [
        ("holds one back", RAW, "next"),
        ("holds one back", CHAT, "next"),
        ("holds all back", CHAT, "end"),
        ("waits after CR", RAW, "end"),
    ],
)
def test_events_that_are_held_back(started, mode, exchange, case):
    found = probed(started(mode), "incremental-delivery", exchange)

    assert name(found) == case
    carriage_returns = mode == "waits after CR"
    assert ("rewrite.line-ends" in found.case.plan.kinds) == carriage_returns
    assert "time.pause" in found.case.plan.kinds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "shape"),
    [("asks for another", "request model changed"), ("asks elsewhere", "request path changed")],
)
def test_a_request_that_is_not_what_was_told(started, mode, shape):
    assert name(probed(started(mode), "request-fidelity", CHAT)) == shape


@pytest.mark.slow
def test_a_reader_of_raw_events_makes_no_request_of_its_own(started):
    assert probed(started("asks elsewhere"), "request-fidelity", RAW) is None


needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "case", "kinds"),
    [
        ("keeps sockets", "descriptors", ()),
        ("keeps what was reset", "descriptors", ("end.reset",)),
        ("keeps memory", "memory", ("cut.slice", "size.line")),
    ],
)
def test_what_is_not_given_back(started, mode, case, kinds):
    found = probed(started(mode), "resources-back")

    assert name(found) == case
    assert found.case.plan.kinds == kinds


@pytest.mark.slow
def test_a_system_that_does_not_tell_is_no_failure(started, monkeypatch):
    attempt = started("keeps sockets")
    monkeypatch.setattr(attempt, "held", lambda: None)

    assert isinstance(probed(attempt, "resources-back"), Untold)


def test_a_function_has_nothing_to_probe():
    for probe in probes.PROBES:
        assert probe.run(trying(right), RAW, "default") is None


# -- the rules about what is held -------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "broken"),
    [
        ((5, 5, 5, 5), False),
        ((5, 7, 9, 11), True),
        ((5, 10, 15, 15), False),  # a pool that is full now
        ((5, 10, 7, 12), False),  # what the garbage collector takes later
        ((5, 10), False),
    ],
)
def test_descriptors_that_grow_with_every_round(counts, broken):
    found = descriptors(counts, 8)

    assert (found is not None) == broken
    assert not found or found.observed.startswith("6 more after 24 calls")


@pytest.mark.parametrize(("each", "broken"), [(0, False), (5_000, False), (60_000, True)])
def test_memory_that_grows_with_every_round(each, broken):
    resident = [50_000_000 + number * 50 * each for number in range(4)]

    assert (memory(resident, 50, 60_000) is not None) == broken
    assert memory([*resident[:3], resident[2]], 50, 60_000) is None


@needs_proc
def test_a_group_that_is_gone_holds_nothing_that_could_be_told():
    assert held(2**22 + 1) is None


# -- when, and what becomes of it -------------------------------------------------------


def test_probes_wait_until_they_are_affordable():
    probing = Probing(trying(right), [RAW], ["default"])

    assert probing.due(0.0, left=None)
    assert probing.due(0.0, left=60.0)
    assert not probing.due(100.0, left=1.0)
    probing.seconds = 10.0
    assert not probing.due(20.0, left=60.0)
    assert probing.due(50.0, left=60.0)


def test_what_was_not_probed_is_said_once():
    probing = Probing(trying(right), [RAW], ["sync", "async"])
    while probing.due(0.0, left=None):
        assert probing.run() is None
    assert probing.untold == ()

    late = Probing(trying(right), [RAW], ["sync", "async"])
    said = f"right: incremental-delivery was not probed for sync, async: {NO_TIME}"
    assert said in late.untold == late.untold


def test_the_plain_stream_is_taken():
    failed = dataclasses.replace(RAW, name="plain-error", status=500)
    probing = Probing(trying(right), [raw("first"), failed, RAW, CHAT], ["default"])

    assert {stream.name for _, stream, _ in probing._jobs} == {"plain"}


class Hunted:
    """A hunt that is handed what probes find."""

    def __init__(self, attempt: Attempt) -> None:
        self.told: list[Finding] = []
        self.hunt = Hunt(attempt, ("default",), 0, lambda: None, self.told.append)


@pytest.mark.slow
def test_a_finding_of_a_probe_is_replayed_as_it_was_found(started):
    attempt = started("holds one back")
    hunted = Hunted(attempt)
    plan = Plan((Pause(9, 0.08), Pause(18, 0.08)), keep_chunks=False, keep_times=False)
    probe = probes.find("incremental-delivery/next")
    assert probe is not None
    found = probe.again(attempt, Case(RAW, plan))
    assert isinstance(found, Measured)
    hunted.hunt.take("incremental-delivery", found)
    [finding] = hunted.told

    assert (finding.invariant, finding.fails) == ("incremental-delivery/next", True)
    assert (finding.shown_over, finding.python) == ("tcp", attempt.python)
    assert again(finding, attempt).answer == "fails"
    assert again(finding, started("right")).answer == "fixed"


@pytest.mark.slow
def test_a_variant_that_is_documented_to_accumulate_is_a_deviation(started):
    why = "it is documented to wait"
    attempt = started("holds all back", **{"incremental-delivery/end": why})
    hunted = Hunted(attempt)
    plan = Plan((Pause(9, 0.08), Pause(18, 0.08)), keep_chunks=False, keep_times=False)
    probe = probes.find("incremental-delivery/end")
    assert probe is not None
    found = probe.again(attempt, Case(RAW, plan))
    assert isinstance(found, Measured)
    hunted.hunt.take("incremental-delivery", found)

    assert hunted.told == []
    assert [each.accepted for each in hunted.hunt.deviations] == [why]


@pytest.mark.slow
def test_a_delivery_tells_when_it_waited(started):
    plan = Plan((Pause(9, 0.02), Pause(18, 0.01)), keep_chunks=False, keep_times=False)
    began = time.monotonic()
    seen = started("right").attempt(Case(RAW, plan), "tcp").seen
    took = time.monotonic() - began

    (first, then), (second, end) = seen.delivery.waits
    assert 0 <= first < then <= second < end < took
    assert then - first >= 0.02


# -- chunking ---------------------------------------------------------------------------

# No standard says whether an event that is not valid JSON is an error or is skipped.
DAMAGED = dataclasses.replace(
    CHAT, body=CHAT.body.replace(b"data: [DONE]", b"data: {bad\n\ndata: [DONE]")
)
CUT = Plan((Cut(len(DAMAGED.body) - 20),), keep_chunks=False, keep_times=False)


def changeable(pieces):
    """Skips what is no JSON if the body came in one piece, and else takes it for an error."""
    listed = list(pieces)
    yield from (event("text", text=text) for text in "abc")
    if len(listed) > 1:
        raise ValueError("no JSON")
    yield event("finish", reason="stop")


def skips(pieces):
    list(pieces)
    yield from (event("text", text=text) for text in "abc")
    yield event("finish", reason="stop")


def test_two_right_answers_to_the_same_bytes():
    attempt = trying(changeable, "openai.chat", ("text", "finish"))
    outcomes = [attempt.attempt(Case(DAMAGED, plan)) for plan in (CUT, UNBENT, CUT, CUT)]

    names = [[each.invariant for each in outcome.verdict.violations] for outcome in outcomes]
    bent = ["chunking-independent", "foreign-exception"]
    assert names == [bent, [], bent, bent]
    assert signatures(outcomes[0]) == signatures(outcomes[-1])


def test_one_answer_for_every_cut():
    attempt = trying(skips, "openai.chat", ("text", "finish"))

    for plan in (CUT, UNBENT, CUT):
        assert attempt.attempt(Case(DAMAGED, plan)).verdict.outcome == "ok"


def test_it_becomes_a_finding_and_is_replayed():
    attempt = trying(changeable, "openai.chat", ("text", "finish"))
    hunted = Hunted(attempt)
    case = Case(DAMAGED, CUT)
    hunted.hunt.examine(case, attempt.attempt(case))
    [finding] = hunted.told

    assert finding.invariant == "chunking-independent"
    assert len(finding.plan.edits) == 1
    assert again(finding, attempt).answer == "fails"


# -- time --------------------------------------------------------------------------------


class Timed:
    """Answers with the CPU time that *cost* gives for a size and a piece; None: it hangs."""

    def __init__(self, cost):
        self.cost = cost
        self.asked = []

    def overs(self, case):
        return ("memory",)

    def attempt(self, case, over, patience=1.0):
        (piece,) = (edit.every for edit in case.plan.edits if hasattr(edit, "every"))
        self.asked.append((len(case.bent.body), piece))
        cpu = self.cost(len(case.bent.body), piece)
        seen = Transcript((), "complete", cpu=cpu) if cpu is not None else Transcript((), "hang")
        return Outcome(seen, Verdict())


def probe_of(rule) -> Any:
    return probes.find(rule)


def timed(cost):
    return probe_of("linear-time").run(Timed(cost), RAW, "default")


def test_time_that_grows_is_told_where_small_pieces_do_not_end_at_all():
    def cost(size, piece):
        seconds = (size / 262_144) ** 2 * (0.025 if piece == max(PIECES) else 0.8)
        return seconds if seconds < 8 else None

    found = timed(cost)

    assert found.evidence.case == "growth"
    assert f"pieces of {max(PIECES)} bytes" in found.evidence.observed


def test_a_reader_that_hangs_with_small_pieces_alone_is_left_to_another_rule():
    """And the run says that its time could not be told."""

    def cost(size, piece):
        return size * 1e-9 if piece == max(PIECES) else None

    assert isinstance(timed(cost), Untold)


@pytest.mark.parametrize("most", [20.0, 1.0], ids=["slow", "hangs"])
def test_where_a_long_line_takes_long_shorter_ones_are_compared(most):
    """Sixteen times as long, for the larger one, would be most of a run."""

    def cost(size, piece):
        seconds = (size / 262_144) ** 2 * 1.2
        return seconds if seconds < most else None

    attempt = Timed(cost)
    found = probe_of("linear-time").run(attempt, RAW, "default")

    assert found.evidence.case == "growth"
    assert max(size for size, _ in attempt.asked) < 300_000
    assert len(attempt.asked) < 20


def test_a_probe_ends_with_the_run():
    bounded = Bounded(trying(right), 0.0)

    assert bounded.overs(Case(RAW, UNBENT)) == ("memory",)
    with pytest.raises(SpentError):
        bounded.attempt(Case(RAW, UNBENT), "memory")


def test_what_may_take_seconds_is_put_off_while_much_was_not_tried():
    attempt = trying(right, "sse")
    probing = Probing(attempt, (RAW,), ("default",))
    early = []
    while probing.due(9.0, 50.0, early=True):
        early.append(probing._jobs[0][0])
        probing.run()

    assert early
    assert not any(probe.long for probe in early)
    assert probing.due(99.0, 50.0)


def test_a_probe_for_which_there_was_no_time_is_told():
    attempt = trying(right, "sse")
    probing = Probing(attempt, (RAW,), ("default",))
    while probing.due(0.0, None):
        assert probing.run(0.0) is None

    assert any("linear-time was not probed" in each for each in probing.untold)
