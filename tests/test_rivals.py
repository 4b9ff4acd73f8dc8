"""The rivals of the benchmark of known bugs play fair: on readers of our own, without a process."""

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings

from benchmarks import rivals, rivals_play
from benchmarks.knownbugs import Bug, Mark, known
from benchmarks.rivals_atheris import differs, packed, pieces, unpacked
from benchmarks.rivals_match import Match, Tried, broken
from replayfuzz.cassette import Exchange
from replayfuzz.formats.sse import SseReader
from replayfuzz.plan import Cut, Plan
from replayfuzz.search.callable import InProcess, target_of
from replayfuzz.search.case import UNBENT, Case, cuts_only
from replayfuzz.transcript import Event

BUG = Bug("b", "mine", "mine", "1", "2", "", "", ("content-*", "no-error-*"), (Mark(),))
ODD = Exchange("sse/odd", "sse", body="data: a\u2028b\n\n".encode())
ACCENT = Exchange("sse/accent", "sse", body="data: é\n\n".encode())
LONGER = Exchange("sse/longer", "sse", body=b"data: more\n\n" + ACCENT.body)


def right(parts):
    reader = SseReader()
    return [
        Event("sse", {"event": shown.event, "data": shown.data, "id": shown.id})
        for part in parts
        for shown in reader.receive(part)
    ]


def splits_lines(parts):
    body = b"".join(parts).replace("\u2028".encode(), b"\n")
    return right([body])


def decodes_pieces(parts):
    return right([part.decode().encode() for part in parts])


def match(bad, *streams, fixed=right, seconds=30.0):
    first, second = (InProcess(read, target_of(read, "sse")) for read in (bad, fixed))
    began = time.monotonic()
    return Match(BUG, first, second, streams, ("default",), began, began + seconds)


# -- what counts -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "fixed", "proof"),
    [(splits_lines, right, True), (right, right, False), (splits_lines, splits_lines, False)],
)
def test_a_proof_breaks_a_rule_of_the_bug_on_the_bad_release_only(bad, fixed, proof):
    assert match(bad, fixed=fixed).shows(Case(ODD, UNBENT)) is proof


@pytest.mark.parametrize(
    ("mark", "proof"),
    [
        (Mark(), True),
        (Mark(body="not asked"), True),
        (Mark(shape="UnicodeDecodeError"), False),
        (Mark(kinds=("cut.*",)), False),  # it breaks without the cut, too
    ],
)
def test_the_marks_of_the_bug_have_to_fit(mark, proof):
    told = match(splits_lines)
    told.bug = replace(BUG, marks=(mark,))

    assert told.shows(Case(ODD, Plan((Cut(3),)))) is proof


def test_a_bug_of_boundaries_is_proven_by_one():
    told = match(decodes_pieces)
    told.bug = replace(BUG, marks=(Mark(kinds=("cut.*",), shape="UnicodeDecodeError"),))

    assert told.shows(Case(ACCENT, Plan((Cut(7),))))
    assert not told.shows(Case(ACCENT, Plan((Cut(6),))))


def test_what_breaks_another_rule_or_is_accepted_is_no_proof():
    attempt = InProcess(splits_lines, target_of(splits_lines, "sse"))
    case = Case(ODD, UNBENT)
    accepting = replace(attempt.target, expect={"content-equal": "a reason"})

    assert broken(BUG, attempt, case)
    assert not broken(replace(BUG, invariants=("no-hang",)), attempt, case)
    assert not broken(BUG, InProcess(splits_lines, accepting), case)


# -- the rivals ------------------------------------------------------------------------


def test_the_static_suite_finds_what_stands_in_a_stream(monkeypatch, tmp_path):
    monkeypatch.setattr(rivals_play, "VECTORS", tmp_path / "none.json")
    told = rivals_play.vectors(match(splits_lines, ACCENT, ODD), 1)

    assert told.seconds is not None
    assert (told.calls, told.bytes, told.cuts) == (3, len(ODD.body), 0)
    assert "not here" in told.note


def test_the_static_suite_tries_all_of_it_and_ends(monkeypatch, tmp_path):
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps({"sse": [{"id": "v", "chunks": ["646174", "613a780a0a"]}]}))
    monkeypatch.setattr(rivals_play, "VECTORS", file)
    told = rivals_play.vectors(match(right, ACCENT), 1)

    assert [one.body for one in rivals_play.listed(file)] == [b"data:x\n\n"]
    assert (told.seconds, told.calls, told.done) == (None, 4, True)


