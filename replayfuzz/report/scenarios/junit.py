"""Examined daemons as JUnit XML: a suite for each daemon and variant, a case for each scenario."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from replayfuzz.report.junit import clean, count, document
from replayfuzz.report.scenarios.human import measured, told
from replayfuzz.scenarios import Examined, Result


def junit(every: Sequence[Examined]) -> str:
    """The document; what is skipped says why, and what could not be told is an error."""
    root = ET.Element("testsuites", name="replayfuzz test")
    root.set("time", f"{sum(examined.seconds for examined in every):.3f}")
    for examined in every:
        suite = ET.SubElement(root, "testsuite", name=clean(examined.name))
        suite.set("time", f"{examined.seconds:.3f}")
        for result in examined.results:
            _case(suite, result, examined.name)
        for tag, why in (("skipped", examined.skipped), ("error", examined.error)):
            if why:
                case = _named(suite, examined.name, "run")
                ET.SubElement(case, tag, message=clean(why.partition("\n")[0])).text = clean(why)
        count(suite)
    count(root)
    return document(root)


def _named(suite: ET.Element, classname: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=clean(classname), name=clean(name))


def _case(suite: ET.Element, result: Result, name: str) -> None:
    scenario = result.scenario
    case = _named(suite, f"{name}.{scenario.category}", scenario.name)
    case.set("time", f"{result.seconds:.3f}")
    if result.skipped:
        ET.SubElement(case, "skipped", message=clean(result.skipped))
        return
    if result.failed:
        first = next(outcome for outcome in result.outcomes if not outcome.passed)
        failure = ET.SubElement(case, "failure", type=first.name)
        failure.set("message", clean(f"{first.message}: {first.details}"))
        failure.text = clean(told(result))
    ET.SubElement(case, "system-out").text = clean(measured(result.measured))
