"""The pytest plugin: a profile for ``@replayfuzz.streams``, and a replay server as a fixture.

Every test run loads this file, so it imports nothing of weight until it is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from replayfuzz.serve import ReplayServer

PROFILES = ("ci", "dev", "nightly")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--replayfuzz-profile``."""
    group = parser.getgroup("replayfuzz", "bent streams")
    group.addoption(
        "--replayfuzz-profile",
        choices=PROFILES,
        default=None,
        help="how much @replayfuzz.streams explores beyond the fixed schedule: ci (derandomised; "
        "the default where CI is set), dev (the default elsewhere), nightly",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Hand the profile on to ``strategies.profile``, in xdist's workers too."""
    chosen = config.getoption("--replayfuzz-profile")
    if chosen:
        os.environ["REPLAYFUZZ_PROFILE"] = chosen


@pytest.fixture
def replay_server() -> Iterator[ReplayServer]:
    """A replay server on loopback, for clients that want a URL.

    ``ticket = replay_server.offer(stream.script)`` gives ``ticket.url``; after the client has
    read it, ``ticket.finish(seconds)`` tells how it was delivered.
    """
    from replayfuzz.serve import ReplayServer  # noqa: PLC0415 - trio, only where it is used

    with ReplayServer() as server:
        yield server