def test_hypothesis_shrinks_to_one_cut():
    """Not always of the smallest stream: the stream and the cut would have to change at once."""
    told = rivals_play.hypothesis(match(decodes_pieces, LONGER, ACCENT), 1)

    assert told.seconds is not None
    assert told.first is not None
    assert told.bytes in {len(ACCENT.body), len(LONGER.body)}
    assert (told.cuts, told.note) == (1, "")


def test_hypothesis_is_repeated_by_its_seed():
    first, second = (rivals_play.hypothesis(match(decodes_pieces, LONGER), 7) for _ in range(2))

    assert first.calls == second.calls


@pytest.mark.parametrize("rival", [rivals_play.hypothesis, rivals_play.vectors])
def test_a_rival_ends_when_its_time_is_over(rival):
    told = rival(match(splits_lines, ODD, seconds=0.0), 1)

    assert (told.seconds, told.calls, told.played) == (None, 0, True)


def test_every_bug_has_a_rival_or_the_reason_why_not():
    reasons = {(bug.id, name): rivals_play.absent(bug, name) for bug in known() for name in ROW}

    assert not any(why for (_, name), why in reasons.items() if name == "replayfuzz")
    assert reasons["py-httpx-sse-u2028", "atheris"] == ""
    assert "Python" in reasons["js-esp-crlf-split", "atheris"]
    assert "time grows" in reasons["js-esp-quadratic", "hypothesis"]


ROW = tuple(rivals_play.RIVALS)

# -- the harness for atheris -----------------------------------------------------------


@pytest.mark.parametrize("cuts", [(), (1,), (3, 9)])
def test_an_input_stands_for_a_body_and_its_cuts(cuts):
    body = b"data: abc\n\n"

    assert unpacked(packed(body, cuts)) == (body, cuts)
    assert pieces(body, (0, *cuts, len(body))) == pieces(body, cuts)
    assert b"".join(pieces(body, cuts)) == body
    assert len(pieces(body, cuts)) == len(cuts) + 1


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x08\x01", b"\x02\xff\xff\x00\x00ab", b"\x01ab"])
def test_any_input_stands_for_some_stream(data):
    body, cuts = unpacked(data)

    assert all(0 <= at <= len(body) for at in cuts)
    assert b"".join(pieces(body, cuts)) == body


def test_only_valid_streams_that_are_read_otherwise_are_told():
    def read(parts):
        return [(one.get("event"), one.get("data")) for one in decodes_pieces(parts)]

    whole = packed(ACCENT.body)
    halved = packed(ACCENT.body, (7,))

    assert differs(read, whole) == ""
    assert json.loads(differs(read, halved)) == {"body": ACCENT.body.hex(), "cuts": [7]}
    assert differs(read, packed(b"data: \xc3\n\n", (7,))) == ""


# -- the table -------------------------------------------------------------------------

RESULTS = [
    Tried("one", "replayfuzz", 1.23, calls=9, bytes=11, cuts=1),
    Tried("one", "hypothesis", None, calls=80),
    Tried("one", "atheris", played=False, note="for others"),
    Tried("two", "replayfuzz", 2.0, bytes=20, cuts=2),
    Tried("two", "hypothesis", done=True),
    Tried("two", "atheris", played=False, note="for others"),
]


def test_the_table_says_what_was_found_and_what_was_not():
    assert [rivals.cell(one, 20.0) for one in RESULTS] == [
        *("1.2 s, 11 B, 1 cut", "> 20 s", "-"),
        *("2.0 s, 20 B, 2 cuts", "none", "-"),
    ]
    head, _, one, two, score = rivals.table(RESULTS, 20.0, markdown=True)
    assert head == "| bug | replayfuzz | hypothesis | atheris |"
    assert one == "| one | 1.2 s, 11 B, 1 cut | > 20 s | - |"
    assert two == "| two | 2.0 s, 20 B, 2 cuts | none | - |"
    assert score == "| found | 2 of 2 | 0 of 2 | 0 of 0 |"
    assert rivals.notes(RESULTS) == ["atheris: for others: one, two"]
    assert rivals.table(RESULTS, 20.0)[1].startswith("one  ")


@settings(max_examples=30, database=None)
@given(rivals_play.cut_anywhere((ODD, LONGER), ("default", "other")))
def test_plain_hypothesis_draws_nothing_but_boundaries(case):
    assert case.bent.body == case.exchange.body
    assert len(case.plan.edits) <= rivals_play.CUTS
    assert cuts_only(case.plan) or not case.plan.edits
