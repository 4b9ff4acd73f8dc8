"""The ways in which readers of server-sent events deviate from the standard, as a table.

Each has been seen in a library. ``sse_deviant`` reads as one with some of them does.
"""

from __future__ import annotations

from typing import NamedTuple


class Deviation(NamedTuple):
    """One way of reading otherwise.

    Attributes:
        words: What the reader does, as a sentence.
        clause: What WHATWG HTML says, with its section.
        shows: Bodies, uncut, that it reads otherwise, to the extent that belongs to it.
    """

    words: str
    clause: str
    shows: tuple[bytes, ...]


_BOM = b"\xef\xbb\xbf"


def _said(text: str) -> str:
    return f'section 9.2.6: "{text}"'


_STRIPS = _said("The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any")
_DECODED = _said("Streams must be decoded using the UTF-8 decode algorithm")
_ENDS = "section 9.2.5: a line ends in CRLF, in LF or in CR, and in nothing else"
_EMPTY = _said(
    "If the data buffer is an empty string, set the data buffer and the event type buffer to the "
    "empty string and return"
)
_APPEND = _said(
    "Append the field value to the data buffer, then append a single U+000A LINE FEED (LF) "
    "character to the data buffer"
)
_SPACE = _said("If value starts with a U+0020 SPACE character, remove it from value")
_WHOLE = _said("using the whole line as the field name, and the empty string as the field value")
_END = _said("Once the end of the file is reached, any pending data must be discarded")
_CASE = _said("Field names must be compared literally, with no case folding performed")
_NUL = _said(
    "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the "
    "field value"
)
_ID = _said("set the last event ID buffer to the field value")
_TYPE = _said("Set the data buffer and the event type buffer to the empty string")
_LAST = _said(
    "If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove the "
    "last character from the data buffer"
)

