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
            ET.SubElement(case, "error", message=clean(error))
        count(suite)
    count(root)
    return document(root)


def document(root: ET.Element) -> str:
    """The text of a whole document."""
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, target: TargetRun, run: Run) -> None:
    name = clean(f"{target.name} {target.version}".strip())
    suite = ET.SubElement(root, "testsuite", name=name, time=f"{target.seconds:.3f}")
    found = [finding for finding in ordered(run) if finding.target == target.name]
    for finding in found:
        _case(suite, finding, run.folder(finding))
    if target.skipped:
        case = ET.SubElement(suite, "testcase", classname=clean(target.name), name="run")
        ET.SubElement(case, "skipped", message=clean(target.skipped))
    elif not found:
        words = f"{target.examples} examples"
        ET.SubElement(suite, "testcase", classname=clean(target.name), name=words)
    count(suite)


def _case(suite: ET.Element, finding: Finding, folder: str) -> None:
    case = ET.SubElement(suite, "testcase", classname=clean(finding.target), name=clean(finding.id))
    text = clean(block(finding, folder))
    if finding.fails:
        message = clean(f"{finding.invariant}: {finding.observed}")
        ET.SubElement(case, "failure", type=finding.outcome, message=message).text = text
        return
    reason = finding.accepted or f"{finding.outcome}, not failed"
    ET.SubElement(case, "skipped", message=clean(reason))
    ET.SubElement(case, "system-out").text = text


def count(element: ET.Element) -> None:
    """Write into *element* how many cases it holds, and what came of them."""
    kinds = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    for name, tag in kinds.items():
        element.set(name, str(sum(1 for _ in element.iter(tag))))


def clean(text: str) -> str:
    """*text* with what XML has no characters for replaced."""
    return _FORBIDDEN.sub("\ufffd", text)
