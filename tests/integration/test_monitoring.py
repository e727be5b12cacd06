"""The programs of the monitoring take their configuration, and learn of real services what they are to."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import requests
import yaml

from deployment.engine.images import grafana
from deployment.engine.machine import engine
from kit import dashboards, monitoring
from kit.containers import address, docker, joined, own_network
from kit.edge import HOSTS, HTTP_PORT, PORT, running_edge
from kit.images import reference
from kit.redis_cluster import PROXIES, REDIS, SENTINELS, RedisCluster, running_cluster
from kit.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

# As many as the fixture runs of each; what it does not run is no target.
TARGETS = {
    "traefik": 1,
    "redis-proxy": 2,
    "redis": 6,
    "redis-container": 6,
    "node": 1,
    "prometheus": 1,
    "alertmanager": 1,
}
CONFIG = ("/etc/prometheus/prometheus.yml", "/etc/prometheus/rules.yaml")
SCRAPE_SECONDS = 90
RUNBOOKS = "https://git.example.org:8080/votes/src/v1.2"
HOST = "monitoring.localhost"
ADMIN = ("admin", "a word of passage")
# As `htpasswd -nB admin` prints it.
ACCOUNT = "admin:$2y$05$vZDUhAC9vJZYQsWnQDC1G.43HYbVA93WJxeMTxt5T7o3ivoHi0GrO\n"
LOOK = "cat /proc/1/cmdline /proc/1/environ | tr '\\0' '\\n'"


class Watched:
    """A Prometheus that asks a queue and an edge."""

    def __init__(self, host: str, alerts: str, edge: str, cluster: RedisCluster, exporter: str) -> None:
        self.url, self.alerts = f"http://{host}:9090", f"http://{alerts}:9093/api/v2/alerts"
        self.edge, self.cluster, self.exporter = edge, cluster, exporter

    def get(self, path: str, **parameters: str) -> object:
        answer = requests.get(f"{self.url}/api/v1/{path}", parameters, timeout=10)
        answer.raise_for_status()
        return answer.json()["data"]

    def ask(self, query: str) -> list[dict[str, str]]:
        """Return the labels of all that a query finds."""
        data = self.get("query", query=query)
        assert isinstance(data, dict)
        return [found["metric"] for found in data["result"]]


def ready(host: str) -> bool:
    try:
        return requests.get(f"http://{host}:9090/-/ready", timeout=5).ok
    except requests.ConnectionError:
        return False


@contextmanager
def volume() -> Iterator[str]:
    name = f"test-monitoring-{uuid4().hex[:8]}"
    try:
        yield name
    finally:
        docker("volume", "rm", "--force", name)


def also_known_as(container: str, network: str, *names: str) -> None:
    """Put a container on another network, where it has these names."""
    aliases = [part for name in names for part in ("--alias", name)]
    docker("network", "connect", *aliases, network, container)


def files(folder: Path, *, redis_tls: bool = True, runbooks: str = "") -> tuple[str, ...]:
    """Return the options that give Prometheus its configuration and its rules."""
    folder.chmod(0o755)
    texts = (monitoring.configuration(redis_tls=redis_tls, runbooks=runbooks), monitoring.all_rules())
    options: list[str] = []
    for target, text in zip(CONFIG, texts, strict=True):
        (folder / Path(target).name).write_text(text)
        options += ("--volume", f"{folder / Path(target).name}:{target}:ro")
    return tuple(options)


def pages() -> tuple[str, ...]:
    """Return the options of a container that stands for both services behind the edge."""
    names = ("--network-alias", "vote", "--network-alias", "result", "--entrypoint", "python")
    return (*names, reference("worker"), "-m", "http.server", "--directory", "/tmp", "8080")


def in_the_place_of_grafana() -> tuple[str, ...]:
    """Return the options of a container that lists a folder: it shows what an edge makes of requests."""
    served = ("-m", "http.server", "--directory", "/tmp", "3000")
    return ("--network-alias", "grafana", "--entrypoint", "python", reference("worker"), *served)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Run a queue, an edge, and all that watches them, each held as in the stack."""
    folder = tmp_path_factory.mktemp
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster(folder("redis")))
        network = stack.enter_context(own_network("test-monitoring"))
        for proxy in PROXIES:
            also_known_as(cluster.container(proxy), network, "tasks.redis-proxy")
            stack.callback(docker, "network", "disconnect", "--force", network, cluster.container(proxy))
        stack.enter_context(joined(network, *pages()))
        shown = folder("edge")
        (shown / "monitoring_users").write_text(ACCOUNT)
        stack.enter_context(joined(network, *in_the_place_of_grafana()))
        edge = stack.enter_context(running_edge(network, shown, MONITORING_HOST=HOST, GRAFANA="yes"))
        found = docker("ps", "--quiet", "--filter", f"name={network}-edge")
        also_known_as(found, cluster.prefix, "tasks.traefik")
        exporter = run(stack, network, "redis-exporter", *of_the_queue(cluster))
        also_known_as(exporter, cluster.prefix)
        run(stack, network, "node-exporter")
        receivers = folder("alertmanager") / "alertmanager.yml"
        receivers.write_text(monitoring.receivers())
        mount = ("--volume", f"{receivers}:/etc/alertmanager/alertmanager.yml:ro")
        kept = ("--volume", f"{stack.enter_context(volume())}:/data")
        alertmanager = run(stack, network, "alertmanager", *mount, *kept)
        data = ("--volume", f"{stack.enter_context(volume())}:/data")
        given = files(folder("prometheus"), runbooks=RUNBOOKS)
        prometheus = run(stack, cluster.prefix, "prometheus", *given, *data)
        host = address(prometheus)
        also_known_as(prometheus, network)
        wait_until(lambda: ready(host))
        yield Watched(host, address(alertmanager), edge, cluster, exporter)


