"""What is relied on inside Hypothesis: when a release changes it, it is told here."""

from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.control import BuildContext
from hypothesis.internal.conjecture.data import ConjectureData

from replayfuzz.search.draws import Draws, shrink
from replayfuzz.strategies import plans
from tests.readers import raw


@st.composite
def numbers(draw):
    return tuple(draw(st.integers(0, 4000)) for _ in range(draw(st.integers(0, 6))))


STRATEGIES = [
    pytest.param(numbers(), id="n-then-n-integers"),
    pytest.param(st.integers(), id="unbounded"),
    pytest.param(st.lists(st.sampled_from("abc"), max_size=5), id="lists"),
    pytest.param(st.one_of(st.booleans(), st.integers(3, 5)), id="one-of"),
    pytest.param(numbers().map(sum), id="map"),
    pytest.param(plans(raw(), max_cuts=9), id="plans"),
]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_hypothesis_reads_our_choices_as_the_same_value(strategy):
    draws = Draws(Random(7))
    for _ in range(50):
        value = draws.draw_from(strategy)

        data = ConjectureData.for_choices(draws.choices)
        with BuildContext(data, wrapped_test=numbers):
            assert data.draw(strategy) == value


def test_a_seed_decides_what_is_drawn():
    first, second = Draws(Random(1)), Draws(Random(1))

    assert [first.draw_from(numbers()) for _ in range(20)] == [
        second.draw_from(numbers()) for _ in range(20)
    ]


def test_integers_reach_both_bounds():
    draws = Draws(Random(3))

    assert {draws.draw_from(st.integers(4, 6)) for _ in range(100)} == {4, 5, 6}


def failing(wanted):
    draws = Draws(Random(1))
    while not wanted(draws.draw_from(numbers())):
        pass
    return tuple(draws.choices)


@pytest.mark.parametrize(
    ("fails", "smallest"),
    [
        (lambda value: len(value) >= 2, (0, 0)),
        (lambda value: any(number > 1000 for number in value), (1001,)),
    ],
)
def test_choices_are_shrunk(fails, smallest):
    assert shrink(numbers(), failing(fails), fails, seed=1) == smallest


def test_choices_that_do_not_fail_give_nothing():
    assert shrink(numbers(), (1, 5), lambda value: False, seed=1) is None


def test_a_predicate_that_raises_ends_the_work():
    def fails(value):
        raise KeyError

    with pytest.raises(KeyError):
        shrink(numbers(), (2, 5, 6), fails, seed=1)
