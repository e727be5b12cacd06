"""The stack that is up is watched, tells of trouble, and is watched no longer; nothing else is restarted."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deployment.configuration.layout import STACK
from deployment.engine.images import grafana
from kit import dashboards
from kit.local import LATE_ANSWER_SECONDS, LocalStack, running, verb
from kit.waiting import wait_until
from swarm.prometheus import ask

TARGETS_SECONDS = 120
# What is asked every fifteen seconds, held for a minute, looked at every fifteen, and grouped for ten.
ALERT_SECONDS = 180
STOPPED_SECONDS = 60
WATCHING = {
    *("alertmanager", "prometheus"),
    *("node-exporter", "postgres-exporter", "redis-exporter", "swarm-exporter"),
    "prober",
}
# A rate needs two answers, each after fifteen seconds.
DATA_SECONDS = 180
# As `htpasswd -nB admin` prints it.
ACCOUNT = "admin:$2y$05$vZDUhAC9vJZYQsWnQDC1G.43HYbVA93WJxeMTxt5T7o3ivoHi0GrO\n"
# One machine has one of each but these.
JOBS = {
    **dict.fromkeys(("vote", "result", "worker", "redis-proxy", "pgpool"), 2),
    **dict.fromkeys(("observer", "traefik", "alertmanager", "prometheus", "prober", "node", "swarm"), 1),
    "postgres": 3,
    **dict.fromkeys(("redis", "redis-container"), 6),
}


class Listener(ThreadingHTTPServer):
    """Who is told by a webhook; keeps which alerts fire, with when each was first heard of."""

    def __init__(self, address: str) -> None:
        super().__init__((address, 0), _Handler)
        self.heard: dict[str, float] = {}
        self.runbooks: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_port}/alerts"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for alert in told["alerts"]:
            if alert["status"] == "firing":
                self.server.heard.setdefault(alert["labels"]["alertname"], time.monotonic())
                self.server.runbooks[alert["labels"]["alertname"]] = alert["annotations"]["runbook_url"]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def local() -> LocalStack:
    return running()


@pytest.fixture(scope="module")
def listener(local: LocalStack) -> Iterator[Listener]:
    """Listen where containers reach this machine."""
    bridge = local.client.networks.get("docker_gwbridge").attrs["IPAM"]["Config"][0]["Gateway"]
    with Listener(bridge) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def before(local: LocalStack) -> dict[str, str]:
    """The containers of the stack before it is watched."""
    return containers(local)


@pytest.fixture(scope="module")
def watched(local: LocalStack, before: dict[str, str], listener: Listener) -> Iterator[LocalStack]:
    assert before
    done = verb("up", "--yes", "--monitoring", environment={"ALERT_WEBHOOK_URL": listener.url})
    assert done.returncode == 0, done.stderr
    assert "nobody will be told" not in done.stderr
    yield local
    assert verb("up", "--yes", "--no-monitoring").returncode == 0


def containers(local: LocalStack) -> dict[str, str]:
    """Return the service of every container of the stack, by its ID."""
    label = "com.docker.swarm.service.name"
    found = local.client.api.containers(filters={"label": f"com.docker.stack.namespace={STACK}"})
    return {one["Id"]: one["Labels"][label].removeprefix(f"{STACK}_") for one in found}


def jobs(local: LocalStack) -> dict[str, int]:
    """Return how many of each job answer."""
    # What it knew when it was stopped last counts for a minute.
    found = [sample["metric"]["job"] for sample in ask(local, "up == 1 and time() - timestamp(up) < 30")]
    return {job: found.count(job) for job in found}


def fresh(query: str) -> str:
    """Return a question for what is told now: what was known at the last stop counts for a minute."""
    return f"({query}) and on (job, instance) (up == 1 and time() - timestamp(up) < 30)"


def replicas(local: LocalStack, service: str) -> tuple[float | None, float | None]:
    """Return how many containers of a service are wanted, and how many run."""
    name, which = "vote_app_service_replicas", f"{{service='{service}'}}"
    desired, running = (value(local, fresh(f"{name}_{kind}{which}")) for kind in ("desired", "running"))
    return desired, running


def value(local: LocalStack, query: str) -> float | None:
    found = ask(local, query)
    return float(found[0]["value"][1]) if found else None


def expect(local: LocalStack, wanted: Mapping[str, float]) -> None:
    """Wait until each of these questions has this answer."""

    def found() -> dict[str, float | None]:
        return {query: value(local, query) for query in wanted}

    wait_until(lambda: found() == wanted, TARGETS_SECONDS, lambda: str(found()))


def test_nobody_else_is_restarted(watched: LocalStack, before: dict[str, str]) -> None:
    now = containers(watched)
    assert now.items() >= before.items()
    assert {now[each] for each in now.keys() - before.keys()} == WATCHING
    watched.wait_healthy(LATE_ANSWER_SECONDS)


# First, as the others need what is told by then.
def test_an_operator_is_told_before_anybody_has_lost_a_vote(
    watched: LocalStack, listener: Listener, record_testsuite_property: Any
) -> None:
    """No worker runs, and votes wait; then all is well again."""
    worker = watched.client.services.get(f"{STACK}_worker")
    worker.scale(0)
    try:
        wait_until(lambda: "worker" not in containers(watched).values(), STOPPED_SECONDS)
        began = time.monotonic()
        verb("seed", "--votes", "5")  # they are queued, and not stored
        wait_until(lambda: "QueueStuck" in listener.heard, ALERT_SECONDS, lambda: str(listener.heard))
        wait_until(
            lambda: (replicas(watched, "worker"), replicas(watched, "vote")) == ((0, 0), (2, 2)),
            TARGETS_SECONDS,
            lambda: f"{replicas(watched, 'worker')}, {replicas(watched, 'vote')}",
        )
    finally:
        worker.reload()
        worker.scale(2)
        watched.wait_healthy()
    seconds = round(listener.heard["QueueStuck"] - began)
    record_testsuite_property("seconds until QueueStuck was heard", seconds)
    assert listener.runbooks["QueueStuck"].endswith("docs/runbooks/QueueStuck.md")


def test_everybody_is_asked(watched: LocalStack) -> None:
    wait_until(lambda: jobs(watched) == JOBS, TARGETS_SECONDS, lambda: str(jobs(watched)))


def test_what_prometheus_knows_is_what_status_says(watched: LocalStack) -> None:
    stored = watched.status()["votes"]["stored"]
    wait_until(lambda: value(watched, "max(vote_app_votes_stored)") == stored, TARGETS_SECONDS)
    expect(
        watched,
        {
            "max(vote_app_cluster_followers{cluster='postgres'})": 2,
            "count(pg_up == 1)": 3,
            "count(redis_up == 1)": 6,
            fresh("vote_app_nodes{state='ready'}"): 1,
            fresh("vote_app_node_ready"): 1,
        },
    )


def test_each_container_of_the_data_nodes_says_what_it_takes(watched: LocalStack) -> None:
    own = "vote_app_cgroup_memory_bytes{{job='{}'}} / vote_app_cgroup_memory_limit_bytes < 1"
    told = "max by (node) (vote_app_container_memory_bytes / vote_app_container_memory_limit_bytes) < 1"
    edge = "process_resident_memory_bytes{job='traefik'}"
    wanted = {
        f"count({fresh(own.format('redis-container'))})": 6,
        f"count({fresh(own.format('pgpool'))})": 2,
        f"count({told})": 3,
        f"count({fresh(edge)})": 1,
        f"count({fresh('vote_app_pgpool_connections')})": 2,
        f"sum({fresh('vote_app_pgpool_connections')}) > bool 0": 1,  # all may have chosen the same one
    }

    expect(watched, wanted)


def without_data(local: LocalStack, asked: list[dashboards.Query]) -> list[dashboards.Query]:
    """Return those of the dashboards' questions to which the answer is nothing, or no number."""
    silent = []
    for query in asked:
        values = [sample["value"][1] for sample in ask(local, query.expr)]
        if not values or all(value == "NaN" for value in values):
            silent.append(query)
    return silent


