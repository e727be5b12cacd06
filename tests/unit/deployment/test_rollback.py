"""`rollback` refuses a release that cannot be what it was."""

from typing import cast

import pytest
from docker import DockerClient

from deployment.configuration.settings import Settings
from deployment.engine.swarm.credentials import FORMER, MADE
from deployment.errors import DeployError
from deployment.operations.rollback import Available
from deployment.operations.runner.site import Site
from deployment.plan.release.release import Release
from deployment.progress import Progress

SECTIONS = "services: {}\nsecrets: {tls_certificate: {external: true}, tls_key: {external: true}}"
VARIABLES = {"VOTE_HOST": "vote.a.org", "RESULT_HOST": "result.a.org"}
BEFORE = Release(("stack.yaml",), {"stack.yaml": SECTIONS}, VARIABLES)


def site(*secrets: str) -> Site:
    made = Site(Settings(), Progress(quiet=True), cast(DockerClient, "an engine"), lambda _: BEFORE)
    vars(made).update(secrets={key: f"vote-app_{key}" for key in secrets}, specifications=[])
    return made


def test_a_release_of_before_comes_back_with_what_it_showed() -> None:
    Available().require(site(*MADE, *FORMER))


def test_without_what_it_showed_it_does_not_come_back() -> None:
    with pytest.raises(DeployError, match=r"vote\.a\.org and result\.a\.org that is gone \(tls_key\)"):
        Available().require(site(*MADE, "tls_certificate"))
