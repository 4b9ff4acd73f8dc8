"""From an exchange and a plan to the sends that show it: ``render``."""

from replayfuzz.wire.bend import Bent, bend
from replayfuzz.wire.head import response_fields
from replayfuzz.wire.http1 import framing_of, message_end, pieces, render
from replayfuzz.wire.script import Close, Script, Send, Step, Wait

__all__ = [
    "Bent",
    "Close",
    "Script",
    "Send",
    "Step",
    "Wait",
    "bend",
    "framing_of",
    "message_end",
    "pieces",
    "render",
    "response_fields",
]