def test_every_question_of_the_dashboards_has_an_answer(
    watched: LocalStack, record_testsuite_property: Any
) -> None:
    left = dashboards.queries()
    total = len(left)

    def answered() -> bool:
        nonlocal left
        verb("seed", "--votes", "20")  # without votes their times are no numbers
        left = without_data(watched, left)
        return not left

    wait_until(answered, DATA_SECONDS, lambda: "\n".join(map(str, left)))
    print(f"{total} of {total} queries return data")
    record_testsuite_property("queries of the dashboards that return data", f"{total} of {total}")


def test_grafana_is_left_out_where_its_image_is_not_to_be_had(watched: LocalStack, tmp_path: Path) -> None:
    (tmp_path / "accounts").write_text(ACCOUNT)
    page = {
        "MONITORING_HOST": "monitoring.localhost",
        "MONITORING_USERS_FILE": str(tmp_path / "accounts"),
    }
    plan = verb("up", "--yes", "--dry-run", environment=page).stdout
    left_out = "Grafana is left out: its image cannot be pulled: "
    assert (left_out in plan) is not obtainable(watched)
    others = [line for line in plan.splitlines() if left_out not in line]
    assert any("grafana" in line for line in others) is obtainable(watched)


def obtainable(local: LocalStack) -> bool:
    return grafana.refusal(local.client, print, alone=len(local.client.nodes.list()) == 1) is None


def test_test_votes_come_to_the_screen_and_are_not_counted(
    watched: LocalStack, record_testsuite_property: Any
) -> None:
    stored = watched.status()["votes"]["stored"]
    wait_until(lambda: value(watched, "sum(vote_app_probes_total{outcome='shown'})"), TARGETS_SECONDS)
    mean = "sum(vote_app_probe_seconds_sum{until='%s'}) / sum(vote_app_probe_seconds_count{until='%s'})"
    acknowledged, shown = (value(watched, mean.replace("%s", end)) for end in ("acknowledged", "shown"))
    record_testsuite_property("seconds from a test vote to the screen", shown)
    assert 0 < (acknowledged or 0) < (shown or 0) < 45
    assert watched.status()["votes"]["stored"] == stored


def test_the_stack_remembers_until_it_is_told_otherwise(watched: LocalStack, listener: Listener) -> None:
    watched.wait_healthy()
    again = verb("up", "--yes", "--dry-run", environment={"ALERT_WEBHOOK_URL": listener.url})
    assert "Nothing to do" in again.stdout
    unheard = verb("up", "--yes", "--dry-run")
    assert "nobody will be told" in unheard.stdout
    assert "alertmanager" in unheard.stdout  # its receivers change
