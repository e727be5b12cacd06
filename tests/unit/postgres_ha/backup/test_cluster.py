"""What the runner learns of the database while nodes of it are away."""

from datetime import time
from pathlib import Path
from typing import Any

import pytest

from postgres_ha import tls
from postgres_ha.agents import GoneError, States
from postgres_ha.backup.cluster import Agents
from postgres_ha.backup.store import Settings

NODES = ("postgres-1", "postgres-2", "postgres-3")


@pytest.mark.parametrize("error", [GoneError("refused"), TimeoutError("silent"), ValueError("no JSON")])
def test_the_nodes_that_answer_are_enough(
    tls_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def ask(_self: States, node: str, _seconds: float) -> dict[str, Any]:
        if node == "postgres-1":
            raise error
        return {"node": node, "open": node == "postgres-2", "epoch": 1, "timelines": [[7, 0]]}

    monkeypatch.setattr(States, "ask", ask)
    agents = Agents(Settings(NODES, time(3), "key", None, tls.load(tls_environment), tmp_path, "token"))
    assert [state["node"] for state in agents.states()] == ["postgres-2", "postgres-3"]
    assert agents.look().timeline == 7
