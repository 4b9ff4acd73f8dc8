"""Bending: which bytes come out, where their boundaries lie, how they end."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.cassette import Exchange
from replayfuzz.errors import PlanError
from replayfuzz.plan import Cut, End, Head, Pause, Plan, Slice, Splice
from replayfuzz.wire import bend

BODY = b"0123456789"
RECORDED = Exchange("t", "sse", body=BODY, chunks=((0.0, 4), (0.5, 6)))


def bent(*edits, exchange=RECORDED, head=Head(), keep=False):  # noqa: B008 - a frozen value
    return bend(exchange, Plan(edits, head, keep_chunks=keep, keep_times=keep))


@pytest.mark.parametrize(
    ("edits", "body"),
    [
        pytest.param([], BODY, id="nothing"),
        pytest.param([Splice(0, 0, b"ab")], b"ab0123456789", id="insert-first"),
        pytest.param([Splice(10, 0, b"ab")], b"0123456789ab", id="insert-last"),
        pytest.param([Splice(0, 10, b"")], b"", id="remove-all"),
        pytest.param([Splice(3, 2, b"X")], b"012X56789", id="replace"),
        pytest.param([Splice(5, 1, b"B"), Splice(2, 1, b"A")], b"01A34B6789", id="any-order"),
        pytest.param([Splice(2, 0, b"A"), Splice(2, 0, b"B")], b"01AB23456789", id="same-place"),
        pytest.param([Splice(2, 4, b"A"), Splice(4, 4, b"B")], b"01AB89", id="overlap-is-union"),
        pytest.param([Splice(2, 6, b"A"), Splice(4, 1, b"B")], b"01AB89", id="one-inside-other"),
        pytest.param([End(4, "fin")], b"0123", id="end"),
        pytest.param([End(0, "fin")], b"", id="end-at-once"),
        pytest.param([End(8, "fin"), End(4, "reset")], b"0123", id="the-first-end-counts"),
        pytest.param([Splice(1, 6, b""), End(4, "fin")], b"0", id="end-in-what-is-removed"),
        pytest.param([End(4, "fin"), Splice(4, 0, b"A")], b"0123", id="nothing-after-the-end"),
        pytest.param([Splice(4, 0, b"A"), End(4, "fin")], b"0123A", id="inserted-before-the-end"),
    ],
)
def test_bytes(edits, body):
    assert bent(*edits).body == body


@pytest.mark.parametrize(
    ("edits", "pieces"),
    [
        pytest.param([Cut(3)], [b"012", b"3456789"], id="cut"),
        pytest.param([Cut(0), Cut(10)], [BODY], id="edges-part-nothing"),
        pytest.param([Cut(3), Cut(3, "tcp")], [b"012", b"3456789"], id="two-layers-one-place"),
        pytest.param([Pause(3, 1)], [b"012", b"3456789"], id="a-pause-is-a-boundary"),
        pytest.param([Slice(0, 4)], [b"0123", b"4567", b"89"], id="slice"),
        pytest.param([Slice(7)], [b"01234567", b"8", b"9"], id="slice-from-within"),
        pytest.param(
            [Splice(2, 0, b"AB"), Slice(0, 3)], [b"01A", b"B23", b"456", b"789"], id="slice-insert"
        ),
        pytest.param(
            [Splice(2, 0, b"A"), Cut(2), Splice(2, 0, b"B")],
            [b"01A", b"B23456789"],
            id="between-two-insertions",
        ),
        pytest.param([Splice(2, 5, b""), Cut(4)], [b"01", b"789"], id="cut-in-what-is-removed"),
        pytest.param([End(4, "fin"), Cut(6), Slice(5)], [b"0123"], id="none-after-the-end"),
        pytest.param([Slice(0, 3), End(4, "fin")], [b"012", b"3"], id="slice-until-the-end"),
    ],
)
def test_boundaries(edits, pieces):
    assert bent(*edits).pieces == tuple(pieces)


def test_recorded_boundaries_and_times_are_kept_when_asked():
    kept = bent(keep=True)

    assert kept.cuts == ((0, "write"), (4, "write"), (10, "write"))
    assert kept.waits == ((4, 0.5),)
    assert bent().cuts == bent().waits == ()


@pytest.mark.parametrize(
    ("ending", "edits", "how"),
    [
        ("complete", [], "complete"),
        ("timeout", [], "stall"),
        ("reset", [], "reset"),
        ("reset", [End(10, "complete")], "complete"),
        ("complete", [End(3, "open")], "open"),
    ],
)
def test_ending(ending, edits, how):
    exchange = Exchange("t", "sse", body=BODY, ending=ending)

    assert bent(*edits, exchange=exchange).how == how


def test_the_full_length_counts_what_was_not_sent():
    result = bent(Splice(8, 0, b"ABC"), End(4, "short", in_head=True))

    assert (result.full, len(result.body), result.in_head) == (13, 4, True)


def test_an_end_tells_where_in_its_chunk_it_stands():
    assert bent(End(4, "fin", in_chunk=True)).in_chunk
    assert not bent(End(4, "fin")).in_chunk
    assert not bent(End(6, "fin", in_chunk=True), End(4, "fin")).in_chunk


@pytest.mark.parametrize("status", [100, 103, 204, 304])
def test_a_status_without_content_sends_none(status):
    result = bent(Cut(3), End(5, "reset"), head=Head(status=status))

    assert (result.body, result.cuts, result.how, result.full) == (b"", (), "complete", 0)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(Cut(11), r"byte 11.*10 bytes", id="past-the-end"),
        pytest.param(Cut(-1), r"byte -1.*10 bytes", id="before-the-start"),
        pytest.param(Splice(8, 3, b""), r"byte 11.*10 bytes", id="removes-past-the-end"),
        pytest.param(End(11, "fin"), r"byte 11.*10 bytes", id="ends-past-the-end"),
        pytest.param(Slice(0, 0), "every 0 bytes", id="slice-without-step"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(edit, words):
    with pytest.raises(PlanError, match=words):
        bent(edit)


def some_edit(draw):
    at = draw.randrange(len(BODY) + 1)
    return draw.choice(
        [
            Cut(at, draw.choice(["write", "http", "tcp", "head"])),
            Slice(at, draw.randint(1, 4), draw.choice(["write", "http", "tcp"])),
            Pause(at, draw.choice([0, 0.1, 2])),
            Splice(at, draw.randrange(len(BODY) - at + 1), draw.choice([b"", b"A", b"BC\n"])),
            End(
                at,
                draw.choice(["complete", "fin", "reset", "short", "stall", "open"]),
                in_head=at % 5 == 0,
                in_chunk=at % 3 == 0,
            ),
        ]
    )


def some_plans(count, seed=1):
    draw = random.Random(seed)
    for _ in range(count):
        yield Plan(tuple(some_edit(draw) for _ in range(draw.randrange(6))), keep_chunks=False)


def test_every_plan_that_fits_gives_a_sound_result():
    """Total; what it names lies within the body; every wait is at a boundary."""
    for plan in some_plans(500):
        result = bend(RECORDED, plan)
        places = {at for at, _ in result.cuts}

        assert b"".join(result.pieces) == result.body
        assert all(result.pieces)
        assert places <= set(range(len(result.body) + 1))
        assert {at for at, _ in result.waits} <= places
        assert result.cuts == tuple(sorted(set(result.cuts)))
        assert result.waits == tuple(sorted(result.waits, key=lambda wait: wait[0]))
        assert result.full >= len(result.body)


def test_dropping_a_boundary_changes_no_byte():
    parted = 0
    for plan in some_plans(300, seed=2):
        rest = tuple(edit for edit in plan.edits if isinstance(edit, Splice | End))
        parted += rest != plan.edits

        assert bend(RECORDED, plan).body == bent(*rest).body
    assert parted > 100


def test_edits_at_different_places_commute():
    moved = 0
    for plan in some_plans(300, seed=3):
        if len({edit.at for edit in plan.edits}) == len(plan.edits) > 1:
            moved += 1

            assert bend(RECORDED, plan) == bend(RECORDED, Plan(plan.edits[::-1], keep_chunks=False))
    assert moved > 50


@given(st.lists(st.tuples(st.integers(0, 10), st.sampled_from(["write", "http", "tcp"]))))
def test_boundaries_alone_are_the_same_beside_an_edit_that_does_nothing(places):
    """The short way for plans of cuts and the walk over all edits agree."""
    cuts = tuple(Cut(at, layer) for at, layer in places)

    assert bent(*cuts) == bent(*cuts, Splice(0, 0, b""))
