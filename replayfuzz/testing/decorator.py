"""``@replayfuzz.streams(...)``: a test that is run on bent streams until one breaks it.

One test item for each cassette, so that ``-k``, ``--lf`` and pytest-xdist work as ever. Each
item tries the fixed schedule first, then lets Hypothesis compose bends. What breaks is made
1-minimal, and the test is run on that once more: pytest shows the test's own assertion.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings

from replayfuzz import store, strategies
from replayfuzz.cassette import Exchange
from replayfuzz.errors import UsageError
from replayfuzz.plan import Plan
from replayfuzz.search.case import Case
from replayfuzz.strategies import profiles
from replayfuzz.testing.shrink import TestAttempt
from replayfuzz.testing.stream import Stream

_Test = TypeVar("_Test", bound=Callable[..., None])
_EXCHANGE = "replayfuzz_exchange"


def streams(
    *dialects: str,
    cassettes: str | Path | Iterable[str | Path] = (),
    groups: Iterable[str] = (),
    profile: str | None = None,
) -> Callable[[_Test], Any]:
    """Run a test, which takes an argument ``stream``, on many bent streams.

    Args:
        dialects: Only streams of these dialects; none: every dialect.
        cassettes: Files, folders or globs; none: the shipped cassettes.
        groups: Only bends of these groups (``replayfuzz list edits``), such as ``cut`` and
            ``rewrite``: those that must not matter to any reader. None: every group.
        profile: ``ci``, ``dev`` or ``nightly``; None: as ``--replayfuzz-profile`` says.

    Raises:
        UsageError: No cassette of these dialects was found.
    """
    given_paths = [cassettes] if isinstance(cassettes, str | Path) else list(cassettes)
    exchanges = store.load(given_paths) if given_paths else store.shipped()
    chosen = [exchange for exchange in exchanges if not dialects or exchange.dialect in dialects]
    if not chosen:
        known = ", ".join(sorted({exchange.dialect for exchange in exchanges}))
        raise UsageError(
            f"streams: no cassette of {', '.join(dialects)}; there are some of {known}"
        )
    wanted = frozenset(groups)

    def decorate(test: _Test) -> Any:
        if "stream" not in inspect.signature(test).parameters:
            raise UsageError(f"streams: {test.__name__} has no argument 'stream' to put them in")

        @functools.wraps(test)
        def item(**arguments: Any) -> None:
            __tracebackhide__ = True
            exchange = arguments.pop(_EXCHANGE)
            run(functools.partial(test, **arguments), exchange, wanted, profile)

        item.__signature__ = _signature(test)  # type: ignore[attr-defined]
        del item.__wrapped__
        ids = [exchange.name for exchange in chosen]
        return pytest.mark.parametrize(_EXCHANGE, chosen, ids=ids)(item)

    return decorate


def run(
    test: Callable[..., None], exchange: Exchange, groups: frozenset[str], profile: str | None
) -> None:
    """Try *test* on the schedule and on composed bends of *exchange*; raise what it raises."""
    __tracebackhide__ = True
    attempt = TestAttempt(lambda case: test(stream=Stream(case.exchange, case.plan)))
    for plan in strategies.schedule(exchange):
        if _fits(plan, groups):
            attempt.raise_smallest(Case(exchange, plan))

    @_settings(profile)
    @given(strategies.plans(exchange).filter(lambda plan: _fits(plan, groups)))
    def explore(plan: Plan) -> None:
        case = Case(exchange, plan)
        if attempt.overs(case):
            attempt.run(case)

    explore()


def _settings(profile: str | None) -> settings:
    """Settings for these examples alone: whatever profile the project has loaded stays."""
    profiles.register()
    usual = "ci" if os.environ.get("CI") else "dev"
    return settings.get_profile(
        profiles.name_of(profile or os.environ.get("REPLAYFUZZ_PROFILE") or usual)
    )


def _fits(plan: Plan, groups: frozenset[str]) -> bool:
    return not groups or {kind.partition(".")[0] for kind in plan.kinds} <= groups


def _signature(test: Callable[..., None]) -> inspect.Signature:
    """The test's own, with the exchange in place of the stream."""
    signature = inspect.signature(test)
    kept = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY)
        for name in signature.parameters
        if name != "stream"
    ]
    ours = inspect.Parameter(_EXCHANGE, inspect.Parameter.KEYWORD_ONLY)
    return signature.replace(parameters=[*kept, ours])
