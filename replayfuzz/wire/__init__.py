"""From an exchange and a plan to the sends that show it: ``render``."""

from replayfuzz.wire.bend import Bent, bend
from replayfuzz.wire.head import response_fields
from replayfuzz.wire.protocol import framing_of, looks_like_a_flood, message_end, over, render
from replayfuzz.wire.script import Close, Frame, Script, Send, Step, Wait
from replayfuzz.wire.segments import pieces

__all__ = [
    "Bent",
    "Close",
    "Frame",
    "Script",
    "Send",
    "Step",
    "Wait",
    "bend",
    "framing_of",
    "looks_like_a_flood",
    "message_end",
    "over",
    "pieces",
    "render",
    "response_fields",
]
