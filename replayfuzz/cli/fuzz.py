"""``replayfuzz fuzz``: search targets for what breaks them."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from replayfuzz import declared, dialects, environments, search, settings, store
from replayfuzz.cassette import Exchange
from replayfuzz.cli import options
from replayfuzz.cli.output import FileOption, Form, FormOption, check, put, say
from replayfuzz.cli.progress import Teller
from replayfuzz.errors import StoreError, UsageError
from replayfuzz.report import FORMATS, summary
from replayfuzz.run import Run
from replayfuzz.target import Target

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Profile:
    """What ``--profile`` stands for; any option given beside it wins."""

    time: str
    seed: int | None


PROFILES = {
    "ci": Profile("60s", 0),  # the same cases in every run
    "dev": Profile("60s", None),
    "nightly": Profile("30m", None),
}


def fuzz(
    target: options.Targets = None,
    with_: options.With = None,
    every: options.All = False,
    cassettes: options.Cassettes = None,
    dialect: options.Dialects = None,
    variant: options.Variants = None,
    time: options.Time = None,
    examples: options.Examples = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    profile: options.Profile = "dev",
    findings: options.Findings = None,
    form: FormOption = Form.HUMAN,
    file: FileOption = None,
) -> None:
    """Bend recorded streams, play them at targets, and report what breaks, made minimal.

    Without --target, every library that is installed is fuzzed; daemons are named. Of a library
    that is named, the newest release is built where none is here. Exit status:
    0 every rule held, 1 a target broke a rule, 2 wrong usage, or it could not be told.
    """
    check(file)
    chosen = settings.load(Path.cwd())
    preset = _preset(profile)
    names = _named(target, every, chosen.target)
    targets, requirements = _targets(names, with_ or [])
    if every:
        targets = _with_all(targets)
    limit = _limit(time, examples, chosen, preset)
    seed = _first(seed, chosen.seed, preset.seed)
    wanted = search.Options(
        seconds=limit,
        examples=examples or (None if time else chosen.examples),
        seed=random.randrange(1 << 32) if seed is None else seed,
        jobs=jobs or chosen.jobs or 1,
        variants=tuple(variant or ()),
        findings=findings or Path(chosen.findings or "findings"),
        requirements=requirements,
        build=every or bool(names),
        unasked=not (every or names or requirements),
    )
    exchanges = _exchanges(cassettes or list(chosen.cassettes), dialect or list(chosen.dialect))
    _check_variants(targets, wanted.variants)
    teller = Teller(blocks=form is Form.HUMAN and file is None)
    run = search.fuzz(targets, exchanges, wanted, teller)
    teller.done()
    text = summary(run) if teller.blocks else FORMATS[form](run)
    raise typer.Exit(_told(run, text, file))


def _limit(
    time: str | None, examples: int | None, chosen: settings.Settings, preset: Profile
) -> float | None:
    """Seconds of the run; None: a number of examples ends it."""
    usual = chosen.time or (None if chosen.examples else preset.time)
    limit = time or (None if examples else usual)
    return None if limit is None else seconds(limit)


def _told(run: Run, text: str, file: Path | None) -> int:
    """Print or write the result; whatever goes wrong now, what was found counts.

    Returns:
        The exit status.
    """
    try:
        put(text, file)
    except StoreError as error:
        say(f"replayfuzz: {error}")
        if file is not None:
            with contextlib.suppress(StoreError):
                put(text, None)
        return run.exit_status or 2
    except KeyboardInterrupt:
        say("replayfuzz: interrupted")
        return run.exit_status or 2
    return run.exit_status


def seconds(text: str, option: str = "--time") -> float:
    """Read a duration such as ``30s``, ``1.5m``, ``2h`` or ``30d``; a bare number is seconds.

    Raises:
        UsageError: It is none, or not more than nothing.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    value = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if value <= 0:
        raise UsageError(f"{option} {text!r} is no duration; write 30s, 5m or 1h")
    return value


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _preset(profile: str) -> Profile:
    if profile not in PROFILES:
        raise UsageError(f"there is no profile {profile!r}; known are {', '.join(PROFILES)}")
    return PROFILES[profile]


def _named(names: list[str] | None, every: bool, known: Sequence[str]) -> list[str]:
    """The targets that are named; those of the settings where the command names none."""
    if every and names:
        raise UsageError("--all takes every library; leave --target out, or --all")
    return names or ([] if every else list(known))


def _targets(
    names: list[str], requirements: list[str]
) -> tuple[tuple[Target, ...], dict[str, str]]:
    """The targets to fuzz, and which of them get a release of their own."""
    targets = {target.name: target for target in map(declared.find, names)}
    among = tuple(targets.values()) if names else declared.all_targets()
    wanted: dict[str, str] = {}
    for requirement in requirements:
        for target in _of_package(requirement, among, named=bool(names)):
            targets[target.name] = target
            wanted[target.name] = requirement
    if not targets:
        return _parsers(), wanted
    return tuple(targets.values()), wanted


def _of_package(requirement: str, among: tuple[Target, ...], *, named: bool) -> tuple[Target, ...]:
    """The targets *among* which there are that test the package of *requirement*, of one registry.

    Raises:
        UsageError: None does; or packages of that name are in several registries, none of
            them PyPI.
    """
    found = tuple(target for target in among if environments.fits(requirement, target))
    if not found:
        _, rest = environments.prefixed(requirement)
        package = re.split(r"(?<!^)[\s=<>!~\[;@]", rest.strip(), maxsplit=1)[0]
        scope = f" among {', '.join(target.name for target in among)}" if named else ""
        raise UsageError(
            f"--with {requirement}: no target{scope} tests the package {package!r}; "
            "see `replayfuzz list targets`"
        )
    registries = list(dict.fromkeys(map(environments.registry_of, found)))
    if len(registries) == 1:
        return found
    if "pypi" not in registries:
        choices = " or ".join(f"{name}:{requirement}" for name in registries)
        raise UsageError(f"--with {requirement}: there are several such packages; write {choices}")
    return tuple(target for target in found if environments.registry_of(target) == "pypi")


def _parsers() -> tuple[Target, ...]:
    """The default set. A daemon may have to be built first, which nobody asked for."""
    return tuple(target for target in declared.all_targets() if target.kind == "parser")


def _with_all(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Every parser, and *targets*."""
    return tuple({target.name: target for target in (*_parsers(), *targets)}.values())


def _exchanges(places: list[str], wanted: list[str]) -> tuple[Exchange, ...]:
    for name in wanted:
        dialects.find(name)  # a misspelt one gets the list of those there are
    found = store.load(places) if places else store.shipped()
    chosen = tuple(item for item in found if not wanted or item.dialect in wanted)
    if not chosen:
        raise UsageError(f"no cassette is of dialect {', '.join(wanted)}; see --cassettes")
    return chosen


def _check_variants(targets: tuple[Target, ...], wanted: tuple[str, ...]) -> None:
    known = {name for target in targets for name in target.variants}
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"no target has a variant {name!r}; there are {', '.join(sorted(known))}"
            )
