"""The chart says what the stack file says: names, variables, secrets, sizes. What differs has a reason."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from deployment.configuration.layout import ROOT
from kit.chart import CHART, Manifest, of_kind, pods, render
from postgres_ha import postgres_config, privileges

STACK: dict[str, Any] = yaml.safe_load((ROOT / "stack" / "docker-stack.yaml").read_text())
SERVICES: dict[str, Any] = STACK["services"]
# In the chart, one workload each; in the stack, one service for each node of a cluster.
WORKLOADS = {
    "vote": "vote",
    "result": "result",
    "worker": "worker",
    "redis-proxy": "redis-proxy",
    "redis": "redis-1",
    "sentinel": "sentinel-1",
}
NOT_HERE = {
    "traefik": "the cluster's ingress controller",
    "certificates": "the ingress controller's, or cert-manager's",
    "docker-proxy": "there is no Docker engine to ask",
    "observer": "it asks the agents of repmgr, which the operator replaces",
    "pgpool": "the operator's service postgres-rw",
    "postgres": "the operator's cluster",
}
# Of these variables a workload has another value than its service, or only one of the two has them.
DIFFERENT = {
    ("worker", "DATABASE_HOST"): "the operator's service",
    ("result", "DATABASE_HOST"): "the operator's service",
    ("worker", "PGSSLROOTCERT"): "the operator's authority, in a folder so that a renewed one is seen",
    ("result", "PGSSLROOTCERT"): "the operator's authority, in a folder so that a renewed one is seen",
    ("worker", "POSTGRES_NODES"): "the observer alone reads it",
    ("worker", "REDIS_NODES"): "the observer alone reads it",
    ("result", "PEERS_HOST"): "the name that has an address for each replica",
    ("redis", "RES_OPTIONS"): "a cluster may have IPv6 alone",
    ("sentinel", "RES_OPTIONS"): "a cluster may have IPv6 alone",
    ("redis-proxy", "NODES_DOMAIN"): "under Docker names are in no domain",
    ("vote", "PROBE_KEY_FILE"): "the prober, who alone sends test votes, is not here",
}
# For those who are not here.
UNUSED_SECRETS = {"probe_key"}
DOCKERFILES = {
    "vote": "vote/Dockerfile",
    "result": "result/Dockerfile",
    "worker": "worker/Dockerfile",
    "redis": "redis-sentinel/Dockerfile",
    "sentinel": "redis-sentinel/Dockerfile",
    "redis-proxy": "redis-sentinel/haproxy/Dockerfile",
}


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    return render()


@pytest.fixture(scope="module", params=WORKLOADS)
def workload(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pod(manifests: list[Manifest], workload: str) -> Manifest:
    return pods(manifests)[workload]


@pytest.fixture
def container(pod: Manifest) -> Manifest:
    (only,) = pod["containers"]
    return dict(only)


def by_default(text: object) -> str:
    """Return what Swarm reads where no variable is set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", str(text))


def node(name: str) -> str:
    """Return a service's name without the number of its node."""
    return re.sub(r"-\d$", "", name)


def variables(container: Manifest) -> dict[str, str]:
    """Return a container's variables; the name of its node as the first pod has it."""
    return {v["name"]: v.get("value", f"{container['name']}-1") for v in container["env"]}


def test_every_service_of_the_stack_is_here_or_there_is_a_reason(manifests: list[Manifest]) -> None:
    assert {node(service) for service in SERVICES} == pods(manifests).keys() | NOT_HERE.keys()


def test_a_container_has_the_variables_of_its_service_or_there_is_a_reason(manifests: list[Manifest]) -> None:
    found = set()
    for workload, pod in pods(manifests).items():
        stack = {n: by_default(v) for n, v in SERVICES[WORKLOADS[workload]]["environment"].items()}
        chart = variables(pod["containers"][0])
        found |= {(workload, n) for n in stack.keys() | chart.keys() if stack.get(n) != chart.get(n)}
    assert found == DIFFERENT.keys()


def test_a_container_has_the_secrets_of_its_service_and_no_more(workload: str, pod: Manifest) -> None:
    named = (s for s in SERVICES[WORKLOADS[workload]]["secrets"] if isinstance(s, str))
    of_stack = [name for name in named if name not in UNUSED_SECRETS]
    (volume,) = [v for v in pod["volumes"] if v["name"] == "secrets"]
    items = [item["path"] for source in volume["projected"]["sources"] for item in source["secret"]["items"]]
    assert sorted(items) == sorted(of_stack)


