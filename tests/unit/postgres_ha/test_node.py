"""What a node makes of the end of a primary."""

from dataclasses import replace
from pathlib import Path

import pytest

from postgres_ha import tls
from postgres_ha.database import DatabaseError
from postgres_ha.election import ElectionError
from postgres_ha.node import Node
from postgres_ha.settings import Secrets, Settings
from postgres_ha.state import Data, NodeState, Role
from postgres_ha.supervisor import retry_seconds

NODES = ("postgres-1", "postgres-2", "postgres-3")
PRIMARY = NodeState("postgres-2", role=Role.PRIMARY, data=Data.USABLE, open=True, epoch=3)


@pytest.fixture
def settings(tls_environment: dict[str, str], tmp_path: Path) -> Settings:
    return Settings("postgres-3", NODES, Secrets(*"abcdefghi"), tls.load(tls_environment), tmp_path, tmp_path)


def test_the_loss_of_a_primary_is_over_when_another_leads(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(settings)
    heard: dict[str, NodeState | None] = {"postgres-1": None, "postgres-2": replace(PRIMARY, open=False)}
    monkeypatch.setattr(node.peers, "states", lambda: heard)
    node.bereave("postgres-1")
    assert node.alarm.is_set()
    assert node.view().bereaved
    heard["postgres-2"] = PRIMARY
    assert not node.view().bereaved
    heard["postgres-2"] = None
    assert not node.view().bereaved


def test_two_that_refused_each_other_do_not_ask_together_again(settings: Settings) -> None:
    asked = [retry_seconds(ElectionError("busy"), replace(settings, node=node)) for node in NODES]
    assert len(set(asked)) == len(NODES)
    assert {retry_seconds(DatabaseError("refused"), replace(settings, node=node)) for node in NODES} == {2.0}
