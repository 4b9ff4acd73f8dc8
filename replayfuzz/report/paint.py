"""Colours by what they stand for; where there is no terminal, none."""

from __future__ import annotations

from typing import Literal, Protocol

Role = Literal["title", "mark", "time", "quiet", "bad", "good"]

_CODES: dict[Role, str] = {
    "title": "1",
    "mark": "36",
    "time": "33",
    "quiet": "2",
    "bad": "31",
    "good": "32",
}


class Paint(Protocol):
    """Gives a text the colour of its role; the text prints as it is otherwise."""

    def __call__(self, text: str, role: Role) -> str: ...


def no_colours(text: str, role: Role) -> str:
    """*text* as it is."""
    del role
    return text


def colours(text: str, role: Role) -> str:
    """*text* between the codes of ECMA-48 that a terminal shows as a colour."""
    return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if text else text
