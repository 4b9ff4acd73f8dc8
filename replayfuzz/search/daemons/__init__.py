"""How a daemon is tried: hand-offs with a stream of ours as its upstream."""

from replayfuzz.search.daemons.attempt import InDaemon

__all__ = ["InDaemon"]
