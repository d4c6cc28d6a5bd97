"""Verdicts as JUnit XML, the format that CI systems read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from loadtests.report import words

_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True, slots=True)
class Case:
    """One verdict on ``target``; ``message`` says why it is not ``passed``, ``output`` the rest."""

    target: str
    name: str
    outcome: Literal["passed", "failure", "error", "skipped"]
    message: str
    output: Sequence[str]
    time_s: float = 0.0


def junit_xml(suite: str, cases: Sequence[Case]) -> str:
    """One suite, in the form that Jenkins' and GitLab's readers agree on."""
    counts = {
        "tests": len(cases),
        "failures": sum(case.outcome == "failure" for case in cases),
        "errors": sum(case.outcome == "error" for case in cases),
        "skipped": sum(case.outcome == "skipped" for case in cases),
        "time": f"{sum(case.time_s for case in cases):.3f}",
    }
    attributes = {"name": suite, **{name: str(value) for name, value in counts.items()}}
    root = ET.Element("testsuites", attributes)
    element = ET.SubElement(root, "testsuite", attributes)
    for case in cases:
        _add(element, case)
    ET.indent(root)
    return f"{_HEAD}{ET.tostring(root, 'unicode')}\n"


def _add(suite: ET.Element, case: Case) -> None:
    named = {"classname": words.plain(case.target), "name": words.plain(case.name)}
    element = ET.SubElement(suite, "testcase", {**named, "time": f"{case.time_s:.3f}"})
    if case.outcome != "passed":
        ET.SubElement(element, case.outcome, {"message": words.plain(case.message)})
    if case.output:
        told = ET.SubElement(element, "system-out")
        told.text = "\n".join(map(words.plain, case.output))
