import pytest
from hypothesis import settings

from replayfuzz.errors import UsageError
from replayfuzz.strategies.profiles import PROFILES, name_of, register


@pytest.fixture
def profiles(monkeypatch):
    """Hypothesis' own list of profiles, as it was, after the test."""
    known = dict(settings._profiles)
    monkeypatch.setattr(settings, "_profiles", known)
    for name in PROFILES:
        known.pop(name_of(name), None)
    return known


def test_the_profiles_have_names_of_their_own(profiles):
    before = dict(profiles)
    register()

    assert set(profiles) - set(before) == {
        f"replayfuzz-{name}" for name in ("ci", "dev", "nightly")
    }
    assert all(profiles[name] is before[name] for name in before)


def test_nothing_is_loaded(profiles):
    active = settings.get_current_profile_name()
    register()

    assert settings.get_current_profile_name() == active


def test_a_profile_that_is_there_is_left_alone(profiles):
    profiles["replayfuzz-ci"] = mine = settings(max_examples=7)
    register()
    register()

    assert settings.get_profile("replayfuzz-ci") is mine


def test_ci_is_the_same_on_every_run(profiles):
    register()
    ci = settings.get_profile(name_of("ci"))

    assert (ci.derandomize, ci.database, ci.deadline, ci.max_examples) == (True, None, None, 200)


def test_nightly_is_long_and_random(profiles):
    register()
    nightly = settings.get_profile(name_of("nightly"))

    assert nightly.max_examples == 5000
    assert not nightly.derandomize
    assert nightly.deadline is None


def test_an_unknown_profile_names_those_there_are():
    with pytest.raises(UsageError, match="ci, dev, nightly"):
        name_of("weekly")
