"""Plans get tamer, never wilder, and a Slice is the Cuts that it stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, End, Head, Pause, Plan, Slice, Splice
from replayfuzz.search.case import Case
from replayfuzz.search.simplify import empty, explicit, simplify
from replayfuzz.wire import bend

BODY = b"data: abcdef\n\ndata: ghi\n\n"


def case(*edits, head=None):
    plan = Plan(edits, head or Head(), keep_chunks=False, keep_times=False)
    return Case(Exchange("x", "sse", body=BODY), plan)


at = st.integers(0, len(BODY))
edits = st.one_of(
    at.map(Cut),
    st.builds(Slice, at, st.integers(1, 4), st.sampled_from(["write", "tcp"])),
    st.builds(
        lambda at, remove, insert: Splice(at, min(remove, len(BODY) - at), insert),
        at,
        st.integers(0, 3),
        st.binary(max_size=5),
    ),
    st.builds(End, at, st.sampled_from(["fin", "stall"])),
)


@given(st.lists(edits, max_size=5))
def test_a_slice_is_the_cuts_that_it_stands_for(listed):
    before = case(*listed)
    after = Case(before.exchange, Plan(explicit(before), keep_chunks=False, keep_times=False))
    first, second = bend(before.exchange, before.plan), bend(after.exchange, after.plan)

    assert not any(isinstance(edit, Slice) for edit in after.plan.edits)
    assert (first.body, first.how) == (second.body, second.how)
    assert first.cuts == second.cuts


def needs(*parts):
    """Fails as long as the bent stream has all of these pieces."""
    return lambda case: all(part in bend(case.exchange, case.plan).pieces for part in parts)


@pytest.mark.parametrize(
    ("start", "fails", "left"),
    [
        pytest.param(case(Cut(3), Cut(9)), lambda case: True, (), id="nothing-is-needed"),
        pytest.param(case(Slice(0)), needs(b"b"), (Cut(7), Cut(8)), id="a-slice-becomes-two-cuts"),
        pytest.param(
            case(Slice(0), Splice(6, 0, b"xyz")),
            needs(b"y"),
            (Cut(6), Splice(6, 0, b"y"), Cut(6)),
            id="a-cut-inside-an-insertion",
        ),
        pytest.param(
            case(Cut(7, "tcp")), lambda case: bool(case.plan.edits), (Cut(7),), id="layer"
        ),
        pytest.param(
            case(Pause(7, 2.0)), lambda case: bool(case.plan.edits), (Cut(7),), id="pause"
        ),
        pytest.param(
            case(Splice(7, 2, b"hello")),
            lambda case: b"l" in case.plan.edits[0].insert if case.plan.edits else False,
            (Splice(7, 0, b"l"),),
            id="a-change-becomes-the-shortest-insertion",
        ),
        pytest.param(
            case(End(7, "reset", in_head=True)),
            lambda case: bool(case.plan.edits),
            (End(len(BODY), "fin"),),
            id="the-simplest-end",
        ),
    ],
)
def test_simplified(start, fails, left):
    assert simplify(start, fails).plan.edits == left


def test_a_byte_by_byte_bug_keeps_its_slice():
    """A hundred cuts would say less than one Slice."""
    fails = needs(*(bytes([byte]) for byte in set(BODY)))

    assert simplify(case(Slice(0)), fails).plan.edits == (Slice(0),)


def test_the_head_keeps_only_what_matters():
    head = Head(
        status=500,
        case="upper",
        pad=3,
        empty_end=True,
        fields=(("A", "1"), ("B", "2")),
        kind="k",
        label="l",
    )
    small = simplify(case(Cut(3), head=head), lambda case: ("B", "2") in case.plan.head.fields)

    assert small.plan.head == Head(fields=(("B", "2"),))
    assert small.plan.kinds == ("k",)


def test_empty():
    assert empty(case().plan)
    assert not empty(case(Cut(1)).plan)
