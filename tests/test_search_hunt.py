"""A failing example becomes one minimal finding; what is known is only counted."""

import dataclasses

import pytest

from replayfuzz import strategies
from replayfuzz.finding import Finding
from replayfuzz.plan import Cut, Plan, Slice, Splice
from replayfuzz.search.case import UNBENT, Case
from replayfuzz.search.hunt import Hunt
from replayfuzz.transcript import event
from tests.readers import chat, chat_per_piece, never_right, per_piece, raw, right, strict, trying

BYTEWISE = Plan((Slice(0, 1),), keep_chunks=False, keep_times=False)


class Hunted:
    """A hunt on one reader, and what it told."""

    def __init__(self, reader, dialect="sse", reports=None, **expect):
        self.attempt = trying(reader, dialect, reports)
        self.attempt.target = dataclasses.replace(self.attempt.target, expect=expect)
        self.told: list[Finding] = []
        self.seconds = None
        self.hunt = Hunt(self.attempt, ("default",), 0, lambda: self.seconds, self.told.append)

    def see(self, exchange, plan):
        case = Case(exchange, plan)
        self.hunt.examine(case, self.attempt.attempt(case))
        return self.hunt.buckets.findings


def test_a_cut_character_shrinks_to_one_cut_and_a_few_bytes():
    """BENCHMARKS F4: 1 cut, 1-2 events, at most 60 bytes, at most 200 calls."""
    hunted = Hunted(chat_per_piece, "openai.chat", ("text", "done"))
    [finding] = hunted.see(chat("Hello ", "wörld", " 😀!"), BYTEWISE)

    assert [type(edit) for edit in finding.plan.edits] == [Cut]
    assert finding.events == 1
    assert finding.body_bytes <= 60
    assert finding.calls <= 200
    assert finding.kinds == ("cut.utf8",)
    assert (finding.shown_over, finding.note) == ("memory", "")


def test_the_smallest_raw_stream():
    [finding] = Hunted(per_piece).see(raw(), BYTEWISE)

    assert finding.exchange.body == "data: é\n\n".encode()
    assert finding.plan.edits == (Cut(7),)
    assert finding.exchange.chunks == ((0.0, 10),)


@pytest.mark.parametrize("reader", [per_piece, strict, chat_per_piece])
def test_nothing_of_a_minimal_finding_can_go(reader):
    """Checked by hand: no edit, and no single byte of the body."""
    is_chat = reader is chat_per_piece
    hunted = Hunted(reader, *(("openai.chat", ("text",)) if is_chat else ()))
    [finding] = hunted.see(chat("añb") if is_chat else raw(), BYTEWISE)
    same = (finding.invariant, finding.shape)

    def broken(exchange, plan):
        verdict = hunted.attempt.attempt(Case(exchange, plan)).verdict
        return same in [(each.name, each.evidence.shape) for each in verdict.violations]

    assert broken(finding.exchange, finding.plan)
    assert not broken(finding.exchange, UNBENT)


def test_an_exception_is_told_with_its_frame():
    [finding] = Hunted(strict).see(raw(), BYTEWISE)

    assert "UnicodeDecodeError" in finding.shape
    assert finding.frame == "tests.readers:<genexpr>"


def test_a_known_bug_is_only_counted():
    hunted = Hunted(per_piece)
    [finding] = hunted.see(raw(), BYTEWISE)
    for at in (8, 21):
        hunted.see(raw(), Plan((Cut(at), Cut(3)), keep_chunks=False, keep_times=False))

    assert hunted.told == [finding]
    assert hunted.hunt.buckets.counts[finding.id] == 3


def test_what_fails_unbent_is_one_finding_without_edits():
    """And it hides the same breakage on bent streams."""
    hunted = Hunted(never_right)
    hunted.see(raw(), UNBENT)
    [finding] = hunted.see(raw(), BYTEWISE)

    assert (finding.plan, finding.kinds) == (UNBENT, ())
    assert [each.name for each in hunted.hunt.deviations] == [finding.invariant]


def test_an_accepted_deviation_is_listed_and_not_a_finding():
    hunted = Hunted(never_right, **{"content-equal": "it is called so"})

    assert hunted.see(raw(), UNBENT) == ()
    assert [each.accepted for each in hunted.hunt.deviations] == ["it is called so"]


def test_a_second_bug_is_found_past_the_first():
    def two_bugs(pieces):
        listed = list(pieces)
        if listed and listed[0].startswith(b"\xef\xbb\xbf"):
            raise KeyError("BOM")
        yield from per_piece(listed)

    hunted = Hunted(two_bugs)
    hunted.see(raw(), BYTEWISE)
    bom = Splice(0, 0, b"\xef\xbb\xbf", kind="rewrite.bom", label="a byte order mark")
    findings = hunted.see(raw(), Plan((bom,), keep_chunks=False, keep_times=False))

    assert [finding.kinds for finding in findings] == [("cut.utf8",), ("rewrite.bom",)]


def flaky(*fails):
    """Wrong on these calls (counted from 0) only."""
    calls = iter(range(10**6))

    def reader(pieces):
        number = next(calls)
        yield from right(pieces)
        if number in fails:
            yield event("sse", event="message", data="too much")

    return reader


def test_what_does_not_break_each_time_is_flaky_and_kept_as_it_was():
    [finding] = Hunted(flaky(0, 1, 3)).see(raw(), BYTEWISE)

    assert finding.flaky
    assert finding.exchange.body == raw().body
    assert "not shrunk" in finding.note


def test_what_never_breaks_again_is_no_finding():
    assert Hunted(flaky(0)).see(raw(), BYTEWISE) == ()


def test_without_time_a_lead_waits_until_there_is_some():
    hunted = Hunted(per_piece)
    hunted.seconds = 0.0

    assert hunted.see(raw(), BYTEWISE) == ()
    hunted.hunt.catch_up()
    assert hunted.told == []
    hunted.seconds = 5.0
    hunted.hunt.catch_up()
    assert len(hunted.told) == 1


def test_a_lead_at_the_end_is_still_told():
    """Shrunk as far as a moment allows; the first steps help a reader most."""
    hunted = Hunted(per_piece)
    hunted.seconds = 0.0
    hunted.see(raw(), BYTEWISE)
    hunted.hunt.finish(float("inf"))

    [told] = hunted.told
    assert told.calls > 0
    assert len(told.exchange.body) < len(raw().body)


def test_ctrl_c_does_not_lose_the_lead(monkeypatch):
    hunted = Hunted(per_piece)
    case = Case(raw(), BYTEWISE)
    outcome = hunted.attempt.attempt(case)

    def interrupted(*_):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(hunted.attempt, "attempt", interrupted)
    with pytest.raises(KeyboardInterrupt):
        hunted.hunt.examine(case, outcome)
    hunted.hunt.finish(float("inf"))

    assert len(hunted.told) == 1


def test_labels_name_the_place_of_the_last_cut():
    [finding] = Hunted(per_piece).see(raw(), BYTEWISE)

    assert finding.words == strategies.describe(finding.exchange, finding.plan).labels
