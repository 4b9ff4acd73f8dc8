"""What a declaration wants beside a release: its needs, and the pins of old releases.

A pin stands in for a need of the same package, and for a pin of newer releases. pip and uv
hold all that they are given against each other; npm, Go and cargo take the last word on a
package, or none: for them one word is chosen here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from replayfuzz.environments.requirement import numbers, registry_of
from replayfuzz.errors import TargetError
from replayfuzz.target import Target


def pins(target: Target, version: str) -> tuple[str, ...]:
    """What release *version* needs beside it, that of the oldest releases last; nothing where
    no exact release is named.
    """
    if not version:
        return ()
    matching = [pin for pin in target.pins if numbers(version) < numbers(pin.below)]
    matching.sort(key=lambda pin: numbers(pin.below), reverse=True)
    return tuple(also for pin in matching for also in pin.also)


def companions(target: Target, version: str) -> tuple[str, ...]:
    """What is wanted beside release *version* from npm, Go or crates; the last word counts.

    Raises:
        TargetError: The declaration asks for two versions of one package.
    """
    own = target.package[registry_of(target)]
    _agree(target, "needs", (own, *target.needs))
    for below in sorted({numbers(pin.below) for pin in target.pins}):
        same = [pin for pin in target.pins if numbers(pin.below) == below]
        also = (each for pin in same for each in pin.also)
        _agree(target, f"pins below {same[0].below}", (own, *also))
    return (*target.needs, *pins(target, version))


def settled(wanted: Iterable[str]) -> tuple[str, ...]:
    """*wanted* with one word for each package, the last."""
    return tuple({name_of(text): text for text in wanted}.values())


def name_of(text: str) -> str:
    """The package of ``ai@6``, ``@ai-sdk/openai@^2``, ``example.com/m@v1`` or a bare name."""
    at = text.find("@", 1)
    return text if at < 0 else text[:at]


def _agree(target: Target, place: str, wanted: Sequence[str]) -> None:
    known: dict[str, str] = {}
    for text in wanted:
        before = known.setdefault(name_of(text), text)
        if before != text:
            raise TargetError(
                f"{target.source}: {place}: {before} and {text} are one package; name one of them"
            )
