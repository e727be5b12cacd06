from http import HTTPStatus
from typing import cast

import pytest

from postgres_ha import election
from postgres_ha.agent import Agent
from postgres_ha.ballot import Candidacy
from postgres_ha.election import ElectionError, candidacy_to_json
from postgres_ha.node import Node
from postgres_ha.position import Position

BALLOT = candidacy_to_json(Candidacy("postgres-2", 7, Position(6, 1000)))


@pytest.fixture
def agent() -> Agent:
    return Agent(cast(Node, object()))


@pytest.mark.parametrize(
    "path", ["/ballot", "/campaign", "/promotion", "/following", "/farewell", "/override"]
)
def test_nothing_changes_without_the_token(agent: Agent, path: str) -> None:
    assert agent.answer(path, authorised=False, body={})[0] is HTTPStatus.UNAUTHORIZED


def test_a_given_vote_is_a_success(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(election, "vote", lambda node, candidacy: None)
    assert agent.answer("/ballot", authorised=True, body=BALLOT)[0] is HTTPStatus.OK


def test_a_refused_vote_says_why(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(node: Node, candidacy: Candidacy) -> None:
        raise ElectionError("newer")

    monkeypatch.setattr(election, "vote", refuse)
    answer = agent.answer("/ballot", authorised=True, body=BALLOT)
    assert answer == (HTTPStatus.CONFLICT, {"error": "newer"})


def test_a_malformed_request_is_not_a_vote(agent: Agent) -> None:
    status, _ = agent.answer("/ballot", authorised=True, body={"term": 7})
    assert status is HTTPStatus.BAD_REQUEST


def test_an_unknown_route_is_named(agent: Agent) -> None:
    assert agent.answer("/nothing", authorised=True, body={})[0] is HTTPStatus.NOT_FOUND
