"""Texts as evidence shows them."""

from __future__ import annotations

SHOWN = 80
"""Characters of a text that are quoted."""


def quoted(text: str) -> str:
    return ascii(short(text)) if not text.isprintable() else repr(short(text))


def short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
