from random import Random

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from replayfuzz import store, wire
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, Plan, Slice, Splice
from replayfuzz.strategies import UNBENT, describe, plans
from replayfuzz.strategies.catalogue import moves
from replayfuzz.strategies.plans import _clash
from tests.streams import ALL, CHAT, RAW

QUICK = settings(
    max_examples=2000,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def smallest(exchange, interesting) -> Plan:
    return find(plans(exchange), interesting, settings=QUICK, random=Random(1))


def is_cut(edit) -> bool:
    return isinstance(edit, Cut)


def has(kind):
    return lambda plan: any(edit.kind.startswith(kind) for edit in plan.edits)


@pytest.mark.parametrize(
    ("interesting", "edits"),
    [
        (lambda _: True, ()),
        (lambda plan: plan.edits, (Cut(0),)),
        (lambda plan: sum(map(is_cut, plan.edits)) >= 2, (Cut(0), Cut(0))),
        (has("cut.utf8"), (Cut(16),)),
        (has("cut.slice"), (Slice(0, 1),)),
        (has("rewrite.bom"), (Splice(0, 0, b"\xef\xbb\xbf"),)),
    ],
    ids=["anything", "an edit", "two cuts", "a character", "slices", "a mark"],
)
def test_shrinks_to_the_tamest_plan(interesting, edits):
    assert smallest(RAW, interesting).edits == edits


@pytest.mark.parametrize("kind", ["end.short", "text.separator", "meaning.drop", "rewrite.colon"])
def test_a_kind_of_edit_shrinks_to_one_move_without_boundaries(kind):
    found = smallest(CHAT, has(kind))

    assert found.kinds == (kind,)
    assert any(found.edits == move.edits for move in moves(CHAT))


def test_a_head_alone_shrinks_to_it():
    found = smallest(RAW, lambda plan: plan.head.coding == "gzip")

    assert (found.edits, found.head.kind) == ((), "head.gzip")


@pytest.mark.slow
def test_a_split_line_end_shrinks_to_one_rewrite_and_one_cut():
    found = smallest(RAW, lambda plan: "cut.crlf" in describe(RAW, plan).kinds)

    assert sum(map(is_cut, found.edits)) <= 1
    assert wire.bend(RAW, found).how == "complete"


@pytest.mark.slow
def test_a_cut_inside_an_insertion_can_be_drawn():
    def broken(plan: Plan) -> bool:
        return any(piece.endswith(b"\xf0\x9f") for piece in wire.bend(RAW, plan).pieces)

    found = smallest(RAW, broken)

    assert len(found.edits) <= 5  # how small depends on what Hypothesis meets first


@pytest.mark.parametrize("exchange", [*ALL, Exchange("empty", "sse")], ids=lambda one: one.name)
def test_every_plan_fits_the_body(exchange):
    @given(plans(exchange))
    @settings(QUICK, max_examples=60, phases=[Phase.generate])
    def check(plan: Plan) -> None:
        bent = wire.bend(exchange, plan)
        assert not plan.keep_chunks
        assert b"".join(bent.pieces) == bent.body
        describe(exchange, plan)

    check()


def test_the_bounds_are_kept():
    @given(plans(CHAT, max_moves=0, max_cuts=2))
    @settings(QUICK, max_examples=100, phases=[Phase.generate])
    def check(plan: Plan) -> None:
        assert len(plan.edits) <= 2
        assert all(map(is_cut, plan.edits))

    check()


def test_no_bound_above_zero_means_the_unbent_plan():
    assert find(plans(CHAT, max_moves=0, max_cuts=0), lambda _: True) == UNBENT


def test_moves_come_tamest_first_and_none_costs_wall_time():
    kinds = [plan.kinds[0].split(".")[0] for exchange in ALL for plan in moves(exchange)]

    assert kinds[0] == "cut"
    assert not {"time"} & set(kinds)
    assert not any("end.stall" in plan.kinds for plan in moves(CHAT))


def test_no_family_drowns_the_others():
    exchange = next(one for one in store.shipped() if one.name == "openai.chat/plain")
    counts: dict[str, int] = {}
    for plan in moves(exchange):
        counts[plan.kinds[-1]] = counts.get(plan.kinds[-1], 0) + 1

    assert len(counts) > 30
    assert max(counts.values()) <= 60


@pytest.mark.parametrize(
    ("taken", "spans", "clash"),
    [
        ([], [(0, 5)], False),
        ([(0, 5)], [], False),
        ([(0, 5)], [(5, 6)], False),
        ([(0, 5)], [(4, 6)], True),
        ([(3, 3)], [(3, 3)], False),
        ([(3, 3)], [(0, 5)], True),
        ([(0, 0), (8, 9)], [(2, 7)], False),
    ],
)
def test_moves_clash_where_one_takes_away_what_the_other_changes(taken, spans, clash):
    assert _clash(taken, spans) is clash
