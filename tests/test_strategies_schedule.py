from itertools import islice

import pytest

from replayfuzz import store, wire
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, Slice
from replayfuzz.strategies import UNBENT, schedule
from tests.streams import ALL, CHAT, NAMED, RAW

SHIPPED = store.shipped()


@pytest.mark.parametrize("exchange", ALL, ids=lambda one: one.name)
def test_the_unbent_stream_comes_first_then_byte_by_byte(exchange):
    first, second = islice(schedule(exchange), 2)

    assert first == UNBENT
    assert second.edits == (Slice(0, 1),)


def test_no_plan_comes_twice():
    for exchange in ALL:
        plans = list(schedule(exchange))
        assert len(set(plans)) == len(plans)


def test_equal_exchanges_have_equal_schedules():
    twin = Exchange(NAMED.name, NAMED.dialect, body=bytes(NAMED.body))

    assert list(schedule(twin)) == list(schedule(NAMED))


def test_every_single_place_of_a_small_body_is_cut():
    cut = {plan.edits[0].at for plan in schedule(CHAT) if len(plan.edits) == 1 and is_cut(plan)}

    assert cut == set(range(len(CHAT.body) + 1))


def is_cut(plan):
    return plan.edits[0] == Cut(plan.edits[0].at)


def test_a_large_body_is_cut_where_it_tells_and_evenly():
    large = Exchange("large", "sse", body=b"data: xxxxxxxxxxxxxxxxxxxx\n\n" * 100)
    assert len(large.body) > 2048
    singles = [plan for plan in schedule(large) if len(plan.edits) == 1 and is_cut(plan)]

    assert 500 < len(singles) < 1500


@pytest.mark.slow
def test_the_schedule_of_a_small_cassette_is_bounded():
    counts = [sum(1 for _ in schedule(one)) for one in SHIPPED[::11]]

    assert max(counts) < 3200
    assert min(counts) > 500


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ("between CR and LF", b"event: a\r|\ndata: \xc3\xa9/x\r|\n\r|\ndata: y\r|\n\r|\n"),
        ("inside the byte order mark", b"\xef|\xbb\xbf" + RAW.body),
        ("inside U+1F600", b"event: a\ndata: \xf0|\x9f\x98\x80\xc3\xa9/x\n\ndata: y\n\n"),
    ],
)
def test_rewrites_are_cut_where_they_rewrite(where, body):
    """A cut at the rewritten place finds what neither the cut nor the rewrite finds alone."""
    found = [b"|".join(wire.bend(RAW, plan).pieces) for plan in schedule(RAW)]

    assert body in found, where


def test_an_empty_body_has_a_schedule():
    assert next(schedule(Exchange("empty", "openai.chat"))) == UNBENT
