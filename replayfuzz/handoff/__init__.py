"""Builds and starts daemons, and hands clients' sockets to them. Plain sockets and processes."""

from replayfuzz.handoff.build import Built, build, built
from replayfuzz.handoff.client import Client, Received, read_all
from replayfuzz.handoff.process import Running
from replayfuzz.handoff.send import APACHE, Retry, hand_off
from replayfuzz.handoff.toolchain import toolchain

__all__ = [
    "APACHE",
    "Built",
    "Client",
    "Received",
    "Retry",
    "Running",
    "build",
    "built",
    "hand_off",
    "read_all",
    "toolchain",
]
