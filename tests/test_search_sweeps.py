"""Sweeps: what a stream comes to that is cut in many ways is what each way comes to alone."""

import sys
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from replayfuzz import declared
from replayfuzz.environments import Environment
from replayfuzz.plan import End, Splice
from replayfuzz.search.bounds import Bounds
from replayfuzz.search.case import UNBENT, Case, Outcome
from replayfuzz.search.journal import Journal
from replayfuzz.search.lane import Lane
from replayfuzz.search.process import InWorker
from replayfuzz.search.sweeps import MOST_LOST, SHARE, WAYS, Sweeps, cut
from replayfuzz.strategies import ways
from replayfuzz.target import Target
from replayfuzz.transcript import Transcript
from replayfuzz.verdict import Evidence, Verdict, Violation
from tests.readers import chat, raw

STREAM = raw("a stream", "id: 7\ndata: héllo\n\n: c\r\ndata: two\rdata: lines\n\n")
PLANTED = '''
import os
from replayfuzz.worker import serve

def call(asked):
    """Loses a character that is cut; {also}."""
    for piece in asked.pieces:
        {also}
    text = "".join(piece.decode("utf-8", "ignore") for piece in asked.pieces)
    yield {{"type": "sse", "event": "message", "data": text[6:-2], "id": "", "retry": None}}

serve(call, name="planted", version="1", dialects=("sse",), memory=True)
'''


@pytest.fixture
def planted(tmp_path):
    """Starts a worker with a planted bug, and one more."""
    begun = []

    def start(also="pass"):
        path = tmp_path / "planted.py"
        path.write_text(PLANTED.format(also=also))
        target = Target("planted", "parser", ("sse",), ("default",), ("{python}", str(path)))
        attempt = InWorker(target, Environment(sys.executable, ""))
        begun.append(attempt)
        attempt.start()
        attempt.attempt(Case(LINE, UNBENT), "memory")
        return attempt

    yield start
    for attempt in begun:
        attempt.close()


LINE = raw("a line", "data: höö\n\n")
CUTS = ways(LINE.body, Random(1).random, WAYS, 3)


def alone(attempt, case, cuts):
    return [attempt.attempt(cut(case, way), "memory") for way in cuts]


def test_each_way_comes_to_what_it_comes_to_alone(planted):
    attempt, case = planted(), Case(LINE, UNBENT)
    single = alone(attempt, case, CUTS)

    swept = attempt.sweep(case, CUTS)

    firsts = [
        (cut(case, way), outcome)
        for number, (way, outcome) in enumerate(zip(CUTS, single, strict=True))
        if outcome.seen not in [earlier.seen for earlier in single[:number]]
    ]
    assert swept == firsts
    assert len(swept) > 1
    assert swept[0][0] == case


BENDS = [
    pytest.param((), id="as recorded"),
    pytest.param((Splice(0, 0, b"\xef\xbb\xbf"), Splice(6, 1, b"\r\n")), id="spliced"),
    pytest.param((End(20, "reset"),), id="broken off"),
]


@pytest.mark.parametrize("edits", BENDS)
def test_a_right_reader_says_the_same_however_a_stream_is_cut(edits):
    with_reference = InWorker(declared.find("reference"), Environment(sys.executable, ""))
    try:
        with_reference.start()
        case = Case(STREAM, replace(UNBENT, edits=edits), with_reference.variants[0])
        first = with_reference.attempt(case, "memory")
        [(shown, outcome)] = with_reference.sweep(
            case, ways(case.bent.body, Random(2).random, WAYS, 6)
        )
    finally:
        with_reference.close()

    assert (shown, outcome) == (case, first)


@pytest.mark.parametrize(
    "also",
    [
        "if piece == b'h': os._exit(3)",
        "while piece == b'h': pass",
        "if piece == b'h': os.write(1, b'no')",
    ],
    ids=["dies", "hangs", "writes"],
)
def test_a_sweep_that_is_not_seen_to_its_end_accuses_nobody(planted, also, monkeypatch):
    monkeypatch.setattr("replayfuzz.search.asked.SWEEP", -2.0)  # half a second in all
    attempt, case = planted(also), Case(LINE, UNBENT)
    lost = not also.startswith("if piece == b'h': os.write")  # descriptor 1 is not its own

    swept = attempt.sweep(case, [(), (6, 7)])
    again = attempt.sweep(case, [(), (2,)])

    assert (swept == []) == lost
    assert len(again) == 1


