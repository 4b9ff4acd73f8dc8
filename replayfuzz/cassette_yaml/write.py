"""Values -> YAML text that any YAML 1.1 reader gives back exactly, and that reads well in a diff.

Written by hand because PyYAML's emitter folds long lines where it likes, and has no way to
show one event of a stream on one line once the stream holds a character that needs an escape.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

# Plain style only for what no YAML reader takes for something else, in flow style too.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._/+;=()%&-]*(?<! )|https?://[A-Za-z0-9._~/:&=%+-]+(?<!:)")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

# Written as escapes: what YAML 1.1 forbids or takes for a line break (section 5.4: CR, NEL,
# LS, PS), the byte order mark, which readers drop or not, and marks that make an
# editor show the text in another order than it has.
_HIDDEN = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
# A literal block keeps its text as it is. Left out: blanks at the start (they would count as
# indentation) and at line ends (editors drop them).
_NOT_LITERAL = re.compile(f"\\A[ \t\n]|[ \t](?:\n|\\Z)|[{_HIDDEN}]")
_SHORT = dict(zip('\t\n\r\0"\\\x85\u2028\u2029', 'tnr0"\\NLP', strict=True))


def _escape(char: str) -> str:
    if char in _SHORT:
        return f"\\{_SHORT[char]}"
    return f"\\x{ord(char):02x}" if char < "\x80" else f"\\u{ord(char):04x}"


_BMP = "".join(map(chr, range(0x10000)))
_ESCAPES = {ord(char): _escape(char) for char in (*_SHORT, *re.findall(f"[{_HIDDEN}]", _BMP))}
_CHOMPING = {0: "|-", 1: "|"}  # by line ends at the end of the text; more: keep them all
_BASE64_WIDTH = 76


def scalar(text: str) -> str:
    """*text* on one line: as it is where that is safe, else in double quotes.

    The text must have no lone surrogate: YAML has no way to write one.
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return f'"{_escaped(text)}"'


def block(data: bytes, indent: int) -> str:
    """*data* as what follows ``key:`` (with its leading space), lines indented by *indent*.

    A literal block where every reader gives it back exactly, else double quotes with
    each line of the text on a line of its own, else ``!!binary``.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _binary(data, indent)
    if not text or _NOT_LITERAL.search(text):
        return _quoted_lines(text, indent)
    ends = len(text) - len(text.rstrip("\n"))
    lines = text.removesuffix("\n").split("\n")
    return f" {_CHOMPING.get(ends, '|+')}\n" + "\n".join(_indented(lines, indent))


def wrapped(items: Iterable[str], indent: int, width: int) -> str:
    """A flow list of *items*, continued on lines indented by *indent* and *width* long."""
    lines = [""]
    for number, item in enumerate(items):
        if number:
            lines[-1] += ","
        if len(lines[-1]) + len(item) + indent > width:
            lines.append(item)
        else:
            lines[-1] += f" {item}" if lines[-1] else item
    return "[" + f"\n{' ' * indent}".join(lines) + "]"


def _indented(lines: Iterable[str], indent: int) -> Iterable[str]:
    return (" " * indent + line if line else "" for line in lines)


def _binary(data: bytes, indent: int) -> str:
    text = base64.b64encode(data).decode()
    lines = (text[at : at + _BASE64_WIDTH] for at in range(0, len(text), _BASE64_WIDTH))
    return " !!binary |\n" + "\n".join(_indented(lines, indent))


def _quoted_lines(text: str, indent: int) -> str:
    lines = re.findall("[^\n]*\n|[^\n]+", text) or [""]
    first, *rest = (_escaped(line) for line in lines)
    # A reader drops the indentation, and so a blank at the start that has no escape.
    kept = (f"\\{line}" if line.startswith(" ") else line for line in rest)
    return f' "{first}' + "".join(f"\\\n{' ' * indent}{line}" for line in kept) + '"'


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
