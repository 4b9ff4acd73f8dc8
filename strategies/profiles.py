"""Hypothesis profiles for tests that draw bent streams.

They are named ``replayfuzz-ci``, ``replayfuzz-dev`` and ``replayfuzz-nightly``. Hypothesis has a
``ci`` profile of its own, which it loads by itself where it sees a CI machine, and ``ci``,
``dev`` and ``nightly`` are what most projects call theirs: a plugin that registered those
names would change the settings of tests that have nothing to do with replayfuzz. For the
same reason nothing here loads a profile, and a profile of such a name that is already there
is left alone. ``name_of`` gives the full name for the short one of ``--profile``.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.errors import InvalidArgument

from replayfuzz.errors import UsageError

PROFILES = ("ci", "dev", "nightly")

_PREFIX = "replayfuzz-"
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)  # a stream is not a small value


def name_of(profile: str) -> str:
    """The name under which Hypothesis knows *profile* (``ci``, ``dev`` or ``nightly``).

    Raises:
        UsageError: There is no such profile; the message names those there are.
    """
    if profile not in PROFILES:
        raise UsageError(f"there is no profile {profile!r}; known are {', '.join(PROFILES)}")
    return _PREFIX + profile


def register() -> None:
    """Make the three profiles known to Hypothesis; a second call changes nothing.

    All derive from Hypothesis' ``default``, whatever profile is active: ``ci`` is the same on
    every run and keeps no database (200 examples), ``dev`` is quick (100), ``nightly``
    is long and random (5,000) and prints what reproduces a failure. None has a deadline: a
    target's first answer is slow, and time is judged by our own rules.
    """
    default = settings.get_profile("default")
    _register(
        "ci",
        settings(
            default,
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=200,
            print_blob=True,
            suppress_health_check=_SLOW,
        ),
    )
    _register("dev", settings(default, deadline=None, suppress_health_check=_SLOW))
    nightly = settings(
        default,
        deadline=None,
        max_examples=5000,
        print_blob=True,
        suppress_health_check=_SLOW,
    )
    _register("nightly", nightly)


def _register(profile: str, chosen: settings) -> None:
    name = name_of(profile)
    try:
        settings.get_profile(name)
    except InvalidArgument:
        settings.register_profile(name, chosen)
