"""A failing example becomes one minimal finding; what is known is only counted."""

import dataclasses
from typing import Any

import pytest

from replayfuzz import strategies
from replayfuzz.finding import Finding
from replayfuzz.plan import Cut, End, Plan, Slice, Splice
from replayfuzz.search import confirm, pursuit
from replayfuzz.search.buckets import told
from replayfuzz.search.callable import target_of
from replayfuzz.search.case import UNBENT, Case, Outcome
from replayfuzz.search.hunt import Hunt
from replayfuzz.transcript import Delivery, Transcript, event
from replayfuzz.verdict import Evidence, Verdict, Violation
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


def test_what_fails_unbent_is_asked_for_where_another_process_tried_that():
    hunted = Hunted(never_right)

    assert hunted.see(raw(), BYTEWISE) == ()


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
    [finding] = Hunted(flaky(0, 2, 4)).see(raw(), BYTEWISE)

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


# -- which lead is followed when ---------------------------------------------------------


def failing_slowly(pieces):
    """Loses what it has when a line is cut in two, and a byte order mark makes it wait."""
    listed = list(pieces)
    if listed and listed[0].startswith(b"\xef\xbb\xbf"):
        raise KeyError("BOM")
    yield from per_piece(listed)


BOM = Splice(0, 0, b"\xef\xbb\xbf", kind="rewrite.bom", label="a byte order mark")


def seen_slowly(hunted, exchange, plan, seconds):
    case = Case(exchange, plan)
    outcome = hunted.attempt.attempt(case)
    seen = dataclasses.replace(outcome.seen, seconds=seconds)
    hunted.hunt.examine(case, dataclasses.replace(outcome, seen=seen))


def test_a_slow_lead_waits_for_quick_ones_that_came_later():
    hunted = Hunted(failing_slowly)
    hunted.seconds = 0.0
    seen_slowly(hunted, raw(), BYTEWISE, 0.0)
    seen_slowly(hunted, raw(), Plan((BOM,), keep_chunks=False, keep_times=False), 9.0)
    seen_slowly(hunted, raw("more"), Plan((Slice(0, 2),), keep_chunks=False, keep_times=False), 0.0)
    hunted.seconds = 5.0
    hunted.hunt.catch_up()  # the oldest one has its part of the time, always
    hunted.hunt.catch_up()

    assert [finding.kinds for finding in hunted.told] == [("cut.utf8",), ("rewrite.bom",)]


def test_a_slow_lead_that_is_the_oldest_does_not_wait_for_ever():
    hunted = Hunted(failing_slowly)
    hunted.seconds = 0.0
    seen_slowly(hunted, raw(), Plan((BOM,), keep_chunks=False, keep_times=False), 9.0)
    seen_slowly(hunted, raw(), BYTEWISE, 0.0)
    hunted.seconds = 5.0
    hunted.hunt.catch_up()

    assert [finding.kinds for finding in hunted.told] == [("rewrite.bom",)]


def test_rules_of_which_nothing_was_told_come_first():
    """What a library gets wrong in three ways is told in one of them before the others."""

    def three(pieces):
        listed = list(pieces)
        if listed and listed[0].startswith(b"\xef\xbb\xbf"):
            raise KeyError("BOM")
        told = [event("sse", **{**one.values, "data": "x"}) for one in per_piece(listed)]
        yield from told[1:] if b"z" in listed else told if b"y" in listed else right(listed)

    hunted = Hunted(three)
    hunted.seconds = 0.0
    for text in (b"y", b"z"):
        splice = Splice(6, 0, text, kind=f"text.{text.decode()}", label=f"{text!r}")
        cuts = (Cut(6), splice, Cut(6))
        hunted.see(raw(), Plan(cuts, keep_chunks=False, keep_times=False))
    hunted.see(raw(), Plan((BOM,), keep_chunks=False, keep_times=False))
    hunted.seconds = 5.0
    for _ in range(3):
        hunted.hunt.catch_up()

    rules = [finding.invariant for finding in hunted.told]
    assert rules.index("no-error-on-valid-stream/KeyError") < 2
    assert len(rules) == 3


def test_slices_lead_to_the_same_finding_as_no_clock():
    """Each slice is one call, and shrinking begins again from what it knows."""
    at_once, sliced = Hunted(chat_per_piece, "openai.chat"), Hunted(chat_per_piece, "openai.chat")
    stream = chat("Hello ", "wörld", " 😀!")
    [whole] = at_once.see(stream, BYTEWISE)
    sliced.seconds = 1e-9
    sliced.see(stream, BYTEWISE)
    for _ in range(whole.calls + 30):
        sliced.hunt.catch_up()

    assert sliced.told == [whole]
    assert sliced.told[0].calls == whole.calls


