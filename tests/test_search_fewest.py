"""Delta debugging: nothing that is left can go, and few questions are asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.plan import Cut, Plan
from replayfuzz.search.case import UNBENT, Case, Signature
from replayfuzz.search.fewest import Budget, SpentError, StillFails, fewest
from tests.readers import per_piece, raw, right, trying


@given(st.sets(st.integers(0, 40)), st.integers(1, 41))
def test_exactly_what_is_needed_stays(needed, size):
    items = range(max(size, max(needed, default=0) + 1))

    assert fewest(items, lambda kept: needed <= set(kept)) == tuple(sorted(needed))


def test_a_single_culprit_costs_a_logarithm():
    asked = []

    def fails(kept):
        asked.append(kept)
        return 777 in kept

    assert fewest(range(4096), fails) == (777,)
    assert len(asked) < 30


def test_a_good_guess_costs_little():
    asked = []

    def fails(kept):
        asked.append(kept)
        return {7, 99} <= set(kept)

    assert fewest(range(1000), fails, [7, 99]) == (7, 99)
    assert len(asked) < 8


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_no_item_of_the_result_can_go(odd):
    """Also where dropping more makes it fail again: 1-minimal, not smallest."""

    def fails(kept):
        return sum(odd[item] for item in kept) % 2 == 1

    if fails(range(len(odd))):
        kept = fewest(range(len(odd)), fails)

        assert fails(kept)
        assert not any(fails([o for o in kept if o != item]) for item in kept)


BROKEN = Case(raw(), Plan((Cut(8),), keep_chunks=False, keep_times=False))
LOST = Signature("valid-utf8", "text replaced by U+FFFD")


def test_the_predicate_wants_the_same_rule_broken_in_the_same_way():
    attempt = trying(per_piece)
    [violation, *_] = attempt.attempt(BROKEN).verdict.violations
    same = Signature(violation.name, violation.evidence.shape)

    assert StillFails(attempt, same, "memory", Budget(9))(BROKEN)
    assert not StillFails(attempt, Signature("no-hang", "x"), "memory", Budget(9))(BROKEN)
    assert not StillFails(trying(right), same, "memory", Budget(9))(BROKEN)


def test_a_question_is_paid_once():
    budget = Budget(9)
    fails = StillFails(trying(right), LOST, "memory", budget)
    fails(BROKEN)
    fails(BROKEN)

    assert budget.calls == 1


@pytest.mark.parametrize("budget", [Budget(0), Budget(9, seconds=0.0)], ids=["calls", "seconds"])
def test_a_spent_budget_ends_the_work_and_keeps_the_best(budget):
    fails = StillFails(trying(per_piece), LOST, "memory", budget)

    with pytest.raises(SpentError):
        fails(Case(raw(), UNBENT))
    assert fails.best is None


def test_a_turn_is_one_call_at_least_and_its_time_runs_from_there():
    budget = Budget(9)
    for _ in range(2):
        budget.turn(0.0)
        assert budget.take()
        assert not budget.take()
    budget.turn(None)

    assert budget.take()
    assert (budget.calls, budget.spent) == (3, False)


def test_a_budget_can_be_made_larger_and_ended():
    budget = Budget(1)
    assert budget.take()
    assert not budget.take()
    assert budget.more(2)
    assert not budget.more(2)
    assert budget.take()
    budget = Budget(9)
    budget.limit(0.0)

    assert budget.spent
