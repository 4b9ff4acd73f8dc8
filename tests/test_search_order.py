"""Every way to bend is seen early, once; and what takes long does not stand in front of it."""

import re
from collections import Counter
from itertools import islice

from replayfuzz import strategies
from replayfuzz.plan import Cut, End, Pause, Plan
from replayfuzz.search.case import UNBENT, Case
from replayfuzz.search.order import first_round, scheduled
from replayfuzz.search.putoff import MOST, PutOff
from tests.readers import chat, raw

STREAMS = (chat("Hello ", "wörld"), chat("ano", "ther"))
VARIANTS = ("sync", "async")


def early(streams, variants=("default",)):
    """The cases of the first round: one for each way to bend."""
    known, first = set(), []
    for case in scheduled(streams, variants, 0):
        words = frozenset(re.sub(r"\d+", "", label) for label in case.plan.labels)
        if (case.plan.kinds, words) in known:
            break
        known.add((case.plan.kinds, words))
        first.append(case)
    return first


def test_each_case_comes_once():
    cases = list(scheduled(STREAMS[:1], VARIANTS, 0))
    plans = [plan for plan in strategies.schedule(STREAMS[0]) if plan != UNBENT]

    assert len(set(cases)) == len(cases) == len(plans) * len(VARIANTS)
    assert {case.plan for case in cases} == set(plans)


def test_every_family_that_fits_is_seen_in_the_first_round_with_all_that_it_does():
    seen = early(STREAMS)
    plans = {case.plan for case in seen}  # what two families do is in one of them
    wanted = {plan.kinds for stream in STREAMS for plan in {*strategies.plain(stream)} - plans}
    most = Counter(case.plan.kinds for case in seen)

    assert wanted - {()} <= {case.plan.kinds for case in seen}
    assert len(seen) < 800
    assert most["meaning.member",] > 3  # each member has a bug of its own


def test_a_slow_target_sees_every_kind_in_its_first_cases():
    seen = [case.plan.kinds for case in early(STREAMS)]

    assert len(set(seen[: len(set(seen))])) == len(set(seen)) < 120


def test_streams_and_variants_take_turns_in_a_round():
    seen = early(STREAMS, VARIANTS)
    names = Counter((case.exchange.body, case.variant) for case in seen)

    assert len(names) == 4
    assert min(names.values()) > len(seen) / 8


def test_the_long_part_of_the_schedule_is_made_a_stream_at_a_time(monkeypatch):
    made = []
    schedule = strategies.schedule

    def counted(exchange, **options):
        made.append(exchange.name)
        yield from schedule(exchange, **options)

    monkeypatch.setattr(strategies, "schedule", counted)
    streams = [raw(f"stream {number}", f"data: {number}é\n\n") for number in range(5)]
    cases, most, last = scheduled(streams, ["a"], 0), 0, 0
    for _ in range(first_round(streams, ["a"])):
        next(cases)
        most, last = max(most, len(made) - last), len(made)

    assert sorted(made) == [stream.name for stream in streams]
    assert most == 1


def test_plain_plans_are_some_of_the_schedule():
    for stream in (raw(), *STREAMS):
        assert set(strategies.plain(stream)) <= set(strategies.schedule(stream))


def test_what_bends_in_several_ways_comes_when_each_was_seen_alone():
    """But for what every reader of bytes has to bear: another spelling, byte by byte."""
    cases = list(islice(scheduled(STREAMS, ("default",), 0), 3000))
    alone, first = set(), {}
    for number, case in enumerate(cases):
        kinds = case.plan.kinds
        if len(kinds) == 1:
            alone |= set(kinds)
        elif kinds not in first and kinds[0].startswith("cut") and "rewrite" in str(kinds):
            first[kinds] = number

    bytewise = {kinds: first.pop(kinds) for kinds in list(first) if kinds[0] == "cut.slice"}
    assert min(bytewise.values()) < 50
    assert min(first.values()) > 200
    lone = {plan.kinds for plan in strategies.schedule(STREAMS[0]) if len(plan.kinds) == 1}
    assert {(kind,) for kinds in first for kind in kinds} & lone <= {(kind,) for kind in alone}


# -- what takes long ---------------------------------------------------------------------


def waiting(*edits):
    return Case(raw(), Plan(edits, keep_chunks=False, keep_times=False))


def test_slow_cases_come_by_turns_of_their_kinds():
    """A family of thirty that was put off first must not come first."""
    put_off = PutOff()
    pauses = [waiting(Pause(at, 0.4, "time.pause", "a pause")) for at in range(30)]
    open_end = waiting(End(5, "open", kind="end.open", label="nothing more"))
    for case in (*pauses, open_end):
        put_off.add(case, ())
    taken = [put_off.take()[0] for _ in range(31)]

    assert taken.index(open_end) == 1
    assert taken[0] == pauses[0]
    assert set(taken) == {*pauses, open_end}
    assert not len(put_off)


def test_there_is_an_end_to_what_waits():
    put_off = PutOff()
    for at in range(MOST + 5):
        put_off.add(waiting(Cut(at, kind="cut.text", label="")), ())

    assert len(put_off) == MOST
