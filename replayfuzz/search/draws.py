"""Drawing from a Hypothesis strategy without Hypothesis' engine, and shrinking with it.

This is the only file that knows Hypothesis' internals. A strategy draws by calling methods
of a ``ConjectureData``; one that only picks random numbers and notes them costs about a
hundredth of the real one. What is relied on: ``SearchStrategy.do_draw(data)``, the
``draw_*`` methods, ``draw``, ``depth`` and the spans of *data*, ``BuildContext``, and of the
engine the runner and the shrinker. ``tests/test_search_draws.py`` fails when they change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from types import SimpleNamespace
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.control import BuildContext
from hypothesis.errors import InvalidArgument, StopTest
from hypothesis.internal.conjecture.data import ConjectureData, ConjectureResult, Status
from hypothesis.internal.conjecture.engine import ConjectureRunner, RunIsComplete
from hypothesis.internal.escalation import InterestingOrigin
from hypothesis.strategies import SearchStrategy

Value = TypeVar("Value")
Choice = int | bool | float | str | bytes

_WIDE = 1 << 16


class Draws:
    """Answers a strategy's draws with plain random numbers, and remembers them.

    Attributes:
        choices: What the last ``draw_from`` drew, in order; Hypothesis can replay it.
    """

    provider = SimpleNamespace(avoid_realization=False)  # asked for when strategies are cached

    def __init__(self, random: Random) -> None:
        self._random = random.random
        self.choices: list[Choice] = []
        self._bare = True
        self.depth = 0
        self.frozen = False
        self.unique_element_depth = 0

    def draw_from(self, strategy: SearchStrategy[Value]) -> Value:
        """One value of *strategy*."""
        if self._bare:
            self.choices = []
            try:
                return self.draw(strategy)
            except InvalidArgument:
                # ``map`` and its kind note for reports how values were made; that costs 5 µs.
                self._bare = False
        self.choices = []
        with _context(self):
            return self.draw(strategy)

    def draw(
        self,
        strategy: SearchStrategy[Value],
        label: object = None,
        observe_as: str | None = None,
    ) -> Value:
        del label, observe_as
        return strategy.do_draw(self)  # type: ignore[arg-type]

    def draw_integer(
        self,
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        forced: int | None = None,
        observe: bool = True,
        **_: object,
    ) -> int:
        low = -_WIDE if min_value is None else min_value
        high = low + 2 * _WIDE if max_value is None else max_value
        value = low + int(self._random() * (high - low + 1)) if forced is None else forced
        if observe:
            self.choices.append(value)
        return value

    def draw_integers(self, count: int, min_value: int, max_value: int) -> list[int]:
        """As *count* times ``draw_integer``, at a quarter of the cost; Hypothesis has no such."""
        random, size = self._random, max_value - min_value + 1
        values = [min_value + int(random() * size) for _ in range(count)]
        self.choices += values
        return values

    def draw_boolean(
        self, p: float = 0.5, *, forced: bool | None = None, observe: bool = True
    ) -> bool:
        value = self._random() < p if forced is None else forced
        if observe:
            self.choices.append(value)
        return value

    def start_span(self, label: int) -> None:
        """Spans guide Hypothesis' shrinker, which makes its own when it replays the choices."""
        del label
        self.depth += 1

    def stop_span(self, *, discard: bool = False) -> None:
        del discard
        self.depth -= 1


def shrink(
    strategy: SearchStrategy[Value],
    choices: Sequence[Choice],
    fails: Callable[[Value], bool],
    seed: int,
) -> Value | None:
    """Let Hypothesis' shrinker make what *choices* stand for smaller.

    ``hypothesis.find`` would do the same, but with a seed of its own it ignores what a
    database holds, and without one it is not decided by ours.

    Args:
        strategy: What the choices were drawn from.
        choices: As noted by ``Draws``.
        fails: The predicate. It may raise, which ends the work and is passed on.
        seed: Decides the order in which things are tried.

    Returns:
        The smallest failing value found, or None when the choices do not fail.
    """
    smallest: list[Value] = []

    def test(data: ConjectureData) -> None:
        with _context(data):
            value = data.draw(strategy)
        if fails(value):
            smallest[:] = [value]
            data.mark_interesting(_ORIGIN)

    runner = ConjectureRunner(test, settings=_SETTINGS, random=Random(seed))
    try:
        first = runner.cached_test_function(choices)
        if isinstance(first, ConjectureResult) and _interesting(first):
            best = runner.shrink(first, _interesting)
            # The last value tried need not be the smallest: show it again.
            data = ConjectureData.for_choices(best.choices)
            with _context(data):
                return data.draw(strategy)
    except (RunIsComplete, StopTest):
        pass
    return smallest[0] if smallest else None


def _context(data: object) -> BuildContext:
    return BuildContext(data, wrapped_test=shrink)  # type: ignore[arg-type]


def _interesting(data: object) -> bool:
    return getattr(data, "status", None) is Status.INTERESTING


_ORIGIN = InterestingOrigin.from_exception(AssertionError())
_SETTINGS = settings(
    max_examples=1,
    database=None,
    phases=(Phase.shrink,),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