class Fake:
    """Finds nothing wrong with anything; a sweep comes to *told*."""

    def __init__(self, told=None):
        self.target = declared.find("httpx-sse")
        self.version = self.python = ""
        self.told = told
        self.tried = []
        self.swept = []

    def overs(self, case):
        return ("memory", "tcp")

    def attempt(self, case, over, patience=1.0):
        self.tried.append(case)
        return Outcome(Transcript(), Verdict())

    def sweeps(self, case):
        return True

    def sweep(self, case, cuts):
        self.swept.append((case, cuts))
        return [(case, Outcome(Transcript(), Verdict()))] if self.told is None else self.told

    def held(self):
        return None

    def close(self):
        """Nothing was started."""


def lane(fake: Any, examples, stream=LINE, folder=None):
    bounds = Bounds(None, examples, seed=1)
    return Lane(fake, (stream,), ("default",), bounds, Journal(folder, 1), lambda _: None)


def finished(searching):
    while not searching.done:
        searching.step()
    return searching


def test_a_part_of_all_examples_is_made_by_sweeps_once_all_bends_were_tried():
    fake = Fake()
    searching = finished(lane(fake, 4000))

    probed = len(fake.tried) + WAYS * len(fake.swept) - searching.examples
    assert searching.examples == 4000
    assert 0 <= probed < 50
    assert SHARE * 0.5 < WAYS * len(fake.swept) / 4000 <= SHARE * 1.1
    assert len({case.bent.body for case, _ in fake.swept}) > 10
    assert {len(cuts) for _, cuts in fake.swept} == {WAYS}
    assert not any(case.bent.cuts for case, _ in fake.swept)


def test_a_seed_decides_what_is_swept():
    one, other = Fake(), Fake()
    for fake in (one, other):
        finished(lane(fake, 3000))

    assert one.swept == other.swept != []


def test_what_a_lost_sweep_held_is_tried_alone_and_soon_none_is_made():
    fake = Fake(told=[])
    finished(lane(fake, 4000))

    assert len(fake.swept) == MOST_LOST
    for case, cuts in fake.swept:
        at = fake.tried.index(cut(case, cuts[1]))
        assert fake.tried[at - 1 : at + WAYS - 1] == [cut(case, way) for way in cuts]


def test_what_a_sweep_shows_is_followed():
    wrong = Violation("no-crash", Evidence("a", "b", "gone"), "failed")
    broken = Outcome(Transcript(), Verdict((wrong,)))
    case = Case(LINE, UNBENT)
    fake = Fake(told=[(case, broken)])
    searching = lane(fake, 4000)
    followed: list[Case] = []
    searching.hunt.examine = lambda case, *_: followed.append(case)

    finished(searching)

    assert followed == [case] * len(fake.swept) != []


def test_a_stream_in_which_something_is_wrong_is_not_swept():
    sweeps = Sweeps(Fake(), Random(1))
    wrong = Violation("no-crash", Evidence("a", "b", "gone"), "failed")
    sweeps.heard(Case(LINE, UNBENT), Outcome(Transcript(), Verdict((wrong,))))

    assert sweeps.next(1000, 0.0) is None


@pytest.mark.parametrize(
    ("stream", "seconds", "swept"),
    [
        (LINE, 0.0, True),
        (raw("x", "d"), 0.0, False),
        (chat("x" * 70_000), 0.0, False),
        (LINE, 0.1, False),
    ],
    ids=["ordinary", "one byte", "large", "slow"],
)
def test_only_what_is_quick_and_can_be_cut_is_swept(stream, seconds, swept):
    sweeps = Sweeps(Fake(), Random(1))
    sweeps.heard(Case(stream, UNBENT), Outcome(Transcript(), Verdict()))

    assert (sweeps.next(1000, seconds) is not None) == swept


def test_a_sweep_is_on_disk_before_it_is_sent(tmp_path):
    class Dies(Fake):
        def sweep(self, case, cuts):
            [path] = (tmp_path / ".journal").iterdir()
            self.noted = path.read_text().split("\n\n")[0]
            return super().sweep(case, cuts)

    finished(lane(fake := Dies(), 1500, folder=tmp_path))

    assert f'"sweep":[{",".join(str([*way]) for way in fake.swept[-1][1])}]}}' in fake.noted
