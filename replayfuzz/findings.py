"""Writes and reads the folders of findings: ``<findings>/<target>/<id>/``.

A folder appears whole, at the moment when a finding is made, so nothing found is lost when
the run is ended. The same finding of an earlier run is replaced; nothing else is touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from replayfuzz import plan as plans
from replayfuzz import redact
from replayfuzz.cassette import Cassette, dump
from replayfuzz.errors import StoreError, UsageError
from replayfuzz.finding import Finding, from_json, to_json
from replayfuzz.report import repro, wire_txt
from replayfuzz.store import read, write_folder

FILES = ("cassette.yaml", "plan.json", "finding.json", "wire.txt", "repro.py")


def save(finding: Finding, folder: Path) -> Path:
    """Write the folder of *finding* below *folder*, at once.

    Returns:
        Where it is.

    Raises:
        StoreError: It cannot be written (read-only, full); nothing is left behind.
    """
    place = folder / _safe(finding.target) / finding.id
    write_folder(place, contents(finding))
    return place


def contents(finding: Finding) -> Mapping[str, str]:
    """What each file of the folder holds, by name; heads and request hold no secret."""
    finding = _redacted(finding)
    cassette = Cassette("cassette", (finding.exchange,))
    return {
        "cassette.yaml": dump(cassette),
        "plan.json": _json(plans.to_json(finding.plan)),
        "finding.json": _json(to_json(finding)),
        "wire.txt": wire_txt(finding),
        "repro.py": repro(finding),
    }


def _redacted(finding: Finding) -> Finding:
    """*finding* without the secrets of its heads and request.

    The body stays: it is what is replayed, and ``lint`` tells what it holds.
    """
    told = finding.exchange
    exchange = replace(
        told,
        request=redact.request(told.request),
        fields=redact.fields(told.fields),
        trailers=redact.fields(told.trailers),
    )
    return replace(finding, exchange=exchange)


def load(folder: Path) -> Finding:
    """Read a finding again.

    Raises:
        UsageError: The folder is not there or lacks a file, or finding.json is not one.
        CassetteError: Its cassette is not one.
        PlanError: Its plan is not one, or does not fit.
        StoreError: A file cannot be read.
    """
    # People name a file in it as often as the folder itself.
    place = folder.parent if folder.name in FILES else folder
    missing = [name for name in FILES[:3] if not (place / name).is_file()]
    if missing:
        raise UsageError(
            f"{place} is not a finding: it has no {missing[0]}; "
            "name a folder such as findings/<target>/<id>"
        )
    plan = plans.from_json(_value(place / "plan.json"))
    exchange = read(place / "cassette.yaml").exchanges[0]
    finding = from_json(_value(place / "finding.json"), exchange, plan)
    _ = finding.bent  # a plan that does not fit is told now, not in the middle of a replay
    return finding


def find(folder: Path) -> tuple[Path, ...]:
    """The folders of all findings below *folder*, sorted."""
    places = (path.parent for path in folder.glob("*/*/finding.json"))
    return tuple(sorted(place for place in places if not place.name.startswith(".")))  # drafts


def known(folder: Path, finding: Finding) -> Finding | None:
    """The same finding as an earlier run saved it, or None."""
    try:
        return load(folder / _safe(finding.target) / finding.id)
    except (UsageError, StoreError, ValueError):
        return None


def renamed(finding: Finding, name: str) -> Finding:
    """*finding* with its stream named *name*, for reports that show several."""
    return replace(finding, exchange=replace(finding.exchange, name=name))


def _safe(name: str) -> str:
    """A target's name as the name of a folder."""
    return re.sub(r"[^\w.@+-]+", "_", name).lstrip(".") or "target"


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _value(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON ({error}); was it edited by hand?") from error
