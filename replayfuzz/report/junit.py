"""A run as JUnit XML, in the form that CI servers read (testsuites, testsuite, testcase)."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from replayfuzz.finding import Finding
from replayfuzz.report.human import block, ordered
from replayfuzz.run import Run, TargetRun

# XML 1.0 section 2.2, Char: what is not named there cannot stand in a document at all.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(run: Run) -> str:
    """One suite for each target; a case for each finding, or one that says that it held."""
    root = ET.Element("testsuites", name="replayfuzz")
    for target in run.targets:
        _suite(root, target, run)
    if run.untold:
        suite = ET.SubElement(root, "testsuite", name="replayfuzz")
        for error in run.untold:
            case = ET.SubElement(suite, "testcase", classname="replayfuzz", name="could not tell")
            ET.SubElement(case, "error", message=_clean(error))
        _count(suite)
    _count(root)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, target: TargetRun, run: Run) -> None:
    name = _clean(f"{target.name} {target.version}".strip())
    suite = ET.SubElement(root, "testsuite", name=name, time=f"{target.seconds:.3f}")
    found = [finding for finding in ordered(run) if finding.target == target.name]
    for finding in found:
        _case(suite, finding, run.folder(finding))
    if target.skipped:
        case = ET.SubElement(suite, "testcase", classname=_clean(target.name), name="run")
        ET.SubElement(case, "skipped", message=_clean(target.skipped))
    elif not found:
        words = f"{target.examples} examples"
        ET.SubElement(suite, "testcase", classname=_clean(target.name), name=words)
    _count(suite)


def _case(suite: ET.Element, finding: Finding, folder: str) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=_clean(finding.target), name=_clean(finding.id)
    )
    text = _clean(block(finding, folder))
    if finding.fails:
        message = _clean(f"{finding.invariant}: {finding.observed}")
        ET.SubElement(case, "failure", type=finding.outcome, message=message).text = text
        return
    reason = finding.accepted or f"{finding.outcome}, not failed"
    ET.SubElement(case, "skipped", message=_clean(reason))
    ET.SubElement(case, "system-out").text = text


def _count(element: ET.Element) -> None:
    kinds = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    for name, tag in kinds.items():
        element.set(name, str(sum(1 for _ in element.iter(tag))))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
