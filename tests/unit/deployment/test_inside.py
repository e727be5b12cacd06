"""While servers that know no TLS are replaced, it is used where both ends can; the next `up` demands it."""

from typing import Any

import pytest

from deployment.plan.release import inside
from deployment.plan.release.inside import DEMANDED, MODE, OFFERED, Server
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
