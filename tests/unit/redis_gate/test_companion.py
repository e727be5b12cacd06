"""What a data node's container takes is told to whoever asks, one after the other."""

import socket
import threading

import pytest

from kit.exposition import scrape
from redis_gate import cgroup, companion
from redis_gate.cgroup import Usage

MEMORY = "# TYPE vote_app_cgroup_memory_bytes gauge\nvote_app_cgroup_memory_bytes 3500\n"
LIMIT = "# TYPE vote_app_cgroup_memory_limit_bytes gauge\nvote_app_cgroup_memory_limit_bytes 9000\n"
CPU = "# TYPE vote_app_cgroup_cpu_seconds_total counter\nvote_app_cgroup_cpu_seconds_total 2.5\n"


@pytest.mark.parametrize(
    ("usage", "text"),
    [
        (Usage(3500, 9000, 2.5), MEMORY + LIMIT + CPU),
        (Usage(3500, None, 2.5), MEMORY + CPU),
        (Usage(None, None, None), ""),
    ],
)
def test_what_nobody_says_is_no_metric(usage: Usage, text: str) -> None:
    assert companion.text(usage) == text


def test_prometheus_reads_it_also_beside_somebody_who_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "read", lambda: Usage(3500, 9000, 2.5))
    monkeypatch.setattr(companion, "ANSWER_SECONDS", 0.2)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=companion.serve, args=(listener,), daemon=True).start()
    port = listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as silent:
        said = scrape(port)
        assert silent.recv(10) == b""
    assert said == {
        "vote_app_cgroup_memory_bytes": 3500,
        "vote_app_cgroup_memory_limit_bytes": 9000,
        "vote_app_cgroup_cpu_seconds_total": 2.5,
    }