def run(stack: ExitStack, network: str, service: str, *options: str) -> str:
    """Run a service of the monitoring; return its container's name."""
    image = service if service in ("prometheus", "alertmanager") else "exporters"
    names = ("--network-alias", service, "--network-alias", f"tasks.{service}", *monitoring.held(service))
    return stack.enter_context(
        joined(network, *names, *options, reference(image), *monitoring.command(service))
    )


def of_the_queue(cluster: RedisCluster) -> tuple[str, ...]:
    nodes = monitoring.SERVICES["redis-exporter"]["environment"]["NODES"]
    secret = "MONITOR_PASSWORD_FILE=/run/secrets/redis_monitor_password"
    file = cluster.secrets / "redis_monitor_password"
    return (
        *("--env", f"NODES={nodes}", "--env", secret, *cluster.trust()),
        *("--volume", f"{file}:/run/secrets/redis_monitor_password:ro"),
    )


@pytest.mark.parametrize("redis_tls", [True, False])
def test_prometheus_takes_the_configuration(tmp_path: Path, redis_tls: bool) -> None:
    check = ("--entrypoint", "promtool", reference("prometheus"), "check", "config", CONFIG[0])
    said = docker("run", "--rm", *files(tmp_path, redis_tls=redis_tls), *check)
    assert "SUCCESS: /etc/prometheus/prometheus.yml is valid" in said
    assert "FAILED" not in said


def test_alertmanager_takes_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "alertmanager.yml").write_text(monitoring.receivers())
    tmp_path.chmod(0o755)
    check = ("--entrypoint", "amtool", reference("alertmanager"), "check-config", "/here/alertmanager.yml")
    assert "SUCCESS" in docker("run", "--rm", "--volume", f"{tmp_path}:/here:ro", *check)


def up(watched: Watched) -> dict[str, int]:
    found = [labels["job"] for labels in watched.ask("up == 1")]
    return {job: found.count(job) for job in found}


def test_all_that_is_there_is_found_and_answers(watched: Watched) -> None:
    wait_until(lambda: up(watched) == TARGETS, SCRAPE_SECONDS, lambda: str(watched.get("targets")))
    assert watched.ask("up == 0 unless up{job='postgres'}") == []


def test_an_alert_has_a_link_to_its_runbook(watched: Watched) -> None:
    query = {"filter": 'alertname="Watchdog"'}
    wait_until(lambda: requests.get(watched.alerts, query, timeout=10).json(), SCRAPE_SECONDS)
    (alert,) = requests.get(watched.alerts, query, timeout=10).json()
    assert alert["annotations"]["runbook_url"] == f"{RUNBOOKS}/docs/runbooks/Watchdog.md"
    assert "runbooks" not in alert["labels"]


def test_it_understands_every_question_of_the_dashboards(watched: Watched) -> None:
    """That each has an answer, too, is a matter of the whole stack: tests/swarm/test_monitoring.py."""
    for query in dashboards.queries():
        watched.get("query", query=query.expr)
    for dashboard in dashboards.dashboards().values():
        for mark in dashboard["annotations"]["list"]:
            watched.get("query", query=mark["expr"])