def test_secrets_are_files_where_the_services_look_for_them(container: Manifest) -> None:
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "secrets"]
    assert (mount["mountPath"], mount["readOnly"]) == ("/run/secrets", True)


def test_every_secret_that_is_mounted_is_made(manifests: list[Manifest]) -> None:
    made = {(s["metadata"]["name"], key) for s in of_kind(manifests, "Secret") for key in s["data"]}
    mounted = {
        (source["secret"]["name"], item["key"])
        for pod in pods(manifests).values()
        for volume in pod["volumes"]
        for source in volume.get("projected", {}).get("sources", [])
        for item in source["secret"]["items"]
    }
    assert mounted <= made
    assert {secret for secret, _ in mounted} == {secret for secret, _ in made}


def test_a_container_runs_the_image_of_its_service(workload: str, container: Manifest) -> None:
    image = by_default(SERVICES[WORKLOADS[workload]]["image"])
    assert container["image"].rpartition(":")[0] == image.rpartition(":")[0]


def test_a_container_is_started_as_its_service_is(workload: str, container: Manifest) -> None:
    assert container.get("args") == SERVICES[WORKLOADS[workload]].get("command")
    assert "command" not in container


def test_the_images_are_those_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert chart["appVersion"] == project["version"]


def test_a_pod_runs_as_the_user_of_its_image(workload: str, pod: Manifest) -> None:
    (user,) = re.findall(r"--uid (\d+)", (ROOT / DOCKERFILES[workload]).read_text())
    context = pod["securityContext"]
    assert {context[key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {int(user)}


def test_a_container_may_use_as_much_memory_as_its_service(workload: str, container: Manifest) -> None:
    limit = by_default(SERVICES[WORKLOADS[workload]]["deploy"]["resources"]["limits"]["memory"])
    assert container["resources"]["limits"]["memory"] == f"{limit}i"


def test_there_are_as_many_of_each_as_in_the_stack(manifests: list[Manifest], workload: str) -> None:
    (found,) = [
        m for m in of_kind(manifests, "Deployment", "StatefulSet") if m["metadata"]["name"] == workload
    ]
    nodes = [service for service in SERVICES if node(service) == workload]
    replicas = by_default(SERVICES[nodes[0]]["deploy"].get("replicas", len(nodes)))
    assert found["spec"]["replicas"] == int(replicas)


def test_a_pod_has_as_long_to_stop_as_its_service(workload: str, pod: Manifest) -> None:
    period = SERVICES[WORKLOADS[workload]].get("stop_grace_period")
    assert period is None or f"{pod['terminationGracePeriodSeconds']}s" == period


def test_a_read_only_container_may_write_where_its_service_may(workload: str, container: Manifest) -> None:
    volumes = SERVICES[WORKLOADS[workload]]["volumes"]
    stack = {v["target"] if isinstance(v, dict) else v.partition(":")[2] for v in volumes}
    mounts = container["volumeMounts"]
    assert {mount["mountPath"] for mount in mounts if not mount.get("readOnly")} == stack


def test_a_worker_lives_as_long_as_its_image_says(manifests: list[Manifest]) -> None:
    (container,) = pods(manifests)["worker"]["containers"]
    dockerfile = (ROOT / DOCKERFILES["worker"]).read_text()
    for probe in ("livenessProbe", "readinessProbe"):
        *_, script = container[probe]["exec"]["command"]
        assert script in dockerfile


@pytest.mark.parametrize("workload", ["redis", "sentinel", "redis-proxy"], indirect=True)
def test_a_node_of_the_queue_lives_as_long_as_its_image_says(workload: str, container: Manifest) -> None:
    (program,) = container["livenessProbe"]["exec"]["command"]
    *_, check = (ROOT / DOCKERFILES[workload]).read_text().partition("HEALTHCHECK ")
    assert f'"{program}"' in check.partition("ENTRYPOINT")[0]


@pytest.mark.parametrize("cluster", ["redis", "sentinel"])
def test_the_nodes_of_the_queue_have_their_names(manifests: list[Manifest], cluster: str) -> None:
    names = [service for service in SERVICES if node(service) == cluster]
    (workload,) = [m for m in of_kind(manifests, "StatefulSet") if m["metadata"]["name"] == cluster]
    first, count = workload["spec"]["ordinals"]["start"], workload["spec"]["replicas"]
    assert [f"{cluster}-{number}" for number in range(first, first + count)] == names
    services = {s["metadata"]["name"]: s["spec"] for s in of_kind(manifests, "Service")}
    for name in names:
        # The name outlives the pod, and leads to a node that waits at its gate.
        assert services[name]["selector"] == {"statefulset.kubernetes.io/pod-name": name}
        assert services[name].get("clusterIP") is None
        assert services[name]["publishNotReadyAddresses"] is True


def test_every_host_that_a_service_connects_to_exists(manifests: list[Manifest]) -> None:
    services = {service["metadata"]["name"] for service in of_kind(manifests, "Service")}
    for pod in pods(manifests).values():
        hosts = {value for n, value in variables(pod["containers"][0]).items() if n.endswith("_HOST")}
        assert hosts <= services | {"postgres-rw"}


def test_the_pages_have_routes_and_viewers_keep_their_replica(manifests: list[Manifest]) -> None:
    rules = {i["metadata"]["name"]: i["spec"]["rules"] for i in of_kind(manifests, "Ingress")}
    hosts = {name: rule["host"] for name, (rule,) in rules.items()}
    assert hosts == {"vote": "vote.local", "result": "result.local"}
    cookie = SERVICES["result"]["deploy"]["labels"][
        "traefik.http.services.result.loadbalancer.sticky.cookie.name"
    ]
    said = [m["metadata"].get("annotations", {}) for m in of_kind(manifests, "Service", "Ingress")]
    names = [value for annotations in said for value in annotations.values() if value == cookie]
    assert len(names) == 3


def test_the_accounts_of_the_database_may_do_what_those_of_the_stack_may(manifests: list[Manifest]) -> None:
    (config,) = of_kind(manifests, "ConfigMap")
    assert normal(config["data"]["privileges.sql"]) == normal(f"CREATE ROLE result LOGIN;{of_the_stack()}")


def of_the_stack() -> str:
    """Return the stack's privileges without those of accounts that have no program here."""
    statements = privileges._REVOKE.replace(", observer, certificates, pgpool, monitor", "")
    absent = re.compile(r"^.*\b(observer|certificates|Its program|monitor|Statistics)\b.*$\n?", re.MULTILINE)
    return absent.sub("", statements)


def normal(sql: str) -> str:
    return " ".join(sql.replace(";", "; ").split()).removesuffix(";")


def test_no_account_holds_more_connections_than_in_the_stack(manifests: list[Manifest]) -> None:
    (cluster,) = of_kind(manifests, "Cluster")
    (role,) = cluster["spec"]["managed"]["roles"]
    assert f"ALTER ROLE {role['name']} CONNECTION LIMIT {role['connectionLimit']};" in privileges._REVOKE


def test_the_database_has_the_settings_of_the_stack(manifests: list[Manifest]) -> None:
    (cluster,) = of_kind(manifests, "Cluster")
    stack = dict(re.findall(r"^(\w+) = '?([^'\n]*)'?$", postgres_config._CONF, re.MULTILINE))
    for name, value in cluster["spec"]["postgresql"]["parameters"].items():
        assert value == stack[name]


def test_the_database_has_the_major_version_of_the_stack(manifests: list[Manifest]) -> None:
    (cluster,) = of_kind(manifests, "Cluster")
    (major,) = re.findall(r"postgresql-(\d+) ", (ROOT / "postgres-ha" / "Dockerfile").read_text())
    assert cluster["spec"]["imageName"].rpartition(":")[2].startswith(f"{major}.")


def test_only_the_services_accounts_reach_the_votes_and_only_with_tls(manifests: list[Manifest]) -> None:
    (cluster,) = of_kind(manifests, "Cluster")
    assert cluster["spec"]["postgresql"]["pg_hba"] == [
        "hostssl votes worker,result all scram-sha-256",
        "host all all all reject",
    ]
    assert "hostssl votes worker,result" in re.sub(" +", " ", postgres_config.hba(tls_demanded=True))


def test_the_database_is_made_for_the_account_that_makes_the_tables(manifests: list[Manifest]) -> None:
    (cluster,) = of_kind(manifests, "Cluster")
    initdb = cluster["spec"]["bootstrap"]["initdb"]
    assert (initdb["database"], initdb["owner"]) == ("votes", "worker")
    users = {s["metadata"]["name"]: s for s in of_kind(manifests, "Secret")}
    assert users[initdb["secret"]["name"]]["type"] == "kubernetes.io/basic-auth"
