"""The recorder: relays any client to a provider, and keeps what travelled as cassettes.

Each read is relayed at once; what is stored is one entry for each HTTP chunk or DATA frame,
with its time, and how the message ended. Files hold no secrets, ever: each line is redacted
before it is written.
"""

from replayfuzz.record.caller import ask
from replayfuzz.record.keeper import Keeper
from replayfuzz.record.providers import PROVIDERS, Call, Wish, call
from replayfuzz.record.run import Recording, certificate, run_recorder
from replayfuzz.record.upstream import Upstream

__all__ = [
    "PROVIDERS",
    "Call",
    "Keeper",
    "Recording",
    "Upstream",
    "Wish",
    "ask",
    "call",
    "certificate",
    "run_recorder",
]