def test_what_was_told_before_it_was_minimal_gets_smaller_when_there_is_time(monkeypatch):
    monkeypatch.setattr(pursuit, "MAX_CALLS", 20)
    hunted = Hunted(chat_per_piece, "openai.chat")
    hunted.seconds = 0.0
    hunted.see(chat("Hello ", "wörld", " 😀!"), BYTEWISE)
    hunted.seconds = 5.0
    hunted.hunt.catch_up()
    hunted.hunt.catch_up()
    assert len(hunted.told) == 1
    hunted.hunt.catch_up(spare=True)
    first, last = hunted.told

    assert (first.id, first.note) == (last.id, pursuit.UNPROVED)
    assert last.note == ""
    assert last.body_bytes < first.body_bytes
    assert hunted.hunt.buckets.findings == (last,)


def test_a_lead_that_another_process_found_out_about_is_dropped():
    """And only that one."""
    elsewhere, hunted = Hunted(failing_slowly), Hunted(failing_slowly)
    bom = Plan((BOM,), keep_chunks=False, keep_times=False)
    elsewhere.see(raw(), bom)
    hunted.seconds = 0.0
    hunted.see(raw(), BYTEWISE)
    hunted.see(raw(), bom)
    hunted.hunt.hear(told(elsewhere.told[0]))
    hunted.hunt.finish(float("inf"))

    assert [finding.kinds for finding in hunted.told] == [("cut.utf8",)]


def test_while_much_was_not_tried_only_quick_leads_are_followed():
    hunted = Hunted(failing_slowly)
    hunted.seconds = 0.0
    seen_slowly(hunted, raw(), Plan((BOM,), keep_chunks=False, keep_times=False), 9.0)
    hunted.seconds = 5.0
    hunted.hunt.catch_up(early=True)
    assert hunted.told == []
    seen_slowly(hunted, raw(), BYTEWISE, 0.0)
    hunted.hunt.catch_up(early=True)

    assert [finding.kinds for finding in hunted.told] == [("cut.utf8",)]


def test_two_leads_of_one_kind_are_one_and_none_is_lost_at_the_end():
    hunted = Hunted(failing_slowly)
    hunted.seconds = 0.0
    for stream in (raw("a"), raw("b")):
        hunted.see(stream, BYTEWISE)
        hunted.see(stream, Plan((BOM,), keep_chunks=False, keep_times=False))
    hunted.hunt.finish(float("inf"))

    assert sorted(finding.kinds for finding in hunted.told) == [("cut.utf8",), ("rewrite.bom",)]
    assert not any(finding.flaky for finding in hunted.told)


def test_what_there_is_no_time_to_confirm_is_told_as_it_was_seen():
    hunted = Hunted(failing_slowly)
    hunted.seconds = 0.0
    hunted.see(raw(), BYTEWISE)
    hunted.hunt.finish(0.0)

    [told] = hunted.told
    assert (told.flaky, told.calls) == (True, 0)
    assert "not confirmed" in told.note


def test_a_wait_in_vain_is_confirmed_once_when_it_is_small():
    """Three waits before it is shrunk and three after it would be half of a run."""
    attempt: Any = Waiting()
    found: list[Finding] = []
    hunt = Hunt(attempt, ("default",), 0, lambda: None, found.append)
    case = Case(raw(), OPEN)
    hunt.examine(case, attempt.attempt(case, "tcp"))

    [finding] = found
    assert (finding.invariant, finding.shown_over, finding.flaky) == ("no-hang/open", "tcp", False)
    assert finding.body_bytes == 0
    assert attempt.patience.count(confirm.PATIENCE) == confirm.TIMES
    assert min(attempt.patience) == pursuit.HURRY


OPEN = Plan((End(0, "open", kind="end.open", label="nothing more"),), keep_chunks=False)


class Waiting:
    """Never answers where the connection is held open."""

    target = target_of(right, "sse")
    version = python = ""

    def __init__(self):
        self.patience = []

    def overs(self, case):
        return ("tcp",)

    def attempt(self, case, over, patience=1.0):
        self.patience.append(patience)
        seen = Transcript((), "hang", seconds=1.4, delivery=Delivery("tcp", 1))
        broken = Violation("no-hang/open", Evidence("an end", "none", "no answer"), "failed")
        return Outcome(seen, Verdict((broken,) if case.message_end == "open" else ()))
