"""CAA records: who may issue for a name, by which account and method (RFC 8659, RFC 8657)."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

CRITICAL = 128
# What every issuer knows of: RFC 8659 and RFC 9495.
KNOWN_TAGS = {"issue", "issuewild", "iodef", "issuemail"}
_LABEL = r"[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
ISSUER = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
PARAMETER = re.compile(rf"({_LABEL})[ \t]*=[ \t]*([\x21-\x3A\x3C-\x7E]*)")


@dataclass(frozen=True)
class CaaRecord:
    """A CAA record as DNS has it."""

    flags: int
    tag: str
    value: str

    def __str__(self) -> str:
        return f'CAA {self.flags} {self.tag} "{self.value}"'


def forbids(records: Sequence[CaaRecord], identities: Collection[str], account: str, method: str) -> str:
    """Say why an issuer may not issue for a name, which is no wildcard; the empty string if it may.

    An issuer that does not say who it is (a private one) is bound only by what binds every issuer.
    """
    for record in records:
        if record.flags & CRITICAL and record.tag.lower() not in KNOWN_TAGS:
            return f"{record} is critical, and issuers do not know its tag"
    applicant = _Applicant({identity.lower() for identity in identities}, account, method)
    refusals = [_refusal(record, applicant) for record in records if record.tag.lower() == "issue"]
    return "; ".join(dict.fromkeys(refusals)) if all(refusals) else ""


def advice(name: str, identity: str, account: str) -> str:
    """Return the record to set, so that only this account at this issuer gets certificates for a name."""
    return f'{name}. IN CAA 0 issue "{identity}; accounturi={account}"'


class _Applicant(NamedTuple):
    identities: Collection[str]
    account: str
    method: str


def _refusal(record: CaaRecord, applicant: _Applicant) -> str:
    """Say why one `issue` record does not let the applicant issue."""
    issuer, *rest = (part.strip(" \t") for part in record.value.split(";"))
    parameters = [] if rest == [""] else [PARAMETER.fullmatch(part) for part in rest]
    if (issuer and not ISSUER.fullmatch(issuer)) or None in parameters:
        return f"{record} is malformed, and so lets nobody issue"
    if not issuer:
        return f"{record} lets nobody issue"
    if not applicant.identities:
        return ""
    if issuer.lower() not in applicant.identities:
        return f"{record} does not name {' or '.join(sorted(applicant.identities))}"
    return _unmet(record, [(found[1].lower(), found[2]) for found in parameters if found], applicant)


def _unmet(record: CaaRecord, parameters: list[tuple[str, str]], applicant: _Applicant) -> str:
    """Say which of the parameters that every issuer understands does not hold."""
    accounts = [value for tag, value in parameters if tag == "accounturi"]
    methods = [value for tag, value in parameters if tag == "validationmethods"]
    if len(accounts) > 1 or len(methods) > 1:
        return f"{record} has a parameter twice, and so lets nobody issue"
    if accounts and accounts != [applicant.account]:
        return f"{record} is for another account than {applicant.account or 'one that is yet to be made'}"
    if methods and applicant.method not in methods[0].split(","):
        return f"{record} does not allow {applicant.method}"
    return ""
