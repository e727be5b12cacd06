"""What the chart does not render: what would weaken the promise, and what it does not know."""

import base64

import pytest

from kit.chart import Manifest, of_kind, render, template


@pytest.mark.parametrize(
    "option",
    [
        "redis.replicas=1",
        "sentinel.replicas=2",
        "postgres.instances=2",
        "postgres.synchronous.dataDurability=preferred",
        "redisProxy.replicas=1",
        "vote.replicas=1",
        "result.replicas=1",
        "worker.replicas=1",
        "redis.maxmemoryMegabytes=64",
        "networkPolicies.enabled=false",
        "ingress.controllerNamespace=",
        "apiServer.cidrs={api.example.org}",
        "apiServer.ports={}",
        "images.digests.vote=latest",
        "images.digests.traefik=sha256:" + "0" * 64,
        "seed.choices={A}",
        "vote.memory=much",
        "votes.host=vote.example.org",
    ],
)
def test_a_value_that_is_unknown_or_weakens_the_promise_is_refused(option: str) -> None:
    refused = template("--set", option)
    assert refused.returncode != 0
    assert "values don't meet the specifications of the schema" in refused.stderr
    assert option.partition(".")[0] in refused.stderr


def test_an_upgrade_that_cannot_see_the_passwords_makes_no_new_ones() -> None:
    refused = template("--is-upgrade")
    assert refused.returncode != 0
    assert "an upgrade makes no new passwords" in refused.stderr


NAMED = ("secrets.services=ours", "secrets.databaseWorker=worker", "secrets.databaseResult=result")


def test_an_upgrade_goes_on_with_secrets_that_somebody_else_made() -> None:
    options = [word for option in NAMED for word in ("--set", option)]
    assert of_kind(render("--is-upgrade", *options), "Secret") == []


def passwords(manifests: list[Manifest]) -> list[str]:
    secrets = of_kind(manifests, "Secret")
    found = [value for secret in secrets for key, value in secret["data"].items() if key != "username"]
    return [base64.b64decode(value).decode() for value in found]


def test_every_password_is_long_its_own_and_new() -> None:
    first, second = passwords(render()), passwords(render())
    assert all(len(password) == 48 and password.isalnum() for password in first)
    assert len(set(first + second)) == len(first) + len(second) == 22
