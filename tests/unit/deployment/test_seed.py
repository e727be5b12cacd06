"""Made-up votes get into a stack of one's own only, through an edge that is here."""

from typing import cast

import pytest
from docker import DockerClient

from deployment.engine.pages import Edge
from deployment.errors import DeployError
from deployment.operations.votes import seed
from deployment.plan.release import entrance
from deployment.plan.release.entrance import Entrance
from deployment.progress import Progress

HERE = Edge("node-1", "192.0.2.1", here=True)


def way(vote: str, result: str, *, local: bool = True) -> Entrance:
    return Entrance({"vote": vote, "result": result}, 8443, local)


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("vote.localhost", False),
        ("localhost", False),
        ("vote.local", False),
        ("vote.shop.test", False),
        ("vote.corp.internal", False),
        ("vote.example", False),
        ("vote.example.org", True),
        ("vote.localhost.org", True),
        ("notlocal", True),
        ("my-test", True),
        ("192.0.2.7", True),
        ("127.0.0.1", True),
        ("2001:db8::7", True),
    ],
)
def test_a_public_name(host: str, public: bool) -> None:
    assert entrance.is_public(host) is public


@pytest.mark.parametrize(
    ("found", "public"),
    [
        (way("https://vote.localhost/", "https://result.localhost:8443/"), False),
        (way("https://vote.localhost/", "https://result.localhost/", local=False), True),
        (way("https://vote.localhost/", "https://result.example.org/"), True),
        (way("https://192.0.2.7/vote/", "https://192.0.2.7/result/"), True),
        (way("https://voting.test/vote/", "https://voting.test/result/"), False),
    ],
)
def test_a_public_stack_is_left_alone(found: Entrance, public: bool) -> None:
    assert found.public is public
    if public:
        with pytest.raises(DeployError, match="Strangers vote here") as refused:
            seed.require_private(found)
        assert "--yes" in refused.value.remedy
    else:
        seed.require_private(found)


def test_no_vote_gets_into_a_public_stack_unless_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_edge(*_: object) -> Edge:
        raise LookupError

    public = way("https://vote.example.org/", "https://result.example.org/")
    monkeypatch.setattr(seed, "entrance", lambda _: public)
    monkeypatch.setattr(seed, "edge", no_edge)
    client = cast(DockerClient, None)
    with pytest.raises(DeployError, match="Strangers vote here"):
        seed.seed(client, Progress(quiet=True), 1, None, yes=False)
    with pytest.raises(LookupError):
        seed.seed(client, Progress(quiet=True), 1, None, yes=True)


def test_both_pages_are_asked_by_their_names_at_the_edge() -> None:
    vote, result = seed.doors(way("https://vote.localhost/", "https://result.localhost/"), HERE)
    assert (vote.url, vote.address, vote.port) == ("https://vote.localhost/", "192.0.2.1", 8443)
    assert (result.url, result.address, result.port) == ("https://result.localhost/", "192.0.2.1", 8443)
    assert vote.trust
