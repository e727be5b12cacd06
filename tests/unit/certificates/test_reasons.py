"""What an operator is told of an order that the server found invalid."""

from typing import Any, cast

import pytest

from certificates.authority.acme import AcmeAuthority
from certificates.authority.authority import InvalidError
from certificates.authority.proof import Http01
from certificates.authority.server import Server
from certificates.authority.session import Session
from certificates.outside.names import Resolver
from certificates.state.orders import Order
from certificates.state.records import Records

NAMES = ("result.example.org", "vote.example.org")
BROKEN = {"type": "urn:ietf:params:acme:error:connection", "detail": "no route to host"}
ORDER = Order("", NAMES, "", None, 1, "https://acme.example.org/order/1")


class Answer:
    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found

    def json(self) -> dict[str, Any]:
        return self._found


def authorization(name: str, error: dict[str, str] | None, status: str | None) -> dict[str, Any]:
    challenge = {"type": "http-01", "url": f"https://acme.example.org/{name}", "token": "A" * 43}
    asked = {**challenge, "status": "invalid", "error": error} if error else challenge
    found = {"identifier": {"type": "dns", "value": name}, "challenges": [asked]}
    return {**found, "status": status} if status else found


def told(
    monkeypatch: pytest.MonkeyPatch,
    errors: dict[str, dict[str, str] | None],
    of_order: dict[str, str] | None = BROKEN,
    status: str | None = "pending",
) -> str:
    """Return what is said of an order with this error, whose authorizations have these errors."""
    order = {
        "status": "invalid",
        "identifiers": [{"type": "dns", "value": name} for name in NAMES],
        "authorizations": list(NAMES),
        **({"error": of_order} if of_order else {}),
    }
    answers: dict[str, Any] = {name: authorization(name, errors[name], status) for name in NAMES}
    answers[str(ORDER.url)] = order
    monkeypatch.setattr(Session, "post", lambda _, url, content=None: Answer(answers[url]))
    resolver, records = Resolver((("192.0.2.53", 53),)), cast(Records, None)
    server = Server("https://acme.example.org/dir", "x@example.org")
    with pytest.raises(InvalidError) as error:
        AcmeAuthority(server, Http01(resolver), resolver, records).advance(ORDER, lambda token, answer: None)
    return str(error.value)


def test_each_name_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = told(monkeypatch, dict.fromkeys(NAMES, BROKEN))
    assert said == "result.example.org: no route to host; vote.example.org: no route to host"


def test_an_order_that_failed_for_no_name_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, dict.fromkeys(NAMES)) == "no route to host"


def test_an_order_that_failed_without_a_reason_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    said = told(monkeypatch, dict.fromkeys(NAMES), None)
    assert said == (
        "the order is invalid, and the server gives no reason: "
        "result.example.org is pending, vote.example.org is pending"
    )


def test_authorizations_without_a_status_hide_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, dict.fromkeys(NAMES), status=None) == "no route to host"
    assert told(monkeypatch, dict.fromkeys(NAMES), None, None) == (
        "the order is invalid, and the server gives no reason: "
        "result.example.org is without a status, vote.example.org is without a status"
    )
