"""Ways of cutting a bent body, and the plans that they stand for."""

from random import Random

import pytest

from replayfuzz import store, wire
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, End, Pause, Plan, Slice, Splice
from replayfuzz.search.draws import Draws
from replayfuzz.strategies import UNBENT, cut_at, plans, uncut, ways

STREAM = Exchange("x", "sse", body=b"data: h\xc3\xa9llo\r\n\r\ndata: b\n\n")


def bent(exchange, plan):
    found = wire.bend(exchange, plan)
    return found.body, found.how, found.full, found.in_head, found.in_chunk


def edges(exchange, plan):
    return {at for at, _ in wire.bend(exchange, plan).cuts}


def drawn_plans():
    draws = Draws(Random(3))
    for exchange in store.shipped()[::40]:
        for _ in range(25):
            yield exchange, draws.draw_from(plans(exchange))


def test_a_plan_that_is_cut_bends_to_the_same_bytes_with_these_boundaries():
    random, tried = Random(5), 0
    for exchange, drawn in drawn_plans():
        plan = uncut(drawn)
        body, others = wire.bend(exchange, plan).body, edges(exchange, plan)
        if not 2 <= len(body) <= 20_000:
            continue
        for way in ways(body, random.random, 5, 6):
            cut = cut_at(exchange, plan, way)
            assert bent(exchange, cut) == bent(exchange, plan)
            assert edges(exchange, cut) == others | set(way)
            tried += 1
    assert tried > 500


@pytest.mark.parametrize(
    ("edits", "way", "cut"),
    [
        ((), (8,), (Cut(8),)),
        ((Splice(0, 0, b"\xef\xbb\xbf"),), (3,), (Splice(0, 0, b"\xef\xbb\xbf"), Cut(0))),
        (
            (Splice(0, 0, b"abc"),),
            (1, 2),
            (Splice(0, 0, b"a"), Cut(0), Splice(0, 0, b"b"), Cut(0), Splice(0, 0, b"c")),
        ),
        ((Splice(6, 3, b""),), (6,), (Cut(6), Splice(6, 3, b""))),
        ((Splice(6, 3, b"xy"),), (7,), (Splice(6, 0, b"x"), Cut(6), Splice(6, 3, b"y"))),
        (
            (Splice(6, 5, b"y"), Splice(8, 1, b"z")),
            (7,),
            (Splice(6, 5, b"y"), Cut(8), Splice(8, 1, b"z")),
        ),
        ((End(9, "fin"),), (3, 9), (Cut(3), Cut(9), End(9, "fin"))),
        ((Pause(4, 0.1),), (9,), (Pause(4, 0.1), Cut(9))),
    ],
    ids=["nothing", "behind", "inside twice", "removed", "replaced", "overlap", "end", "pause"],
)
def test_boundaries_stand_where_the_recorded_bytes_do(edits, way, cut):
    plan = Plan(edits, keep_chunks=False, keep_times=False)

    assert cut_at(STREAM, plan, way).edits == cut


def test_a_boundary_is_named_after_what_it_parts():
    [here] = cut_at(STREAM, UNBENT, (8,)).edits

    assert (here.kind, here.label) == ("cut.utf8", "split inside U+00E9")


def test_without_its_boundaries_a_plan_bends_to_the_same_bytes():
    plan = Plan((Slice(0, 1), Splice(0, 0, b"ab"), Cut(3), End(5, "reset")))

    assert uncut(plan).edits == (Splice(0, 0, b"ab"), End(5, "reset"))


@pytest.mark.parametrize("body", [STREAM.body, b"ab", b"\r\n", b"x" * 5000], ids=len)
def test_ways_lie_inside_the_body(body):
    found = ways(body, Random(1).random, 200, 4)

    assert found[0] == ()
    assert len(found) == 200
    assert all(way == tuple(sorted(set(way))) and 1 <= len(way) <= 4 for way in found[1:])
    assert all(0 < at < len(body) for way in found for at in way)
    assert found == ways(body, Random(1).random, 200, 4)


def test_each_second_boundary_is_where_readers_break():
    body = b"data: " + b"x" * 2000 + b"\r\n\r\n"
    cuts = [at for way in ways(body, Random(1).random, 500, 4) for at in way]

    inside = {at for at in cuts if 6 < at < 2006}
    assert 0.4 < sum(at in inside for at in cuts) / len(cuts) < 0.6
    assert len(inside) > 300
