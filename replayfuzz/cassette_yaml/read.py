"""YAML text <-> plain items, for cassettes: data only, bounded, with the line of each value.

This file knows YAML and nothing of cassettes. Reading builds values from parser events,
not with PyYAML's composer: that recurses, forgets lines, and follows aliases to any size.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from replayfuzz.errors import CassetteError

# libyaml reads about ten times as fast as Python does.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_TEXT = 64 * 2**20
"""Longest text that is read, and most that its aliases may expand to, in characters."""
MAX_DEPTH = 32
"""Deepest nesting; a cassette needs six levels."""

_TAG = "tag:yaml.org,2002:"
_BINARY = (f"{_TAG}binary", "!binary")  # the second is what Ruby's Psych writes
_KINDS = {str: "a text", tuple: "a list", dict: "a mapping"}
# The standard's own types say nothing that could run; what a value means, its reader decides.
_STANDARD = ("str", "int", "float", "bool", "null", "seq", "map")
_HARMLESS = {None, "!", *(f"{_TAG}{name}" for name in _STANDARD)}

_NUMBER = re.compile(r"\d{1,20}(\.\d{0,20})?([eE][-+]?\d{1,3})?", re.ASCII)

# YAML 1.1 section 5.1, c-printable: all that may stand in the text itself.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Item:
    """A value of a YAML file; its methods read it as what the caller needs, or say why not.

    Attributes:
        file, line: Where it stands; lines count from 1. None: not known (from JSON).
        name: The key that it is the value of; for items of a list, the list's.
        value: A scalar as it was spelt, or the items inside.
        plain: A scalar without quotes, so that ``null`` is not the word.
        binary: A ``!!binary`` scalar.
        weight: Characters in it and below, aliases expanded.
    """

    file: str
    line: int | None
    name: str
    value: str | tuple[Item, ...] | dict[str, Item]
    plain: bool = False
    binary: bool = False
    weight: int = 1

    def fault(self, what: str) -> CassetteError:
        """The error for this item; *what* continues "'name' …" and says what to do."""
        where = f"{self.name!r} " if self.name else "the file "
        return CassetteError(where + what, file=self.file, line=self.line)

    @property
    def is_null(self) -> bool:
        """The scalar stands for nothing (YAML 1.1, type null)."""
        return self.plain and self.value in {"", "~", "null", "Null", "NULL"}

    def mapping(self) -> dict[str, Item]:
        """The items by key; null is an empty mapping."""
        if self.is_null:
            return {}
        if isinstance(self.value, dict):
            return self.value
        raise self.fault(f"is {self._kind}, not a mapping; write 'key: value' lines below it")

    def items(self) -> tuple[Item, ...]:
        """The items of a list."""
        if isinstance(self.value, tuple):
            return self.value
        raise self.fault(f"is {self._kind}, not a list; write '[…]' or '- …' lines")

    def text(self) -> str:
        """The scalar as it was spelt, so that ``200`` is the text "200"; null is empty."""
        if self.is_null:
            return ""
        if isinstance(self.value, str) and not self.binary:
            return self.value
        raise self.fault(f"is {self._kind}, not a text; write one value")

    def data(self) -> bytes:
        """The exact bytes: UTF-8 of a text, or what ``!!binary`` holds."""
        if not self.binary:
            return _encoded(self)
        try:
            return base64.b64decode("".join(str(self.value).split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self.fault(
                f"is !!binary, but not base64 ({error}); restore it or record again"
            ) from error

    def whole(self, least: int = 0, most: int = 10**15) -> int:
        """A whole number from *least* to *most*."""
        text = self.text()
        decimal = text.isascii() and text.isdecimal() and len(text) <= 16
        if not (decimal and least <= int(text) <= most):
            raise self.fault(f"is {_short(text)}, not a whole number from {least} to {most}")
        return int(text)

    def number(self) -> float:
        """A finite number that is not negative."""
        text = self.text()
        if not (_NUMBER.fullmatch(text) and math.isfinite(float(text))):
            raise self.fault(f"is {_short(text)}, not a number of seconds such as 0.021")
        return float(text)

    def choice(self, known: Iterable[str]) -> str:
        """One of the texts in *known*."""
        text, known = self.text(), tuple(known)
        if text not in known:
            raise self.fault(f"is {_short(text)}, not one of {', '.join(known)}")
        return text

    @property
    def _kind(self) -> str:
        return "!!binary" if self.binary else _KINDS[type(self.value)]


def load(text: str, *, file: str) -> Item:
    """Read one YAML document.

    Raises:
        CassetteError: The text is empty, too long, too deep, not YAML, or holds a tag
            other than the standard's own; the message names the line and what to do.
    """
    if len(text) > MAX_TEXT:
        raise CassetteError(
            f"holds {len(text):,} characters, more than the {MAX_TEXT:,} that are read; "
            "split it into one file for each interaction",
            file=file,
        )
    if not text.strip("\ufeff \t\r\n"):
        raise CassetteError("is empty; record it again or delete it", file=file)
    if found := _FORBIDDEN.search(text):
        raise CassetteError(
            f"character U+{ord(found[0]):04X} cannot stand in YAML text; write it as an "
            'escape inside "…", or the whole value as !!binary',
            file=file,
            line=text.count("\n", 0, found.start()) + 1,
        )
    try:
        return _build(yaml.parse(text, Loader=_LOADER), file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise CassetteError(
            f"is not YAML: {error.problem or error.context}; mend this line or record again",
            file=file,
            line=mark.line + 1 if mark else None,
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        # Without a line: numbers of an escape that are out of range, and such.
        raise CassetteError(f"is not YAML: {error}; record again", file=file) from error


class _Open:
    """A list or mapping whose end has not come yet."""

    __slots__ = ("anchor", "key", "line", "name", "values", "weight")

    def __init__(self, line: int, name: str, values: Any, anchor: str | None = None) -> None:
        self.line = line
        self.name = name
        self.values = values
        self.anchor = anchor
        self.key: str | None = None
        self.weight = 1

    def inner_name(self) -> str:
        return self.name if self.key is None else self.key

    def add(self, item: Item) -> None:
        self.weight += item.weight
        if self.weight > MAX_TEXT:
            raise item.fault("expands to too much through its aliases; write the values out")
        if isinstance(self.values, list):
            self.values.append(item)
        elif self.key is None:
            self.key = item.text()
            if self.key in self.values:
                raise item.fault(f"has the key {_short(self.key)} twice; delete one of them")
        else:
            self.values[self.key] = item
            self.key = None


def _build(events: Iterable[Any], file: str) -> Item:
    """Put items together; an explicit stack, so that no input can exhaust ours."""
    stack = [_Open(1, "", [])]
    anchors: dict[str, Item] = {}
    for event in events:
        match event:
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                stack.append(_opened(event, stack, file))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = stack.pop()
                held = done.values if isinstance(done.values, dict) else tuple(done.values)
                item = Item(file, done.line, done.name, held, weight=done.weight)
                _place(item, stack[-1], anchors, done.anchor)
            case yaml.ScalarEvent():
                item = _scalar(event, stack[-1].inner_name(), file)
                _place(item, stack[-1], anchors, event.anchor)
            case yaml.AliasEvent():
                stack[-1].add(_aliased(event, anchors, file))
    roots: list[Item] = stack[0].values
    (root, *others) = roots or [Item(file, 1, "", "", plain=True)]
    if others:
        raise others[0].fault("holds a second document ('---'); keep one in a file")
    return root


def _place(item: Item, inside: _Open, anchors: dict[str, Item], anchor: str | None) -> None:
    if anchor:
        anchors[anchor] = item
    inside.add(item)


def _opened(event: Any, stack: list[_Open], file: str) -> _Open:
    line, name = event.start_mark.line + 1, stack[-1].inner_name()
    _check_tag(event, file)
    if len(stack) > MAX_DEPTH:
        raise CassetteError(
            f"nests more than {MAX_DEPTH} levels; a cassette needs six", file=file, line=line
        )
    values: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
    return _Open(line, name, values, event.anchor)


def _scalar(event: Any, name: str, file: str) -> Item:
    if event.tag not in _BINARY:
        _check_tag(event, file)
    bare = event.tag is None and event.style in (None, "")
    plain = bare or event.tag == f"{_TAG}null"
    binary = event.tag in _BINARY
    weight = 1 + len(event.value)
    return Item(file, event.start_mark.line + 1, name, event.value, plain, binary, weight)


def _aliased(event: Any, anchors: dict[str, Item], file: str) -> Item:
    if event.anchor not in anchors:
        raise CassetteError(
            f"alias '*{event.anchor}' stands for nothing that is complete before it; "
            "write the value out",
            file=file,
            line=event.start_mark.line + 1,
        )
    return anchors[event.anchor]


def _check_tag(event: Any, file: str) -> None:
    if event.tag not in _HARMLESS:
        tag = str(event.tag)
        shown = f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag
        raise CassetteError(
            f"tag {_short(shown)} is refused, because a cassette is data and !!binary the only "
            "tag it needs; delete the tag if the value is plain data, else record again",
            file=file,
            line=event.start_mark.line + 1,
        )


def _encoded(item: Item) -> bytes:
    try:
        return item.text().encode()
    except UnicodeEncodeError as error:
        raise item.fault("holds half of a surrogate pair; write the bytes as !!binary") from error


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}…")


def pairs(item: Item) -> Iterator[tuple[str, str]]:
    """Header fields: ``name: value`` or ``name: [value, …]`` each, in order."""
    for name, value in item.mapping().items():
        if isinstance(value.value, tuple):
            yield from ((name, single.text()) for single in value.value)
        else:
            yield name, value.text()
