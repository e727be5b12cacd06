"""While servers that know no TLS are replaced, it is used where both ends can; the next `up` demands it."""

from typing import Any

import pytest

from deployment.configuration.settings import Settings
from deployment.operations import up
from deployment.operations.runner.site import Site
from deployment.plan.release import inside
from deployment.plan.release.inside import DEMANDED, MODE, OFFERED, QUEUE, Told
from deployment.plan.release.release import Release
from deployment.progress import Progress

STACK = """
services:
  postgres-1: {image: p, environment: {PGSSLMODE: x}}
  observer: {image: o, environment: {PGSSLMODE: x}}
  vote: {image: v}
"""
TODAY = Release(("stack",), {"stack": STACK}, {"INSIDE_CA_SECRET": "ours", MODE: DEMANDED})
BEFORE = Release((), {}, {})
KNOWS_NONE, OFFERS, DEMANDS = (
    Told("", demands=False),
    Told("ours", demands=False),
    Told("ours", demands=True),
)
OTHERS = Told("theirs", demands=True)


@pytest.mark.parametrize(
    ("running", "mode"),
    [
        ({}, DEMANDED),
        ({"postgres-1": DEMANDS, "observer": DEMANDS}, DEMANDED),
        ({"postgres-1": OFFERS, "observer": OFFERS}, DEMANDED),
        ({"postgres-1": OFFERS, "observer": DEMANDS}, DEMANDED),
        ({"postgres-1": OFFERS, "vote": KNOWS_NONE}, DEMANDED),
        ({"postgres-1": KNOWS_NONE, "observer": KNOWS_NONE}, OFFERED),
        # An update that was cut short.
        ({"postgres-1": OFFERS, "observer": KNOWS_NONE}, OFFERED),
    ],
)
def test_tls_is_demanded_once_all_who_talk_to_the_database_have_it(
    running: dict[str, Told], mode: str
) -> None:
    assert inside.agreed(TODAY, running).variables[MODE] == mode


def test_a_release_of_before_stays_as_it_was() -> None:
    assert inside.agreed(BEFORE, {"postgres-1": DEMANDS}) == BEFORE


@pytest.mark.parametrize(
    ("release", "running", "unheard"),
    [
        (BEFORE, [DEMANDS, OFFERS], True),
        (BEFORE, [OFFERS, KNOWS_NONE], False),
        (BEFORE, [], False),
        (TODAY, [DEMANDS], False),
        (TODAY, [OTHERS], True),
    ],
)
def test_nobody_goes_back_to_servers_that_would_not_be_heard(
    release: Release, running: list[Told], unheard: bool
) -> None:
    assert inside.unheard(release, running) == unheard


@pytest.mark.parametrize(
    ("container", "told"),
    [
        ({}, KNOWS_NONE),
        ({"Env": ["PGSSLMODE=prefer"], "Configs": [("/etc/ssl/inside_ca.pem", "ours")]}, OFFERS),
        (
            {
                "Env": ["A=1", "PGSSLMODE=verify-full"],
                "Configs": [("/other", "x"), ("/etc/ssl/inside_ca.pem", "ours")],
            },
            DEMANDS,
        ),
    ],
)
def test_what_a_service_was_told_is_read(container: dict[str, Any], told: Told) -> None:
    configs = [{"File": {"Name": path}, "ConfigName": name} for path, name in container.get("Configs", [])]
    api = {"Spec": {"TaskTemplate": {"ContainerSpec": container | {"Configs": configs}}}}
    assert inside.of_specification(api) == told


@pytest.mark.parametrize(
    ("asked", "running", "speaks"),
    [
        ("", [], "no"),
        ("", [KNOWS_NONE, OFFERS], "no"),
        ("", [DEMANDS], "yes"),
        ("", [DEMANDS, KNOWS_NONE], "yes"),  # a change that was cut short
        ("yes", [KNOWS_NONE], "yes"),
        ("no", [DEMANDS], "no"),
    ],
)
def test_a_queue_goes_on_as_it_does_until_it_is_asked_to_change(
    asked: str, running: list[Told], speaks: str
) -> None:
    assert inside.queue(asked, running) == speaks


@pytest.mark.parametrize(
    ("speaks", "running", "turned"),
    [
        ("yes", [], ""),
        ("yes", [DEMANDS, DEMANDS], ""),
        ("yes", [DEMANDS, KNOWS_NONE], "the queue changes to TLS"),
        ("no", [KNOWS_NONE, OFFERS], ""),
        ("no", [DEMANDS], "the queue changes to plain connections"),
        (None, [DEMANDS], "the queue changes to plain connections"),
        (None, [KNOWS_NONE], ""),
    ],
)
def test_a_queue_that_changes_changes_as_a_whole(
    speaks: str | None, running: list[Told], turned: str
) -> None:
    release = Release((), {}, {QUEUE: speaks} if speaks else {})
    assert inside.turned(release, running) == turned


@pytest.mark.parametrize(("running", "told"), [("", True), ("ours", False)])
def test_up_wants_what_it_can_roll_out_and_says_when_that_is_not_all(running: str, told: bool) -> None:
    site = Site(Settings(), Progress(quiet=True), None, lambda _: TODAY)
    container = {"Configs": [{"File": {"Name": inside.AUTHORITY_FILE}, "ConfigName": running}]}
    service = {"Spec": {"Name": "vote-app_postgres-1", "TaskTemplate": {"ContainerSpec": container}}}
    vars(site)["specifications"] = [service]
    assert site.require_wanted().variables[MODE] == (OFFERED if told else DEMANDED)
    assert up.plain(site) == ([inside.NOT_DEMANDED] if told else [])