def test_it_learns_how_each_node_of_the_queue_is_by_an_account_that_may_do_no_more(watched: Watched) -> None:
    def learned() -> bool:
        return len(watched.ask("redis_up == 1")) == len((*REDIS, *SENTINELS))

    wait_until(learned, SCRAPE_SECONDS, lambda: str(watched.ask("redis_up")))
    known = {labels["instance"] for labels in watched.ask("redis_up == 1")}
    assert known == {*REDIS, *SENTINELS}
    assert watched.ask("redis_exporter_last_scrape_error > 0") == []
    masters = watched.ask("redis_instance_info{role='master', redis_mode!='sentinel'}")
    assert [labels["instance"] for labels in masters] == [watched.cluster.recover(10)]
    assert len(watched.ask("redis_memory_max_bytes > 0")) == len(REDIS)
    assert len(watched.ask("redis_sentinel_master_ok_sentinels == 3")) == len(SENTINELS)


def test_each_container_of_the_queue_says_what_it_takes(watched: Watched) -> None:
    def told() -> set[str]:
        memory, cpu = "vote_app_cgroup_memory_bytes > 2^20", "vote_app_cgroup_cpu_seconds_total > 0"
        return {labels["instance"] for labels in watched.ask(f"{memory} and {cpu}")}

    wait_until(lambda: told() == {*REDIS, *SENTINELS}, SCRAPE_SECONDS, lambda: str(told()))


def test_the_proxies_say_which_nodes_qualify(watched: Watched) -> None:
    def one_each() -> bool:
        return len(watched.ask("haproxy_server_status{proxy='primary', state='UP'} == 1")) == len(PROXIES)

    wait_until(one_each, SCRAPE_SECONDS)


def test_the_edge_counts_what_it_answers_and_says_so_to_no_visitor(watched: Watched) -> None:
    for host in (*HOSTS, "localhost", watched.edge):
        headers = {"Host": host, "X-Forwarded-Proto": "https"}
        for url in (f"https://{watched.edge}:{PORT}/metrics", f"http://{watched.edge}:{HTTP_PORT}/metrics"):
            answer = requests.get(url, headers=headers, verify=False, timeout=10, allow_redirects=False)
            assert "traefik_" not in answer.text
    query = "traefik_entrypoint_requests_total{entrypoint='websecure'} > 0"
    wait_until(lambda: watched.ask(query), SCRAPE_SECONDS)


def test_the_edge_has_no_label_of_a_stranger_s_choice(watched: Watched) -> None:
    def labels() -> set[str]:
        return {value for found in watched.ask("{job='traefik'}") for value in found.values()}

    for path in ("/stranger", "/?stranger", "/stranger/metrics"):
        method = "STRANGER" if path == "/stranger" else "GET"
        headers = {"Host": "stranger.example.org", "User-Agent": "stranger"}
        requests.request(
            method, f"https://{watched.edge}:{PORT}{path}", headers=headers, verify=False, timeout=10
        )
    wait_until(lambda: "EXTENSION_METHOD" in labels(), SCRAPE_SECONDS)
    assert not [value for value in labels() if "stranger" in value.casefold()]


def page(watched: Watched, path: str, host: str, account: tuple[str, str] | None) -> requests.Response:
    url, headers = f"https://{watched.edge}:{PORT}{path}", {"Host": host}
    return requests.get(url, headers=headers, auth=account, verify=False, timeout=10, allow_redirects=False)


@pytest.mark.parametrize("path", ["/graph", "/api/v1/query?query=up", "/-/healthy", "/federate"])
def test_its_page_is_on_one_host_and_behind_a_password(watched: Watched, path: str) -> None:
    for account in (None, ("admin", "guessed"), ("admin", ACCOUNT[6:-1])):
        answer = page(watched, path, HOST, account)
        assert (answer.status_code, answer.text) == (401, "401 Unauthorized\n")
    assert page(watched, path, HOST, ADMIN).ok
    for host in (*HOSTS, f"www.{HOST}", "localhost"):
        assert "prometheus" not in page(watched, path, host, ADMIN).text.lower()


@pytest.mark.parametrize("path", ["/grafana", "/grafana/", "/grafana/?orgId=1"])
def test_the_dashboards_are_on_its_host_and_behind_its_password(watched: Watched, path: str) -> None:
    for account in (None, ("admin", "guessed")):
        assert page(watched, path, HOST, account).status_code == 401
    assert "<title>Directory listing for /" in page(watched, path, HOST, ADMIN).text
    for host in (*HOSTS, "localhost"):
        assert "Directory listing for /<" not in page(watched, path, host, ADMIN).text