DEVIATIONS = {
    "bom-kept": Deviation(
        "a byte order mark is taken for a part of the first line",
        _STRIPS,
        (_BOM + b"data: a\n\n", _BOM + b"event: e\ndata: a\n\ndata: b\n\n"),
    ),
    "bom-twice": Deviation(
        "all byte order marks at the start are dropped", _STRIPS, (_BOM * 2 + b"data: a\n\n",)
    ),
    "bom-fields": Deviation(
        "U+FEFF is dropped at the start of each field name and value",
        _STRIPS,
        (b"data: a\n" + _BOM + b"data: b\n\n", b"data: " + _BOM + b"a\n\n"),
    ),
    "bom-lines": Deviation(
        "U+FEFF is dropped at the start of each line",
        _STRIPS,
        (b"data: a\n" + _BOM + b"data: b\n\n", b"data: a\n\n" + _BOM + b"data: b\n\n"),
    ),
    "decoded-apart": Deviation(
        "each read is decoded for itself", _DECODED, ()
    ),
    "no-cr": Deviation(
        "a CR alone ends no line", _ENDS, (b"data: a\rdata: b\n\n", b"data: a\r\rdata: b\n\n")
    ),
    "latin-1": Deviation(
        "bytes are read as ISO-8859-1",
        _DECODED,
        ("data: é\n\n".encode(),),
    ),
    "lf-only": Deviation(
        "nothing but LF ends a line", _ENDS, (b"data: a\r\n\n", b"data: a\rdata: b\n\n")
    ),
    "unicode-ends": Deviation(
        "U+2028, U+2029, U+0085 and control characters end a line",
        _ENDS,
        ("data: a\u2028b\n\n".encode(), b"data: a\x0bb\n\n", "data: a\x85b\n\n".encode()),
    ),
    "line-separators": Deviation(
        "U+2028 and U+2029 end a line", _ENDS, ("data: a\u2028b\n\n".encode(),)
    ),
    "crlf-parted": Deviation("a CR and LF that a read parts are two line ends", _ENDS, ()),
    "blank-alike": Deviation(
        "a blank line is seen only when it ends as the line before it does",
        _ENDS,
        (b"data: a\n\r\ndata: b\n\n", b"data: a\r\n\rdata: b\n\n"),
    ),
    "blank-by-lf": Deviation(
        "a blank line is seen only when LF ends it and the line before it",
        _ENDS,
        (b"data: a\n\rdata: b\n\n", b"data: a\r\r"),
    ),
    "last-cr": Deviation(
        "a CR that is the last byte ends no line", _ENDS, (b"data: a\r\r", b"data: a\n\r")
    ),
    "every-block": Deviation(
        "each block that blank lines part is an event, with data or without, and the last one too",
        _EMPTY,
        (b"", b":\n\n", b"id: 1\n\n", b"data: a\n\ndata: b\n"),
    ),
    "unfinished": Deviation(
        "what is unfinished at the end of the stream is dispatched",
        _END,
        (b"data: a\n", b"data: a", b"data: a\n\ndata: b\nid: 1"),
    ),
    "unended-line": Deviation(
        "a blank line need not be behind the last event, only its lines' ends",
        _END,
        (b"data: a\n", b"data: a\n\ndata: b\n"),
    ),
    "colon-needed": Deviation(
        "a line without a colon is ignored", _WHOLE, (b"data\n\n", b"data: a\ndata\n\n")
    ),
    "space-needed": Deviation(
        "a field without a space behind its colon is ignored",
        _SPACE,
        (b"data:a\n\n", b"data: a\nevent:b\n\n"),
    ),
    "spaces": Deviation(
        "all white space around a value is dropped",
        _SPACE,
        (b"data:  a\n\n", b"data: a \n\n", b"data: a\t\n\n"),
    ),
    "spaces-left-js": Deviation(
        "all white space at the start of a value is dropped, U+FEFF too",
        _SPACE,
        (b"data:  a\n\n", b"data: \ta\n\n", "data: \ufeffa\n\n".encode()),
    ),
    "spaces-left": Deviation(
        "all white space at the start of a value is dropped",
        _SPACE,
        (b"data:  a\n\n", b"data: \ta\n\n", b"data: \x1ca\n\n"),
    ),
    "space-run": Deviation(
        "all spaces at the start of a value are dropped",
        _SPACE,
        (b"data:  a\n\n", b"data:  \ta\n\n"),
    ),
    "case-folded": Deviation(
        "the case of field names does not matter",
        _CASE,
        (b"Data: a\n\n", b"DATA: a\n\n"),
    ),
    "nul-id": Deviation(
        "an id with U+0000 is taken",
        _NUL,
        (b"id: a\0\ndata: a\n\n",),
    ),
    "empty-id": Deviation(
        "an empty id does not reset the last one",
        _ID,
        (b"id: 1\ndata: a\n\nid\ndata: b\n\n", b"id: 1\ndata: a\n\nid:\ndata: b\n\n"),
    ),
    "type-kept": Deviation(
        "the event type stays for the next event",
        _TYPE,
        (b"event: e\ndata: a\n\ndata: b\n\n",),
    ),
    "joined": Deviation(
        "data lines are joined without a line feed", _APPEND, (b"data: a\ndata: b\n\n",)
    ),
    "last-line": Deviation(
        "of several data lines the last one is the data", _APPEND, (b"data: a\ndata: b\n\n",)
    ),
    "empty-first": Deviation(
        "empty data lines at the start are lost",
        _APPEND,
        (b"data\ndata: a\n\n", b"data:\ndata:\n\n"),
    ),
    "feeds-lost": Deviation(
        "line feeds at the end of data are lost",
        _LAST,
        (b"data: a\ndata\n\n", b"data\ndata\ndata\n\n"),
    ),
    "empty-lost": Deviation(
        "an event whose data is empty is not dispatched", _EMPTY, (b"data\n\n", b"data: \n\n")
    ),
    "blank": Deviation(
        "each blank line is an event", _EMPTY, (b"\n\n", b":\n\n", b"data: a\n\n\n")
    ),
    "no-data-lines": Deviation(
        "a block without data is dispatched when it has any line but a comment",
        _EMPTY,
        (b"event:\n\n", b"x: y\n\n", b"id: 1\n\n"),
    ),
    "no-data-fields": Deviation(
        "a block without data is dispatched when it has an event, id or retry field, empty or not",
        _EMPTY,
        (b"event:\n\n", b"id:\n\n", b"retry: x\n\n", b"event: e\n\n", b"id: 1\n\n"),
    ),
    "no-data-event-id": Deviation(
        "a block without data is dispatched when it has an event or id field, empty or not",
        _EMPTY,
        (b"event:\n\n", b"id:\n\n", b"event: e\n\n", b"id: 1\n\n"),
    ),
    "no-data": Deviation(
        "a block without data is dispatched when it has an event type, an id or a retry time",
        _EMPTY,
        (b"event: e\n\n", b"id: 1\n\n", b"retry: 1\n\n"),
    ),
    "no-data-named": Deviation(
        "a block without data is dispatched when it has an event type", _EMPTY, (b"event: e\n\n",)
    ),
    "after-id": Deviation(
        "once there is an id, each blank line is an event",
        _EMPTY,
        (b"id: 1\n\n\n", b"id: 1\n\n:\n\n"),
    ),
}  # fmt: skip
"""By name; a deviation that is a part of another one stands behind it."""
