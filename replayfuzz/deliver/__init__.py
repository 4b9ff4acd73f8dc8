"""Lock-step delivery: the peer reads each segment of a script on its own.

A plain send loop loses most boundaries, because the kernel joins what waits; sleeping
between sends loses some under load, and is slow. Here the kernel tells when the peer's
queue is empty: no access to the peer's process, any language, no privileges.
"""

from replayfuzz.deliver.line import Line, PeerLeft, Room
from replayfuzz.deliver.play import PATIENCE, Play, play

__all__ = ["PATIENCE", "Line", "PeerLeft", "Play", "Room", "play"]
