"""JSON text as the plain items that YAML files are read as, so that one reader serves both."""

from __future__ import annotations

from typing import Any

from replayfuzz.cassette_yaml import Item
from replayfuzz.errors import CassetteError
from replayfuzz.formats.json_text import JsonError, loads

MOST_VALUES = 1_000_000
"""Most values in one document; an archive of 64 MiB has about half as many."""

_WORDS = {None: "null", True: "true", False: "false"}


def load_json(text: str, *, file: str) -> Item:
    """Read one JSON document; names of items are their paths, since JSON readers tell no lines.

    Raises:
        CassetteError: It is not JSON, or holds more than MOST_VALUES values.
    """
    # Brackets cost most memory once they are read. In texts they count too, so four times as many.
    if text.count("[") + text.count("{") > 4 * MOST_VALUES:
        raise _too_many(file)
    try:
        value = loads(text.removeprefix("\ufeff"))
    except JsonError as error:
        raise CassetteError(f"is not JSON: {error}; export or record it again", file=file) from None
    return _Items(file).item(value, "")


class _Items:
    """Makes items, and counts them."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._count = 0

    def item(self, value: Any, path: str) -> Item:
        self._count += 1
        if self._count > MOST_VALUES:
            raise _too_many(self._file)
        match value:
            case dict():
                dot = "." if path else ""
                held = {name: self.item(each, f"{path}{dot}{name}") for name, each in value.items()}
                return Item(self._file, None, path, held)
            case list():
                listed = (self.item(each, f"{path}[{n}]") for n, each in enumerate(value))
                return Item(self._file, None, path, tuple(listed))
            case str():
                return Item(self._file, None, path, value)
            case None | bool():
                return Item(self._file, None, path, _WORDS[value], plain=True)
            case _:
                return Item(self._file, None, path, str(value), plain=True)


def _too_many(file: str) -> CassetteError:
    return CassetteError(
        f"holds more than {MOST_VALUES:,} values; keep only the exchanges with the streams",
        file=file,
    )
