import pytest

from certificates.plan.caa import CaaRecord, advice, forbids

ISSUER = "letsencrypt.org"
ACCOUNT = "https://acme.example/acct/7"


def issue(*values: str) -> list[CaaRecord]:
    return [CaaRecord(0, "issue", value) for value in values]


def refusal(records: list[CaaRecord], *identities: str, method: str = "http-01") -> str:
    return forbids(records, identities, ACCOUNT, method)


ALLOWED = {
    "no record": [],
    "the issuer": issue(ISSUER),
    "the issuer in capitals": [CaaRecord(0, "ISSUE", "LetsEncrypt.org")],
    "the issuer among others": issue(";", "digicert.com", ISSUER),
    "blanks": issue(f" \t{ISSUER} ; "),
    "a parameter that the issuer defines": issue(f"{ISSUER}; policy=ev"),
    "an empty parameter": issue(f"{ISSUER}; policy="),
    "wildcards alone are bound": [CaaRecord(0, "issuewild", ";")],
    "a report address": [CaaRecord(0, "iodef", "mailto:security@example.org")],
    "known tags, though critical": [CaaRecord(128, "issue", ISSUER), CaaRecord(128, "issuemail", ";")],
    "an unknown tag that is not critical": [CaaRecord(127, "tbs", "unknown")],
    "the account": issue(f"{ISSUER}; accounturi={ACCOUNT}"),
    "the account among others": issue(f"{ISSUER}; accounturi={ACCOUNT}0", f"{ISSUER};accounturi={ACCOUNT}"),
    "the method": issue(f"{ISSUER}; validationmethods=http-01"),
    "the method among others": issue(f"{ISSUER}; validationmethods=dns-01,http-01"),
    "both": issue(f"{ISSUER}; validationmethods = http-01 ; accounturi = {ACCOUNT}"),
}
FORBIDDEN = {
    "another issuer": (issue("digicert.com"), 'CAA 0 issue "digicert.com" does not name letsencrypt.org'),
    "a name below the issuer's": (issue(f"ca.{ISSUER}"), "does not name"),
    "nobody": (issue(";"), 'CAA 0 issue ";" lets nobody issue'),
    "nobody, with a parameter": (issue("; policy=ev"), "lets nobody issue"),
    "an empty value": (issue(""), "lets nobody issue"),
    "no domain": (issue("%%%%%"), "is malformed"),
    "a final dot": (issue(f"{ISSUER}."), "is malformed"),
    "a parameter without a value": (issue(f"{ISSUER}; policy"), "is malformed"),
    "a final semicolon": (issue(f"{ISSUER}; policy=ev;"), "is malformed"),
    "a blank in a value": (issue(f"{ISSUER}; policy=e v"), "is malformed"),
    "an unknown critical tag": (
        [*issue(ISSUER), CaaRecord(128, "tbs", "x")],
        'CAA 128 tbs "x" is critical, and issuers do not know its tag',
    ),
    "another account": (issue(f"{ISSUER}; accounturi={ACCOUNT}0"), f"is for another account than {ACCOUNT}"),
    "no account": (issue(f"{ISSUER}; accounturi="), "is for another account"),
    "two accounts": (issue(f"{ISSUER}; accounturi={ACCOUNT}; accounturi={ACCOUNT}"), "a parameter twice"),
    "another method": (issue(f"{ISSUER}; validationmethods=dns-01"), "does not allow http-01"),
    "no method": (issue(f"{ISSUER}; validationmethods="), "does not allow http-01"),
    "two lists of methods": (
        issue(f"{ISSUER}; validationmethods=http-01; ValidationMethods=http-01"),
        "a parameter twice",
    ),
    "the account by another method": (
        issue(f"{ISSUER}; accounturi={ACCOUNT}; validationmethods=dns-01"),
        "does not allow http-01",
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_the_issuer_may_issue(case: str) -> None:
    assert refusal(ALLOWED[case], ISSUER) == ""


@pytest.mark.parametrize("case", FORBIDDEN)
def test_the_issuer_may_not_issue_and_the_reason_is_said(case: str) -> None:
    records, reason = FORBIDDEN[case]
    assert reason in refusal(records, ISSUER)


def test_each_reason_is_said_once() -> None:
    said = refusal(issue(";", ";", "digicert.com"), ISSUER)
    assert (
        said == 'CAA 0 issue ";" lets nobody issue; CAA 0 issue "digicert.com" does not name letsencrypt.org'
    )


def test_an_issuer_may_have_several_identities() -> None:
    assert refusal(issue("pki.goog"), "google.example", "PKI.goog") == ""


def test_only_what_binds_everybody_binds_an_issuer_without_identity() -> None:
    assert refusal(issue("digicert.com")) == ""
    assert "nobody" in refusal(issue(";"))
    assert "critical" in refusal([CaaRecord(128, "tbs", "x")])


def test_the_method_is_the_one_that_is_used() -> None:
    records = issue(f"{ISSUER}; validationmethods=dns-01")
    assert refusal(records, ISSUER, method="dns-01") == ""


def test_before_there_is_an_account_none_is_allowed() -> None:
    records = issue(f"{ISSUER}; accounturi={ACCOUNT}")
    assert "one that is yet to be made" in forbids(records, [ISSUER], "", "http-01")


def test_what_is_advised_allows_this_account_and_no_other() -> None:
    said = advice("vote.example.org", ISSUER, ACCOUNT)
    assert said == f'vote.example.org. IN CAA 0 issue "{ISSUER}; accounturi={ACCOUNT}"'
    records = issue(said.split('"')[1])
    assert forbids(records, [ISSUER], ACCOUNT, "http-01") == ""
    assert forbids(records, [ISSUER], f"{ACCOUNT}1", "http-01")
