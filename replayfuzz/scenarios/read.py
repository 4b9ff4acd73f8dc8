"""Reads scenarios: ``[[scenario]]`` tables of a TOML document. Reading trusts nothing.

Each message names the file, the scenario and the key, and what is known.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

from replayfuzz.daemon import Output
from replayfuzz.errors import PlanError, ScenarioError
from replayfuzz.plan import ENDINGS, Plan
from replayfuzz.plan import from_json as plan_from_json
from replayfuzz.scenarios.assertions import ASSERTIONS, Takes
from replayfuzz.scenarios.scenario import FAST, Canned, Check, Fds, Requires, Scenario, Stop

_UPSTREAM = ("pattern", "cassette", "answer")


def parse(document: Mapping[str, Any], source: str) -> tuple[Scenario, ...]:
    """Read the scenarios of a TOML document.

    Args:
        document: What ``tomllib`` made of the file.
        source: The file, as messages are to name it.

    Raises:
        ScenarioError: It holds none, or a key is missing, unknown or of the wrong type.
    """
    unknown = sorted(set(document) - {"scenario"})
    tables = document.get("scenario", [])
    if unknown or not isinstance(tables, list) or not tables:
        found = f"unknown key {unknown[0]!r}; " if unknown else ""
        raise ScenarioError(
            f"{source}: {found}a file of scenarios holds [[scenario]] tables and nothing else; "
            "see docs/daemons.md, 'Scenarios of your own'"
        )
    return tuple(_scenario(table, f"{source}: scenario {n}") for n, table in enumerate(tables, 1))


def _scenario(table: object, where: str) -> Scenario:
    if not isinstance(table, Mapping):
        raise ScenarioError(f"{where} is not a table")
    name = _text(table.get("name"), f"{where}: 'name'")
    if not name.replace("-", "_").isidentifier():
        raise ScenarioError(f"{where}: name {name!r} is not made of letters, digits, _ and -")
    where = f"{where.partition(': scenario')[0]}: scenario {name!r}"
    _known(table, _READ, where)
    given = [key for key in _UPSTREAM if key in table]
    if len(given) > 1:
        raise ScenarioError(
            f"{where}: {' and '.join(map(repr, given))} both say what the upstream answers; "
            "keep one"
        )
    if "handoff" in table and "payload" in table:
        raise ScenarioError(f"{where}: 'handoff' and 'payload' both say the payload; keep one")
    for key in ("category", "assertions"):
        if key not in table:
            raise ScenarioError(f"{where}: {key!r} is missing")
    values = {key: _READ[key](value, f"{where}: {key!r}") for key, value in table.items()}
    for key, attribute in _ALIASES.items():
        if key in values:
            values[attribute] = values.pop(key)
    return Scenario(**values)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ScenarioError(f"{where} must be a text that is not empty, not {value!r}")
    return value


def _payload(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ScenarioError(f"{where} must be a text, not {value!r}")
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ScenarioError(f"{where} must be true or false, not {value!r}")
    return value


def _number(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ScenarioError(f"{where} must be a whole number from 0, not {value!r}")
    return value


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ScenarioError(f"{where} must be a table, not {value!r}")
    return value


def _members(value: object, where: str) -> Mapping[str, Any]:
    table = _table(value, where)
    try:
        json.dumps(table, allow_nan=False)
    except (TypeError, ValueError) as error:  # TOML has dates and nan, JSON has not
        raise ScenarioError(f"{where} cannot be written as JSON: {error}") from error
    return table


def _one_of(known: Sequence[str]) -> Callable[[object, str], Any]:
    def read(value: object, where: str) -> Any:
        if value not in known:
            raise ScenarioError(f"{where} is {value!r}, not one of {', '.join(known)}")
        return value

    return read


def _words(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ScenarioError(f"{where} must be a list of texts, not {value!r}")
    return tuple(value)


def _requires(value: object, where: str) -> Requires:
    table = _table(value, where)
    _known(table, ("payload", "output"), where)
    payload = _words(table.get("payload", []), f"{where}.payload")
    if "output" not in table:
        return Requires(payload)
    return Requires(payload, _one_of(get_args(Output))(table["output"], f"{where}.output"))


def _answer(value: object, where: str) -> Canned:
    table = _table(value, where)
    _known(table, ("status", "fields", "body"), where)
    fields = _table(table.get("fields", {}), f"{where}.fields")
    body = _payload(table.get("body", ""), f"{where}.body")
    return Canned(
        _number(table.get("status", 200), f"{where}.status"),
        tuple((name, _payload(text, f"{where}.fields.{name}")) for name, text in fields.items()),
        body.encode(),
    )


def _stop(value: object, where: str) -> Stop:
    table = _table(value, where)
    _known(table, ("after", "how"), where)
    how = _one_of([how for how in ENDINGS if how != "complete"])
    return Stop(
        _number(table.get("after", 0), f"{where}.after"), how(table.get("how"), f"{where}.how")
    )


def _plan(value: object, where: str) -> Plan:
    table = _table(value, where)
    try:
        return plan_from_json({"version": 1, "keep_times": FAST.keep_times, **table})
    except PlanError as error:
        raise ScenarioError(f"{where}: {error}") from error


def _assertions(value: object, where: str) -> tuple[Check, ...]:
    if not isinstance(value, list) or not value:
        raise ScenarioError(
            f"{where} must be a list such as ['no_error', {{http_status = 200}}], not {value!r}"
        )
    return tuple(_check(item, where) for item in value)


def _check(item: object, where: str) -> Check:
    table = {item: None} if isinstance(item, str) else item
    if not isinstance(table, Mapping) or len(table) != 1:
        raise ScenarioError(f"{where}: {item!r} is neither a name nor {{name = value}}")
    (name, value), *_ = table.items()
    _known((name,), ASSERTIONS, where, "assertion")
    takes = ASSERTIONS[name].takes
    told, read = _VALUES[takes]
    if isinstance(item, str) != (takes == "nothing"):
        raise ScenarioError(f"{where}: {name} takes {told}")
    return Check(name, read(value, f"{where}: {name}"))


def _field(value: object, where: str) -> dict[str, str]:
    table = _table(value, where)
    if set(table) != {"name", "value"}:
        raise ScenarioError(f"{where} takes {{name = …, value = …}}, not {value!r}")
    return {
        "name": _text(table["name"], f"{where}.name"),
        "value": _payload(table["value"], f"{where}.value"),
    }


def _known(given: Iterable[str], known: Iterable[str], where: str, what: str = "key") -> None:
    names = sorted(known)
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise ScenarioError(
                f"{where}: unknown {what} {name!r}; {meant}known are {', '.join(names)}"
            )


_VALUES: dict[Takes, tuple[str, Callable[[object, str], Any]]] = {
    "nothing": ("no value: write its name alone", lambda value, _: value),
    "number": ("a number", _number),
    "text": ("a text", _payload),
    "name": ("the name of a header", _text),
    "field": ("{name = …, value = …}", _field),
    "members": ("a table of members", _members),
}
_READ: dict[str, Callable[[object, str], Any]] = {
    "name": _text,
    "description": _text,
    "category": _text,
    "strict": _flag,
    "pattern": _text,
    "cassette": _text,
    "answer": _answer,
    "plan": _plan,
    "stop": _stop,
    "handoff": _members,
    "payload": _payload,
    "pair": _one_of(("tcp", "unix")),
    "fds": _one_of(get_args(Fds)),
    "requires": _requires,
    "assertions": _assertions,
}
KEYS = tuple(_READ)
"""Of a scenario's table."""

_ALIASES = {"answer": "canned", "assertions": "checks"}
