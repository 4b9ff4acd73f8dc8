"""How clients' sockets reach a daemon: plans, their words, and what is left of them when small."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import find, settings

from replayfuzz import plan as plans
from replayfuzz import strategies
from replayfuzz.plan import HandOff, Plan
from replayfuzz.search.case import UNBENT, Case
from replayfuzz.search.daemons import abuses
from replayfuzz.search.handed import plain_handoff
from replayfuzz.strategies import ABUSES, HANDOFFS, view
from replayfuzz.strategies.handoffs import described
from tests.streams import CHAT

EVERY = [
    pytest.param(plan, id=f"{family.id}: {plan.handoff.label[:50]}")
    for family in HANDOFFS
    for plan in family.plans(view(CHAT))
]


@pytest.mark.parametrize("plan", EVERY)
def test_every_plan_has_words_and_survives_being_saved(plan):
    assert plan.handoff.kind.startswith("handoff.")
    assert plan.handoff.label
    assert plans.from_json(plans.to_json(plan)) == plan


@pytest.mark.parametrize("plan", EVERY)
def test_an_ordinary_stream_lies_behind_every_hand_off(plan):
    """Only who leaves, or is not alone, needs another one: one that falls silent or pauses."""
    assert not plan.edits or plan.handoff.leaves is not None or plan.handoff.beside


def test_each_abuse_has_words_and_is_carried_out():
    assert set(ABUSES) == set(abuses._ABUSES)


def test_only_daemons_are_given_hand_offs():
    assert all(plan.handoff == HandOff() for plan in strategies.schedule(CHAT))
    handed = [
        plan for plan in strategies.schedule(CHAT, handoffs=True) if plan.handoff != HandOff()
    ]
    assert len(handed) == len(EVERY)


def test_the_words_of_a_hand_off_tell_everything_out_of_the_ordinary():
    handoff = HandOff(b'{"a":1}', "unix", reads="slow", before=("pipe", "no-fd"), beside=2)
    words = described(handoff).label
    for part in ("a pipe", "then a payload without", '{"a":1}', "Unix socket pair", "slowly", "2 "):
        assert part in words


def test_what_is_drawn_shrinks_to_an_ordinary_hand_off():
    found = find(
        strategies.plans(CHAT, handoffs=True),
        lambda _: True,
        settings=settings(database=None, deadline=None),
        random=Random(1),
    )
    assert found == UNBENT


def case(**changes):
    return Case(CHAT, Plan(keep_chunks=False, keep_times=False, handoff=HandOff(**changes)))


@pytest.mark.parametrize(
    ("given", "fails", "left"),
    [
        pytest.param(
            {"before": ("idle", "pipe", "gone", "no-fd"), "pair": "unix", "beside": 3},
            lambda handoff: "pipe" in handoff.before,
            {"before": ("pipe",)},
            id="one abuse matters",
        ),
        pytest.param(
            {"before": ("idle", "pipe", "gone")},
            lambda handoff: {"idle", "gone"} <= set(handoff.before),
            {"before": ("idle", "gone")},
            id="two abuses matter",
        ),
        pytest.param(
            {"payload": b'{"a": 1, "prompt": "xxAyy", "b": null}'},
            lambda handoff: b"A" in (handoff.payload or b""),
            {"payload": b'{"prompt":"A"}'},
            id="a letter of the payload matters",
        ),
        pytest.param(
            {"leaves": 9, "reads": "slow"},
            lambda handoff: handoff.leaves is not None,
            {"leaves": 0},
            id="leaving matters, not when",
        ),
        pytest.param(
            {"beside": 31}, lambda handoff: handoff.beside >= 3, {"beside": 3}, id="three"
        ),
    ],
)
def test_a_hand_off_is_made_as_plain_as_it_goes(given, fails, left):
    small = plain_handoff(case(**given), lambda tried: fails(tried.plan.handoff))
    assert small.plan.handoff == HandOff(**left)


def test_an_ordinary_hand_off_is_left_alone():
    same = replace(case(), variant="x")
    assert plain_handoff(same, lambda _: pytest.fail("nothing is to be tried")) == same
