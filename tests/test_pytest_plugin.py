"""The installed plugin, as pytest runs it in a project of its own."""

import urllib.request

import pytest

from replayfuzz.plan import Plan
from replayfuzz.store import shipped
from replayfuzz.testing import Stream

BROKEN = """
    import replayfuzz

    @replayfuzz.streams("sse", groups=["cut"])
    def test_mine(stream):
        for piece in stream:
            piece.decode()
"""


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_broken_parser_is_shown_its_smallest_stream(pytester, arguments):
    pytester.makepyfile(BROKEN)

    result = pytester.runpytest_subprocess("-k", "plain", *arguments)

    result.stdout.fnmatch_lines(
        ["*UnicodeDecodeError*", "*the smallest stream that does it (split inside U+*"]
    )
    assert result.ret == 1


@pytest.mark.slow
def test_profiles_do_not_touch_those_of_hypothesis(pytester):
    """Whatever profile the project uses stays, on a CI machine too."""
    pytester.makepyfile(
        """
        from hypothesis import settings
        import replayfuzz

        before = settings.get_current_profile_name()

        @replayfuzz.streams("sse", groups=["cut"])
        def test_stream(stream):
            pass

        def test_after():
            assert settings.get_current_profile_name() == before
        """
    )

    result = pytester.runpytest_subprocess("-k", "plain or after", "--replayfuzz-profile", "ci")

    result.assert_outcomes(passed=2)


def test_an_unknown_profile_is_wrong_usage(pytester):
    pytester.makepyfile("def test_it(): pass")

    result = pytester.runpytest_subprocess("--replayfuzz-profile", "weekly")

    result.stderr.fnmatch_lines(["*invalid choice: 'weekly'*ci*dev*nightly*"])


def test_the_replay_server_serves_a_stream(replay_server):
    exchange = next(item for item in shipped() if item.name == "sse/plain")
    ticket = replay_server.offer(Stream(exchange, Plan(keep_times=False)).script)

    with urllib.request.urlopen(ticket.url, timeout=5) as answer:
        body = answer.read()

    assert body == exchange.body
    assert ticket.finish(5).finished
