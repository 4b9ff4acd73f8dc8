"""Nothing secret is written or logged: exchanges and texts without their secrets.

Bodies keep their lengths, so what is known of a stream (chunks, offsets of edits) stays true.
"""

from replayfuzz.redact.decoded import coding, decoded, unseen
from replayfuzz.redact.exchange import NOTE, exchange, fields, request, text
from replayfuzz.redact.leaks import Leak, found, leaks
from replayfuzz.redact.names import Kind
from replayfuzz.redact.stream import Redactor

__all__ = [
    "NOTE",
    "Kind",
    "Leak",
    "Redactor",
    "coding",
    "decoded",
    "exchange",
    "fields",
    "found",
    "leaks",
    "request",
    "text",
    "unseen",
]
