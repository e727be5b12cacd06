from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from certificates import issuer
from certificates.authority import keys
from certificates.authority.authority import AwayError, ForgottenError, InvalidError, RefusedError
from certificates.errors import ServiceError
from certificates.issuer import (
    ADVICE_PAUSE,
    BUSY_SECONDS,
    IDLE_SECONDS,
    MOST_LOOKS,
    MOST_REFUSALS,
    Issuer,
)
from certificates.outside.hook import HookError
from certificates.plan import replacement
from certificates.plan.findings import Findings
from certificates.plan.limits import Limit, Past
from certificates.state.database import DatabaseAwayError
from certificates.state.lease import LeaseLostError
from certificates.state.orders import Order
from certificates.state.outlook import Outlook
from unit.certificates.desk import URL, Desk, FakeAuthority
from unit.certificates.made import DAY, NAMES, NOW

MINUTE = timedelta(minutes=1)
DUE = 61 * DAY


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    for module in ("orders", "certificates", "outlook"):
        monkeypatch.setattr(issuer, module, made)
    return made


@pytest.fixture
def authority() -> FakeAuthority:
    return FakeAuthority()


@pytest.fixture
def one(desk: Desk, authority: FakeAuthority) -> Issuer:
    return Issuer(authority, NAMES, desk)


def order(authority: FakeAuthority, url: str | None = URL) -> Order:
    return Order(authority.name, NAMES, keys.make(), None, 1, url)


def turn_and_wait(one: Issuer, desk: Desk, pause: timedelta) -> None:
    """Take a turn, and see that the next attempt is made after a pause from now."""
    assert one.turn() == IDLE_SECONDS
    assert desk.outlook.next_try == desk.now + pause


def test_without_the_lease_nothing_is_done(one: Issuer, desk: Desk, authority: FakeAuthority) -> None:
    desk.lease = False
    assert one.turn() == IDLE_SECONDS
    assert authority.called == []
    assert desk.orders == 0


def test_the_first_certificate_comes_in_turns(one: Issuer, desk: Desk, authority: FakeAuthority) -> None:
    authority.waits = 2
    assert [one.turn() for _ in range(6)] == [0, 0, BUSY_SECONDS, BUSY_SECONDS, 0, IDLE_SECONDS]
    assert authority.called == ["look", "place", *["advance"] * 3, "caa", "tidy", "advise"]
    assert desk.ended == [("issued", "")]
    assert desk.orders == 1
    assert desk.newest is not None
    assert desk.newest.certificate.names == NAMES
    assert desk.outlook == Outlook(caa="a CAA record")


def test_every_turn_may_be_another_copys(desk: Desk, authority: FakeAuthority) -> None:
    for _ in range(3):
        Issuer(authority, NAMES, desk).turn()
    assert authority.called == ["look", "place", "advance", "caa", "tidy"]
    assert desk.ended == [("issued", "")]


