"""A simpler hand-off that still shows the same breakage: fewer abuses, a smaller payload."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from replayfuzz.formats.json_object import json_object
from replayfuzz.plan import HandOff
from replayfuzz.search.case import Case
from replayfuzz.search.fewest import fewest

FEW = 64
"""Characters of a text that are tried one by one; of a longer one only the length may count."""

Fails = Callable[[Case], bool]


def plain_handoff(case: Case, fails: Fails) -> Case:
    """A hand-off that is ordinary wherever it can be."""
    if case.plan.handoff == HandOff():
        return case
    while True:
        for candidate in _plainer(case.plan.handoff):
            if fails(tried := _with(case, candidate)):
                case = tried
                break
        else:
            break
    if len(case.plan.handoff.before) > 1:
        before = case.plan.handoff.before
        order = range(len(before))

        def chosen(kept: Any) -> Case:
            names = tuple(before[number] for number in kept)
            return _with(case, replace(case.plan.handoff, before=names))

        few = fewest(order, lambda kept: fails(chosen(kept)))
        case = chosen(few) if len(few) < len(before) else case
    return _smaller_payload(case, fails)


def _plainer(handoff: HandOff) -> Iterator[HandOff]:
    """Hand-offs with one part less that is out of the ordinary, the plainest first."""
    plain = HandOff()
    for name in ("payload", "pair", "reads", "leaves", "before", "beside"):
        if getattr(handoff, name) != getattr(plain, name):
            yield replace(handoff, **{name: getattr(plain, name)})
    if handoff.leaves:
        yield replace(handoff, leaves=0)
    if handoff.beside > 1:
        yield replace(handoff, beside=handoff.beside // 2)


def _smaller_payload(case: Case, fails: Fails) -> Case:
    """Without members, and with shorter texts, that do not matter."""
    value = json_object(case.plan.handoff.payload)
    if value is None:
        return case
    members = list(value.items())

    def holding(kept: Any) -> Case:
        text = json.dumps(dict(kept), ensure_ascii=False, separators=(",", ":"))
        data = text.encode("utf-8", "surrogatepass")
        return _with(case, replace(case.plan.handoff, payload=data))

    few = list(fewest(members, lambda kept: fails(holding(kept))))
    for number, (name, item) in enumerate(few):
        if isinstance(item, str) and len(item) > 1:

            def short(text: str, number: int = number, name: str = name) -> bool:
                return fails(holding([*few[:number], (name, text), *few[number + 1 :]]))

            few[number] = (name, _shorter(item, short))
    smaller = holding(few)
    return smaller if few != members and fails(smaller) else case


def _shorter(text: str, fails: Callable[[str], bool]) -> str:
    """The letters that matter; where only their number does, so many of the same one."""
    same = text[0] * len(text)
    if len(text) <= FEW or fails("") or not (text == same or fails(same)):
        return "".join(fewest(text, lambda kept: fails("".join(kept))))
    holds, breaks = 0, len(text)
    while breaks - holds > 1:
        middle = (holds + breaks) // 2
        if fails(same[:middle]):
            breaks = middle
        else:
            holds = middle
    return same[:breaks]


def _with(case: Case, handoff: HandOff) -> Case:
    return Case(case.exchange, replace(case.plan, handoff=handoff), case.variant)