@pytest.mark.parametrize(
    ("account", "size", "status"), [(ADMIN, 60_000, 501), (ADMIN, 70_000, 413), (None, 60_000, 401)]
)
def test_a_page_of_grafana_s_may_ask_a_long_question(
    watched: Watched, account: tuple[str, str] | None, size: int, status: int
) -> None:
    """What stands for Grafana here does not know the method, and says 501."""
    url, headers = f"https://{watched.edge}:{PORT}/grafana/api/ds/query", {"Host": HOST}
    answer = requests.post(url, b"q" * size, headers=headers, auth=account, verify=False, timeout=10)
    assert answer.status_code == status


def test_who_has_the_password_can_change_nothing(watched: Watched) -> None:
    for path in ("/-/quit", "/-/reload", "/api/v1/admin/tsdb/snapshot"):
        url = f"https://{watched.edge}:{PORT}{path}"
        answer = requests.post(url, headers={"Host": HOST}, auth=ADMIN, verify=False, timeout=10)
        assert not answer.ok
    assert page(watched, "/-/healthy", HOST, ADMIN).ok


def test_the_disk_that_it_may_take_is_bounded(watched: Watched) -> None:
    flags = watched.get("status/flags")
    assert isinstance(flags, dict)
    assert flags["storage.tsdb.retention.size"] == "512MiB"
    assert flags["web.enable-admin-api"] == flags["web.enable-lifecycle"] == "false"


def test_the_node_s_disk_memory_and_clock_are_seen_without_a_mount(watched: Watched) -> None:
    wait_until(lambda: watched.ask("node_filesystem_size_bytes > 0"), SCRAPE_SECONDS)
    (disk,) = watched.ask("node_filesystem_avail_bytes")
    assert disk["mountpoint"] == "/"
    for name in ("node_memory_MemAvailable_bytes", "node_time_seconds", "node_timex_offset_seconds"):
        assert watched.ask(name), name


def test_no_exporter_shows_its_password(watched: Watched) -> None:
    password = (watched.cluster.secrets / "redis_monitor_password").read_text().strip()
    shown = docker("exec", watched.exporter, "sh", "-c", LOOK)
    told = docker("logs", watched.exporter)
    assert password not in shown + told
    assert password not in json.dumps(watched.get("targets"))


def test_an_exporter_that_lacks_its_password_says_so() -> None:
    for kind in ("redis", "postgres"):
        environment = ("--env", "REDIS_TLS=no", "--env", "NODES=a:1", "--env", "MONITOR_PASSWORD_FILE=/none")
        told = docker(
            "run", "--rm", *environment, "--entrypoint", "bash", reference("exporters"),
            "-c", f"exporter {kind} 2>&1 || echo $?",
        )  # fmt: skip
        assert told == "MONITOR_PASSWORD_FILE: cannot read /none\n2"


@pytest.mark.parametrize("service", ["prometheus", "alertmanager", "node-exporter"])
def test_each_says_of_itself_that_it_is_healthy(tmp_path: Path, service: str) -> None:
    image = reference(service if service != "node-exporter" else "exporters")
    receivers = tmp_path / "alertmanager.yml"
    receivers.write_text(monitoring.receivers())
    mounts = (*files(tmp_path), "--volume", f"{receivers}:/etc/alertmanager/alertmanager.yml:ro")
    name = f"test-monitoring-{uuid4().hex[:8]}"
    options = ("--health-interval", "1s", "--volume", f"{name}:/data", *mounts, *monitoring.held(service))
    docker("run", "--detach", "--name", name, *options, image, *monitoring.command(service))
    try:
        state = ("inspect", "--format", "{{.State.Health.Status}}", name)
        wait_until(lambda: docker(*state) == "healthy", 60, lambda: docker("logs", name))
    finally:
        docker("rm", "--force", name)
        docker("volume", "rm", "--force", name)


def test_why_an_image_is_not_to_be_had_is_said_in_the_engine_s_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grafana, "IMAGE", f"127.0.0.1:9/grafana/grafana:1@sha256:{'0' * 64}")
    problem = grafana.refusal(engine.require(), print, alone=True)
    assert problem
    assert "connect: connection refused" in problem
    monkeypatch.setattr(grafana, "IMAGE", reference("prometheus"))
    assert grafana.refusal(engine.require(), print, alone=True) is None


def test_every_service_of_the_stack_has_a_job() -> None:
    """What runs, and has something to tell, is asked."""
    jobs = {
        job["job_name"] for job in yaml.safe_load(monitoring.configuration(redis_tls=True))["scrape_configs"]
    }
    ours = {"vote", "result", "worker", "observer", "prober"}
    assert jobs == TARGETS.keys() | ours | {"postgres", "pgpool", "swarm"}
