"""One thing that was looked at: how bad it is, what it is, why that matters, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """From good to bad; `unknown` is what could not be asked, and never good."""

    OK = "ok"
    INFO = "info"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"


ORDER = tuple(Severity)
BAD = (Severity.WARNING, Severity.CRITICAL)


@dataclass(frozen=True)
class Finding:
    """What was found; `why` says what it may cost, `command` is what to run, both empty where all is well."""

    id: str
    severity: Severity
    what: str
    why: str = ""
    command: str = ""


def ok(name: str, what: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(name, Severity.OK, what)


def unknown(name: str, what: str, command: str = "") -> Finding:
    """Return a finding of what could not be asked."""
    return Finding(name, Severity.UNKNOWN, what, "It could not be asked, so nobody knows.", command)


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Put findings in order: the worst first, else as they were."""
    return sorted(findings, key=lambda each: -ORDER.index(each.severity))


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 1 if something is a warning or worse, else 0."""
    return int(any(each.severity in BAD for each in findings))
