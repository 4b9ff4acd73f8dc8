"""What a standard or a provider's documentation says about streams that are bent in some way.

A finding cites the rule that broke and, from here, the sentence that makes the bend something
a reader has to cope with. Words in quotation marks are the source's own; the rest is ours.
"""

from __future__ import annotations

from replayfuzz.plan import Plan

_SSE = "WHATWG HTML 9.2.6, Interpreting an event stream"
_OPENAI = "OpenAI API reference, Chat Completions, streaming events"
_ANTHROPIC = "Anthropic documentation, Streaming Messages"
_INCOMPLETE = "RFC 9112 section 8, Handling Incomplete Messages"
_AWS = "AWS, Event stream encoding (Smithy: Amazon event stream specification)"
_NEW = "OpenAI API reference, Backwards compatibility; Anthropic documentation, Versions"

CLAUSES: dict[str, str] = {
    "cut": 'RFC 9293 section 2.2: "TCP provides a reliable, in-order, byte-stream service to '
    'applications", so segments mean nothing; RFC 9112 section 7.1: chunks are a transfer coding, '
    "so neither do they",
    # -- spelling that means the same ----------------------------------------------------
    "rewrite.line-ends": "WHATWG HTML 9.2.5, Parsing an event stream: a line ends in CRLF, in LF, "
    "or in CR",
    "rewrite.bom": f'{_SSE}: "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark '
    '(BOM), if any"',
    "rewrite.comment": f'{_SSE}: "If the line starts with a U+003A COLON character (:)": "Ignore '
    'the line"',
    "rewrite.keep-alive": f'{_SSE}: "If the line starts with a U+003A COLON character (:)": '
    '"Ignore the line"; a block without data is not dispatched',
    "rewrite.split-data": f"{_SSE}: each data field appends its value and a U+000A LINE FEED to "
    "the data buffer; RFC 8259 section 2: a line feed between JSON tokens is insignificant",
    "rewrite.colon": f'{_SSE}: "If value starts with a U+0020 SPACE character, remove it from '
    'value"',
    "rewrite.field": f"{_SSE}: id sets the last event ID, retry the reconnection time, event the "
    "type of its own event; an id with NUL and a retry that is not all digits are ignored",
    "rewrite.unknown-field": f'{_SSE}: any other field name: "The field is ignored"',
    "rewrite.empty-block": f'{_SSE}: "If the data buffer is an empty string, set the data buffer '
    'and the event type buffer to the empty string and return": nothing is dispatched',
    "spelling.spaces": 'RFC 8259 section 2: "Insignificant whitespace is allowed before or after '
    'any of the six structural characters"',
    "spelling.order": 'RFC 8259 section 1: "An object is an unordered collection of zero or more '
    'name/value pairs"',
    "spelling.escape": 'RFC 8259 section 7: "Any character may be escaped"',
    "spelling.raw": "RFC 8259 section 7: only quotation mark, reverse solidus and the characters "
    "U+0000 to U+001F have to be escaped; \\/ is the solidus",
    "spelling.number": "RFC 8259 section 6: a number may have a fraction and an exponent; JSON "
    'Schema Validation 6.1.1: "integer" is "any number with a zero fractional part"',
    "rewrite.message-headers": f"{_AWS}: a message has any number of headers, each with a name "
    "and one of ten types; what they mean depends on their names, not on their order",
    "rewrite.message-payload": f"{_AWS}: :content-type tells how the payload is read; in JSON "
    "white space, escapes and order mean nothing (RFC 8259)",
    "rewrite.message-unknown": "boto3 documentation, tagged unions: a member that the client does "
    "not know is handed on as SDK_UNKNOWN_MEMBER, so such events may come",
    "spelling.unknown-member": f"{_NEW}: properties may be added to responses",
    # -- the response around the body ----------------------------------------------------
    "head.framing": "RFC 9112 section 6.3: a body ends by chunked coding, by Content-Length, or by "
    "the close of the connection",
    "head.case": "RFC 9110 section 5.1: field names are case-insensitive",
    "head.content-type": "RFC 9110 section 8.3.1: type, subtype and parameter names are "
    "case-insensitive, and parameters may follow",
    "head.chunks": 'RFC 9112 section 7.1.1: "A recipient MUST ignore unrecognized chunk '
    'extensions"; section 7.1.2: trailer fields may be discarded',
    "head.gzip": "RFC 9110 section 8.4: a content coding is a property of the representation; "
    "decoded, the content is the same",
    "cut.frame": "RFC 9113 section 8.1: content is zero or more DATA frames, and how it is parted "
    "means nothing; section 4.1: only its length tells where a frame ends",
    "head.padding": "RFC 9113 section 6.1: padding is no part of the content, but counts for flow "
    "control; a Pad Length of zero is allowed",
    "head.empty-end": "RFC 9113 section 8.1: END_STREAM ends the message, also on a DATA frame "
    "without content",
    "head.trailers": "RFC 9113 section 8.1: trailers are one HEADERS frame with END_STREAM, behind "
    "the content; RFC 9110 section 6.5.1: they may be discarded",
    # -- content -------------------------------------------------------------------------
    "text.unicode": 'WHATWG HTML 9.2.5: "Event streams in this format must always be encoded as '
    'UTF-8"; RFC 8259 section 8.1',
    "text.separator": "WHATWG HTML 9.2.5: only CRLF, LF and CR end a line, not U+2028, U+2029, "
    "U+0085, FF or VT; RFC 8259 section 7: they may stand in a string as they are",
    "text.space": f"{_SSE}: one space after the colon is removed, and nothing else of a value; in "
    "a JSON string white space is content (RFC 8259 section 7)",
    "text.syntax": f"{_SSE}: what stands behind the first colon of a line is its value, whatever "
    "it looks like; within a JSON string it is content",
    "text.control": "RFC 8259 section 7: U+0000 to U+001F are content where they are escaped; the "
    "other control characters may stand as they are",
    "text.surrogate": "RFC 8259 section 7: a character outside the Basic Multilingual Plane is a "
    "pair of escapes; section 8.2: what a lone one leads to is unpredictable",
    "text.invalid": f'{_SSE}: "Streams must be decoded using the UTF-8 decode algorithm", which '
    "replaces bad bytes by U+FFFD; within JSON (RFC 8259 section 8.1) an error will do too",
    # -- what the stream says ------------------------------------------------------------
    "meaning.terminal": 'OpenAI API reference, stream: server-sent events, "with the stream '
    'terminated by a data: [DONE] message"; '
    f"{_ANTHROPIC}: a message_stop event is the last one",
    "meaning.error": f"{_ANTHROPIC}, Error events: errors may be sent in the event stream, such as "
    "overloaded_error; the shapes are those that the dialect lists",
    "meaning.finish": f"{_OPENAI}, finish_reason; Anthropic documentation, Handling stop reasons: "
    f"the documented values; {_NEW}: values may be added",
    "meaning.unknown-event": f'{_ANTHROPIC}: "we may add new event types, and your code should '
    f'handle unknown event types gracefully"; {_SSE}: an event reaches who listens to its type',
    "meaning.status": "RFC 9110 section 15: 4xx and 5xx say that the request failed",
    "meaning.choices": f'{_OPENAI}, choices: "Can contain more than one elements if n is greater '
    'than 1. Can also be empty for the last chunk", when usage is asked for; Azure OpenAI also '
    "begins with an empty one that holds prompt_filter_results",
    "meaning.delta": f"{_OPENAI}: a delta holds what is new, {{}} in the last chunk; Azure OpenAI, "
    "Content streaming: annotations of the asynchronous filter come without a delta",
    "meaning.content": f"{_OPENAI}, delta.content: a string or null, and optional",
    "meaning.member": f"{_OPENAI}: members that are optional or nullable may be missing or null; "
    "where they are not, an error will do",
    "meaning.usage": f"{_OPENAI}, usage: null in all chunks but the last; {_ANTHROPIC}: the counts "
    "in message_delta are cumulative",
    "meaning.data": "RFC 8259 section 3: a JSON text may be any value; a chunk that is no object "
    "is not documented, so an error will do as well as skipping it",
    "meaning.arguments": f"{_OPENAI}, tool_calls[].function.arguments, and {_ANTHROPIC}, "
    "input_json_delta: a JSON text in pieces; only the pieces joined are that text",
    "meaning.calls": f"{_OPENAI}, tool_calls[].index: tells which call a piece belongs to",
    "meaning.null": f"{_OPENAI}: optional members; providers that follow it send null or an empty "
    "text in every piece",
    "meaning.sse-type": f'{_SSE}: event: "Set the event type buffer to the field value", which '
    "every blank line empties again",
    "meaning.sse-data": f'{_SSE}: data: "Append the field value to the data buffer, then append a '
    'single U+000A LINE FEED (LF) character to the data buffer"',
    "meaning.sse-id": f'{_SSE}: "If the field value does not contain U+0000 NULL, then set the '
    'last event ID buffer to the field value. Otherwise, ignore the field"',
    "meaning.sse-retry": f'{_SSE}: "If the field value consists of only ASCII digits", it is the '
    'reconnection time; "Otherwise, ignore the field"',
    "meaning.message": f"{_AWS}: :message-type is event, exception or error; the references of "
    "both operations list the exceptions that may come in the stream",
    "meaning.message-damage": f"{_AWS}: the prelude has a CRC of both lengths, the message one of "
    "all before it; one that does not fit cannot be read",
    # -- where it stops ------------------------------------------------------------------
    "end.open": "RFC 9112 section 9.3: connections persist, so what tells the end of a stream is "
    "its terminal marker, or the length of the message, not a close",
    "end.stall": f"{_INCOMPLETE}: without its last chunk a message is incomplete, however long "
    "nothing comes",
    "end.complete": "the message is complete (RFC 9112 section 8), so only the terminal marker and "
    "the finish reason, which are missing, tell that the stream is not",
    "end.fin": f'{_INCOMPLETE}: a message body "that uses the chunked transfer coding is '
    'incomplete if the zero-sized chunk that terminates the encoding has not been received"',
    "end.reset": f"{_INCOMPLETE}; RFC 9293 section 3.10.7.4: the reset is told to the user",
    "end.short": f'{_INCOMPLETE}: a message "that uses a valid Content-Length is incomplete if the '
    'size of the message body received (in octets) is less than the value given"',
    "end.rst-stream": "RFC 9113 section 8.1: a message ends with a frame that bears END_STREAM; "
    "section 5.4.2: RST_STREAM with INTERNAL_ERROR is a stream error",
    "end.goaway": "RFC 9113 section 8.1: a message ends with a frame that bears END_STREAM; "
    "section 5.4.1: GOAWAY with INTERNAL_ERROR, then a close, is a connection error",
    "end.blank": f'{_SSE}: "Once the end of the file is reached, any pending data must be '
    'discarded"',
    "end.behind": "bytes behind the terminal marker are no part of the documented stream",
    "end.unseen": f"{_INCOMPLETE}: without chunked coding and Content-Length, a response is "
    "complete when the connection is closed",
    # -- how much, and when --------------------------------------------------------------
    "size": "neither WHATWG HTML 9.2.5 nor RFC 8259 limits the length of a line, a text or a "
    "stream",
    "time": 'WHATWG HTML 9.2.5: connections "are expected to be long-lived"; nothing limits the '
    "time between two chunks",
}
"""By kind of edit: the id of a family, ``end.<how>``, or a group that shares one clause."""

_FAMILIES_OF_ENDS = {"end.clean": "end.complete", "end.broken": "end.fin"}


def clause(kind: str) -> str:
    """The clause about edits of *kind*, or ""; a head's kinds may be joined by ``+``."""
    found = dict.fromkeys(filter(None, map(_single, kind.split("+"))))
    return "; ".join(found)


def _single(kind: str) -> str:
    kind = _FAMILIES_OF_ENDS.get(kind, kind)
    return CLAUSES.get(kind) or CLAUSES.get(kind.partition(".")[0], "")


def clauses(plan: Plan) -> tuple[str, ...]:
    """What makes the bends of *plan* streams to cope with: each clause once, cuts last."""
    kinds = sorted(plan.kinds, key=lambda kind: (kind.startswith(("cut", "time")), kind))
    return tuple(dict.fromkeys(filter(None, map(clause, kinds))))
