"""The mock provider without its sockets: what it says, and which answer a request gets.

Nothing here opens a connection or a file, or reads a clock; ``serve.mocking`` does.
"""

from replayfuzz.mock.asked import Asked, read, redacted
from replayfuzz.mock.choice import Choice
from replayfuzz.mock.library import Library
from replayfuzz.mock.patterns import exchange
from replayfuzz.mock.provider import Options, Provider
from replayfuzz.mock.reply import Reply, Stream

__all__ = [
    "Asked",
    "Choice",
    "Library",
    "Options",
    "Provider",
    "Reply",
    "Stream",
    "exchange",
    "read",
    "redacted",
]
