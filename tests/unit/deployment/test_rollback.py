"""`rollback` refuses a release that cannot be what it was."""

from typing import cast

import pytest
from docker import DockerClient

from deployment.configuration.settings import Settings
from deployment.engine.secrets.credentials import FORMER, MADE
from deployment.errors import DeployError
from deployment.operations.rollback import Available
from deployment.operations.runner.site import Site
from deployment.plan.release.release import Release
from deployment.plan.release.rotation import Version
from deployment.progress import Progress

SECTIONS = "services: {}\nsecrets: {tls_certificate: {external: true}, tls_key: {external: true}}"
VARIABLES = {"VOTE_HOST": "vote.a.org", "RESULT_HOST": "result.a.org"}
BEFORE = Release(("stack.yaml",), {"stack.yaml": SECTIONS}, VARIABLES)


def site(*secrets: str) -> Site:
    made = Site(Settings(), Progress(quiet=True), cast(DockerClient, "an engine"), lambda _: BEFORE)
    vars(made).update(secrets={key: f"vote-app_{key}" for key in secrets}, specifications=[], versions={})
    return made


def test_a_release_of_before_comes_back_with_what_it_showed() -> None:
    Available().require(site(*MADE, *FORMER))


def test_without_what_it_showed_it_does_not_come_back() -> None:
    with pytest.raises(DeployError, match=r"vote\.a\.org and result\.a\.org that is gone \(tls_key\)"):
        Available().require(site(*MADE, "tls_certificate"))


@pytest.mark.parametrize(
    ("key", "stages", "knows", "words"),
    [
        ("probe_key", ["", "accepted"], "", "change of probe_key is under way"),
        ("probe_key", ["", "accepted"], "probe_key_other", None),
        ("probe_key", ["", "accepted"], "voter_cookie_key_other", "change of probe_key is under way"),
        ("probe_key", [""], "", None),
        ("voter_cookie_key", ["", "sent"], "", "change of voter_cookie_key is under way"),
        ("voter_cookie_key", ["", "kept"], "", "would count them twice"),
        ("voter_cookie_key", ["", "kept"], "voter_cookie_key_other", None),
        # Somebody has removed the one before.
        ("voter_cookie_key", ["kept"], "", None),
    ],
)
def test_a_release_that_knows_one_value_does_not_come_back_where_two_are_needed(
    key: str, stages: list[str], knows: str, words: str | None
) -> None:
    target = Release(
        ("stack.yaml",), {"stack.yaml": "services: {}"}, VARIABLES | {f"{knows.upper()}_SECRET": "a"}
    )
    made = site(*MADE)
    vars(made).update(
        versions={key: [Version(f"{n}", f"2026-0{n + 1}", stage) for n, stage in enumerate(stages)]},
        frozen=target,
    )
    if words is None:
        Available().require(made)
    else:
        with pytest.raises(DeployError, match=words):
            Available().require(made)
