"""While servers that know no TLS are replaced, it is used where both ends can; the next `up` demands it."""

from typing import Any

import pytest

from deployment.plan.release import inside
from deployment.plan.release.inside import DEMANDED, MODE, OFFERED, QUEUE, Server
from deployment.plan.release.release import Release

TODAY = Release((), {}, {"INSIDE_CA_SECRET": "ours", MODE: DEMANDED})
BEFORE = Release((), {}, {})
KNOWS_NONE, OFFERS, DEMANDS = (
    Server("", demands=False),
    Server("ours", demands=False),
    Server("ours", demands=True),
)
OTHERS = Server("theirs", demands=True)


@pytest.mark.parametrize(
    ("running", "mode"),
    [
        ([], DEMANDED),
        ([DEMANDS, DEMANDS], DEMANDED),
        ([OFFERS, OFFERS], DEMANDED),
        ([OFFERS, DEMANDS], DEMANDED),
        ([KNOWS_NONE], OFFERED),
        ([OFFERS, KNOWS_NONE], OFFERED),  # an update that was cut short
        ([OTHERS], OFFERED),
    ],
)
def test_tls_is_demanded_once_everybody_has_it(running: list[Server], mode: str) -> None:
    assert inside.agreed(TODAY, running).variables[MODE] == mode


def test_a_release_of_before_stays_as_it_was() -> None:
    assert inside.agreed(BEFORE, [DEMANDS]) == BEFORE


@pytest.mark.parametrize(
    ("release", "running", "deaf"),
    [
        (BEFORE, [DEMANDS, OFFERS], True),
        (BEFORE, [OFFERS, KNOWS_NONE], False),
        (BEFORE, [], False),
        (TODAY, [DEMANDS], False),
    ],
)
def test_nobody_goes_back_to_servers_that_would_not_be_heard(
    release: Release, running: list[Server], deaf: bool
) -> None:
    assert inside.deaf(release, running) == deaf


@pytest.mark.parametrize(
    ("container", "server"),
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
def test_what_a_service_was_told_is_read(container: dict[str, Any], server: Server) -> None:
    configs = [{"File": {"Name": path}, "ConfigName": name} for path, name in container.get("Configs", [])]
    api = {"Spec": {"TaskTemplate": {"ContainerSpec": container | {"Configs": configs}}}}
    assert inside.of_specification(api) == server


@pytest.mark.parametrize(
    ("asked", "running", "speaks"),
    [
        ("", [], "yes"),
        ("", [KNOWS_NONE, OFFERS], "no"),
        ("", [DEMANDS], "yes"),
        ("", [DEMANDS, KNOWS_NONE], "yes"),  # a change that was cut short
        ("yes", [KNOWS_NONE], "yes"),
        ("no", [DEMANDS], "no"),
    ],
)
def test_a_queue_goes_on_as_it_does_until_it_is_asked_to_change(
    asked: str, running: list[Server], speaks: str
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
    speaks: str | None, running: list[Server], turned: str
) -> None:
    release = Release((), {}, {QUEUE: speaks} if speaks else {})
    assert inside.turned(release, running) == turned