def test_an_order_is_written_down_before_it_is_made(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    one.turn()
    assert authority.called == ["look"]
    assert desk.order is not None
    assert (desk.order.url, desk.order.names) == (None, NAMES)


def test_the_certificate_has_the_orders_key(one: Issuer, desk: Desk, authority: FakeAuthority) -> None:
    desk.order = begun = order(authority)
    one.turn()
    assert desk.newest is not None
    assert desk.newest.certificate.key == begun.key


def test_a_certificate_with_much_life_left_is_left_alone(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    desk.newest = authority.held(30 * DAY)
    desk.outlook = Outlook("it failed", "a warning", 3, NOW, "a CAA record")
    assert one.turn() == IDLE_SECONDS
    assert authority.called == []
    assert desk.outlook == Outlook(warning="a warning", caa="a CAA record")


def test_a_renewal_that_was_advised_says_what_it_replaces(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    """Only that counts for no rate limit."""
    desk.newest = held = replace(authority.held(DUE), advised=True)
    assert [one.turn(), one.turn()] == [0, 0]
    assert authority.replaced == [replacement.identifier(held.certificate.chain)]
    one.turn()
    assert desk.newest.renew_at > datetime.now(UTC) + 59 * DAY


def test_renewal_is_when_the_authority_advises(one: Issuer, desk: Desk, authority: FakeAuthority) -> None:
    authority.advised = NOW - MINUTE
    desk.newest = replace(authority.held(10 * DAY), advice_at=NOW - MINUTE)
    assert one.turn() == 0
    assert authority.called == ["advise", "look"]
    assert desk.newest.advised
    assert desk.order is not None


def test_advice_is_kept_until_it_is_time_to_ask_again(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    """The authority says for how long; the database's clock says when that is over."""
    authority.advised = NOW + 2 * DAY
    desk.newest = replace(authority.held(DUE), advice_at=None)
    assert [one.turn(), one.turn()] == [IDLE_SECONDS, IDLE_SECONDS]
    assert authority.called == ["advise"]
    assert (desk.newest.renew_at, desk.newest.advice_at) == (authority.advised, NOW + DAY)
    desk.now = NOW + DAY - MINUTE
    assert one.turn() == IDLE_SECONDS
    assert authority.called == ["advise"]
    desk.now = NOW + DAY
    assert one.turn() == IDLE_SECONDS
    assert authority.called == ["advise", "advise"]
    assert desk.newest.advice_at == NOW + 2 * DAY
    assert desk.orders == 0


@pytest.mark.parametrize("error", [AwayError("no route"), RefusedError("no such certificate")])
def test_without_advice_the_certificates_life_decides(
    error: ServiceError, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.raises["advise"] = error
    desk.newest = replace(authority.held(DUE), advice_at=None)
    assert one.turn() == 0
    assert desk.order is not None


def test_about_a_certificate_that_has_ended_no_advice_is_asked_and_the_limit_holds(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.limits, authority.advised = (LIMIT,), NOW - DAY
    desk.past = [Past(NOW - DAY, issued=True)]
    desk.newest = replace(authority.held(91 * DAY), advice_at=None)
    assert one.turn() == IDLE_SECONDS
    assert authority.called == []
    assert desk.orders == 0


# With what it fails; after what time it is asked again.
UNADVISED = {
    "away": (AwayError("no route"), ADVICE_PAUSE),
    "refused": (RefusedError("no such certificate"), ADVICE_PAUSE),
    "too often": (RefusedError("429", 180 * MINUTE), 180 * MINUTE),
}


@pytest.mark.parametrize("case", UNADVISED)
def test_advice_that_is_not_given_is_asked_for_again_later(
    case: str, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    error, pause = UNADVISED[case]
    authority.raises["advise"] = error
    desk.newest = before = replace(authority.held(30 * DAY), advised=True, advice_at=None)
    assert [one.turn(), one.turn()] == [IDLE_SECONDS, IDLE_SECONDS]
    assert authority.called == ["advise"]
    assert desk.newest == replace(before, advice_at=NOW + pause)


def test_what_is_wrong_is_said_and_no_order_is_made(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.found = Findings(("A 192.0.2.1 answers 404", "no AAAA"), ("doubt",))
    turn_and_wait(one, desk, timedelta(seconds=10))
    assert desk.orders == 0
    assert desk.outlook.problem == "no order was made: A 192.0.2.1 answers 404; no AAAA"


def test_what_is_wrong_for_long_does_not_count_against_the_order_after_it(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.found = Findings(("A 192.0.2.1 answers 404",))
    for _ in range(MOST_REFUSALS + 1):
        turn_and_wait(one, desk, timedelta(seconds=10))
        desk.outlook = replace(desk.outlook, next_try=None)
    authority.found = Findings()
    authority.raises["place"] = AwayError("no route")
    assert one.turn() == 0
    turn_and_wait(one, desk, MINUTE)
    assert desk.ended == []


def test_what_is_doubtful_is_said_and_one_order_is_made(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.found = Findings((), ("A 192.0.2.1 does not answer", "no DNS"))
    assert one.turn() == 0
    assert desk.orders == 1
    for _ in range(2):
        one.turn()
    assert desk.ended == [("issued", "")]
    assert desk.outlook.warning == "A 192.0.2.1 does not answer; no DNS"


def test_nothing_is_tried_before_its_time(one: Issuer, desk: Desk, authority: FakeAuthority) -> None:
    desk.outlook = Outlook("it failed", failures=1, next_try=NOW + MINUTE)
    assert one.turn() == IDLE_SECONDS
    desk.order = order(authority)
    assert one.turn() == IDLE_SECONDS
    assert authority.called == []


def test_after_its_time_it_is_tried(one: Issuer, desk: Desk, authority: FakeAuthority) -> None:
    desk.outlook = Outlook("it failed", failures=1, next_try=NOW - MINUTE)
    assert one.turn() == 0
    assert desk.orders == 1


# The age of the certificate, and how long until the next attempt; whether an order begins.
MOMENTS: dict[str, tuple[timedelta, timedelta | None, bool]] = {
    "before the renewal": (60 * DAY - MINUTE, None, False),
    "at the renewal": (60 * DAY, None, True),
    "before the next attempt": (DUE, MINUTE, False),
    "at the next attempt": (DUE, timedelta(), True),
}


@pytest.mark.parametrize("case", MOMENTS)
@pytest.mark.parametrize("apart", [-1000 * DAY, timedelta(), 1000 * DAY])
def test_the_nodes_clock_does_not_matter(
    apart: timedelta, case: str, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    """Another node's says something else: both go by the database's."""
    age, wait, begins = MOMENTS[case]
    desk.now = now = datetime.now(UTC) + apart
    desk.newest = authority.held(age, now=now)
    desk.outlook = Outlook(next_try=None if wait is None else now + wait)
    one.turn()
    assert authority.called == (["look"] if begins else [])
    assert desk.orders == begins


@pytest.mark.parametrize("apart", [-1000 * DAY, timedelta(), 1000 * DAY])
@pytest.mark.parametrize("method", ["look", "place"])
def test_nor_does_it_for_the_next_attempt(
    method: str, apart: timedelta, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    desk.now = datetime.now(UTC) + apart
    desk.order = order(authority, None) if method == "place" else None
    authority.raises[method] = AwayError("no route")
    turn_and_wait(one, desk, MINUTE)
    desk.now += MINUTE
    turn_and_wait(one, desk, 2 * MINUTE)
    turns = list(authority.called)
    desk.now += MINUTE
    assert one.turn() == IDLE_SECONDS
    assert authority.called == turns


LIMIT = Limit(1, 7 * DAY, issued=True, what="certificates in a week")


def test_a_rate_limit_is_not_run_into(one: Issuer, desk: Desk, authority: FakeAuthority) -> None:
    authority.limits = (LIMIT,)
    ended = NOW - DAY
    desk.past = [Past(ended, issued=True)]
    assert one.turn() == IDLE_SECONDS
    assert authority.called == []
    assert desk.orders == 0
    assert desk.outlook.next_try == ended + 7 * DAY
    assert desk.outlook.failures == 0
    assert desk.outlook.problem == (
        "no order is made before the authority's rate limit allows it: 1 certificates in a week"
    )


def test_a_rate_limit_does_not_keep_back_what_the_authority_advises(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.limits = (LIMIT,)
    desk.past = [Past(NOW - DAY, issued=True)]
    desk.newest = replace(authority.held(DUE), advised=True)
    assert one.turn() == 0
    assert desk.orders == 1


# Where it fails; with what; how often it failed before; the pause.
FAILURES: dict[str, tuple[str, ServiceError, int, timedelta]] = {
    "at the look": ("look", AwayError("no route"), 0, MINUTE),
    "at the look, again": ("look", AwayError("no route"), 3, 8 * MINUTE),
    "at the look, for long": ("look", AwayError("no route"), 20, 60 * MINUTE),
    "at the order": ("place", AwayError("no route"), 0, MINUTE),
    "at the order, refused": ("place", RefusedError("no such profile"), 2, 4 * MINUTE),
    "at the order, too often": ("place", RefusedError("429", timedelta(hours=3)), 0, 180 * MINUTE),
    "at the challenge": ("advance", RefusedError("HTTP 500"), 1, 2 * MINUTE),
    "at the hook": ("advance", HookError("it ended with code 1"), 0, MINUTE),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_is_said_and_tried_again_later(
    case: str, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    method, error, failures, pause = FAILURES[case]
    authority.raises[method] = error
    desk.outlook = Outlook("it failed", failures=failures)
    desk.order = {"look": None, "place": order(authority, None), "advance": order(authority)}[method]
    before = desk.order
    turn_and_wait(one, desk, pause)
    assert desk.order == before
    assert desk.ended == []
    assert desk.outlook.problem == str(error)


def test_with_little_life_left_it_is_tried_more_often(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.raises["look"] = AwayError("no route")
    desk.outlook = Outlook(failures=9)
    desk.newest = authority.held(90 * DAY - timedelta(hours=2))
    with capture_logs() as said:
        turn_and_wait(one, desk, 12 * MINUTE)
    assert [each["event"] for each in said] == ["not renewed yet"]


AWAY, REFUSED, LATER = AwayError("no route"), RefusedError("no such order"), RefusedError("429", 3 * MINUTE)
HOOK = HookError("it ended with code 1")

# With what the steps of one order fail; all but the last are borne. Whether the last one is borne, too.
BORNE: dict[str, tuple[list[ServiceError], bool]] = {
    "refused some times": ([REFUSED] * MOST_REFUSALS, True),
    "refused too often": ([REFUSED] * (MOST_REFUSALS + 1), False),
    "away for long": ([AWAY] * 30, True),
    "told to wait for long": ([LATER] * 30, True),
    "a hook that fails for long": ([HOOK] * 30, True),
    "away for long, and then refused": ([*[AWAY, LATER, HOOK] * 10, REFUSED], True),
    "refused some times, and then away": ([*[REFUSED] * MOST_REFUSALS, *[AWAY, LATER, HOOK] * 10], True),
    "refused too often, with others in between": ([*[REFUSED, AWAY] * MOST_REFUSALS, REFUSED], False),
}


@pytest.mark.parametrize("case", BORNE)
def test_an_order_is_dropped_after_some_refusals_and_after_nothing_else(
    case: str, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    errors, borne = BORNE[case]
    desk.order = order(authority)
    for error in errors:
        assert desk.ended == []
        authority.raises["advance"] = error
        assert one.turn() == IDLE_SECONDS
        assert desk.outlook.problem == str(error)
        desk.outlook = replace(desk.outlook, next_try=None)
    assert desk.ended == ([] if borne else [("dropped", "no such order")])
    assert authority.called[-1] == ("advance" if borne else "tidy")


def test_the_pause_after_the_last_refusal_goes_on_doubling(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.raises["advance"] = REFUSED
    desk.order = order(authority)
    for failures in range(MOST_REFUSALS + 1):
        turn_and_wait(one, desk, 2**failures * MINUTE)
        desk.outlook = replace(desk.outlook, next_try=None)
    assert (desk.ended, desk.outlook.failures) == ([("dropped", "no such order")], MOST_REFUSALS + 1)


def test_refusals_of_one_order_do_not_count_against_the_next(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.raises["advance"] = REFUSED
    for number in range(2):
        desk.order = replace(order(authority), id=number)
        for _ in range(MOST_REFUSALS):
            assert one.turn() == IDLE_SECONDS
            desk.outlook = replace(desk.outlook, next_try=None)
    assert desk.ended == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(InvalidError("vote.example.org: 404"), "invalid"), (ForgottenError("no such order"), "dropped")],
    ids=["invalid", "forgotten"],
)
def test_an_order_that_is_of_no_use_any_more_is_ended_at_once_and_the_next_one_is_made_later(
    error: ServiceError, outcome: str, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.raises["advance"] = error
    desk.order = order(authority)
    turn_and_wait(one, desk, MINUTE)
    assert desk.ended == [(outcome, str(error))]
    assert authority.called == ["advance", "tidy"]
    assert (desk.outlook.problem, desk.outlook.failures) == (str(error), 1)
    desk.outlook = replace(desk.outlook, next_try=None)
    assert [one.turn(), one.turn()] == [0, 0]
    turn_and_wait(one, desk, 2 * MINUTE)


def test_an_order_that_is_not_finished_for_long_is_said_and_asked_for_more_rarely(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.waits = MOST_LOOKS + 2
    desk.order = order(authority)
    assert [one.turn() for _ in range(MOST_LOOKS)] == [BUSY_SECONDS] * MOST_LOOKS
    assert desk.outlook == Outlook()
    for _ in range(2):
        turn_and_wait(one, desk, MINUTE)
        assert desk.outlook.problem == "the authority has not finished the order yet"
        desk.now += MINUTE
    assert one.turn() == 0
    assert desk.ended == [("issued", "")]
    assert not desk.outlook.problem


def test_an_error_without_a_word_is_shown_too(one: Issuer, desk: Desk, authority: FakeAuthority) -> None:
    authority.raises["advance"] = RefusedError("")
    desk.order = order(authority)
    one.turn()
    assert desk.outlook.problem == "RefusedError"


def test_a_certificate_for_more_names_is_the_one_that_was_ordered(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.signed = (*NAMES, "www.example.org")
    desk.order = order(authority)
    assert one.turn() == 0
    assert desk.newest is not None
    assert desk.newest.certificate.names == NAMES


# What is issued instead of a chain; for which names; what is said.
STRANGE = {
    "a page": ("<html>", NAMES, "what was issued is no certificate: "),
    "a name is missing": ("", NAMES[:1], "what was issued is not for vote.example.org"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_what_was_not_ordered_is_not_stored(
    case: str, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.chain, authority.signed, said = STRANGE[case]
    desk.order = order(authority)
    turn_and_wait(one, desk, MINUTE)
    assert desk.newest is None
    assert desk.outlook.problem.startswith(said)


@pytest.mark.parametrize("error", [AwayError("no route"), HookError("it ended with code 1")])
def test_what_cannot_be_taken_down_does_not_keep_the_certificate_back(
    error: ServiceError, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.raises |= {"tidy": error, "caa": AwayError("no route")}
    desk.order = order(authority)
    with capture_logs() as said:
        assert one.turn() == 0
    assert desk.ended == [("issued", "")]
    assert desk.outlook.caa == ""
    still = "what was put up for an order is still there"
    assert [each["event"] for each in said] == ["certificate issued", still]


# What the last step brings; how the order ends.
ENDS: dict[str, tuple[ServiceError | None, tuple[str, str]]] = {
    "a certificate": (None, ("issued", "")),
    "none": (InvalidError("vote.example.org: 404"), ("invalid", "vote.example.org: 404")),
}


@pytest.mark.parametrize("case", ENDS)
@pytest.mark.parametrize("error", [LeaseLostError("another copy"), DatabaseAwayError("no route"), None])
def test_who_loses_the_lease_while_tidying_has_written_everything(
    error: ServiceError | None, case: str, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    raised, ended = ENDS[case]
    authority.raises |= {"advance": raised} if raised else {}
    authority.raises |= {"tidy": error} if error else {}
    authority.meanwhile["tidy"] = desk.lose
    desk.order = order(authority)
    one.turn()
    assert desk.lost
    assert desk.ended == [ended]
    assert desk.outlook.problem == (str(raised) if raised else "")
    assert (desk.newest is None) == (raised is not None)


def test_who_has_lost_the_lease_writes_nothing(one: Issuer, desk: Desk, authority: FakeAuthority) -> None:
    desk.order = order(authority)
    desk.lost = True
    with pytest.raises(LeaseLostError):
        one.turn()
    assert desk.ended == []
    assert desk.newest is None


@pytest.mark.parametrize("method", ["look", "place", "advance"])
@pytest.mark.parametrize("error", [DatabaseAwayError("no route"), LeaseLostError("another copy")])
def test_the_database_and_the_lease_are_not_the_authoritys_failure(
    method: str, error: ServiceError, one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    authority.raises[method] = error
    desk.order = {"look": None, "place": order(authority, None), "advance": order(authority)}[method]
    with pytest.raises(type(error)):
        one.turn()
    assert desk.outlook == Outlook()


def test_short_lives_are_renewed_at_half(desk: Desk) -> None:
    short = FakeAuthority(6 * DAY)
    one = Issuer(short, NAMES, desk)
    for _ in range(3):
        one.turn()
    assert desk.newest is not None
    made = desk.newest.certificate
    assert desk.newest.renew_at == made.not_before + (made.not_after - made.not_before) / 2


def test_what_people_read_is_about_these_names_at_once(
    one: Issuer, desk: Desk, authority: FakeAuthority
) -> None:
    """Also where nothing is to be done: another authority's problem is not shown any more."""
    while desk.newest is None:
        one.turn()
    desk.outlook, desk.outlook_is_of_others = Outlook("another authority's problem", failures=3), True
    one.turn()
    assert desk.outlook == Outlook()
