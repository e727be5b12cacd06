"""What the chart renders: Kubernetes, its profile "restricted" and the operator of the database accept it."""

import json
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest
import yaml

from kit.chart import (
    CHART,
    Manifest,
    as_json,
    newest_version,
    of_kind,
    pods,
    render,
    run,
    template,
    validate,
)
from kit.pod_security import violations

VALUES = sorted((Path(__file__).parent / "values").glob("*.yaml"))
FIRST_LINE = "Rendered and checked, not run by us; the promise is proven on Swarm."
# What https://cloudnative-pg.io/docs/1.28/cloudnative-pg.v1 lists for a Cluster, as far as it is used here.
FIELDS_OF_A_CLUSTER = {
    "": {
        "affinity", "bootstrap", "imageName", "instances", "managed", "postgresql", "resources", "storage",
    },
    "affinity": {"enablePodAntiAffinity", "podAntiAffinityType", "topologyKey"},
    "bootstrap": {"initdb"},
    "bootstrap.initdb": {
        "builtinLocale", "dataChecksums", "database", "encoding", "localeProvider", "owner",
        "postInitApplicationSQLRefs", "secret",
    },
    "bootstrap.initdb.postInitApplicationSQLRefs": {"configMapRefs"},
    "bootstrap.initdb.secret": {"name"},
    "bootstrap.initdb.postInitApplicationSQLRefs.configMapRefs": {"key", "name"},
    "managed": {"roles"},
    "managed.roles": {"connectionLimit", "ensure", "login", "name", "passwordSecret"},
    "managed.roles.passwordSecret": {"name"},
    "postgresql": {"parameters", "pg_hba", "synchronous"},
    "postgresql.synchronous": {"dataDurability", "failoverQuorum", "method", "number"},
    "resources": {"limits", "requests"},
    "storage": {"size", "storageClass"},
}  # fmt: skip
ANY_NAMES = {"postgresql.parameters", "resources.limits", "resources.requests"}


@pytest.fixture(scope="module", params=VALUES, ids=lambda path: path.stem)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return render("--values", request.param)


def oldest_version() -> str:
    said = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"]
    return str(said.removeprefix(">=").removesuffix(".0-0"))


def different(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return each manifest once, without the operator's own kind and without passwords, which differ."""
    native = [manifest for manifest in manifests if manifest["kind"] not in {"Cluster", "Secret"}]
    return [json.loads(text) for text in {json.dumps(manifest, sort_keys=True) for manifest in native}]


def database(manifests: list[Manifest]) -> Manifest:
    (cluster,) = of_kind(manifests, "Cluster")
    return cluster


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_helm_finds_nothing_to_complain_of(values: Path) -> None:
    linted = run("helm", "lint", "--strict", CHART, "--values", values)
    assert linted.returncode == 0, linted.stdout


def test_the_oldest_and_the_newest_kubernetes_know_every_field() -> None:
    namespace = yaml.safe_load((CHART / "namespace.yaml").read_text())
    rendered = [render("--values", values) for values in VALUES]
    all_kinds = [namespace, *of_kind(rendered[0], "Secret"), *different(chain(*rendered))]
    checked = validate(all_kinds, oldest_version(), newest_version())
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "WARN" not in checked.stdout + checked.stderr


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    (policy, *_) = of_kind(render(), "NetworkPolicy")
    checked = validate([{**policy, "spec": {**policy["spec"], "ports": []}}], newest_version())
    assert checked.returncode != 0


def test_the_oldest_kubernetes_is_the_first_that_helm_installs_on() -> None:
    major, minor = oldest_version().split(".")
    assert template("--kube-version", f"{major}.{minor}.0").returncode == 0
    assert "chart requires kubeVersion" in template("--kube-version", f"{major}.{int(minor) - 1}.9").stderr


def test_kubectl_reads_every_pod_in_its_own_types_and_forgets_nothing(manifests: list[Manifest]) -> None:
    workloads = of_kind(manifests, "Deployment", "StatefulSet", "Job")
    read = run(
        "kubectl", "set", "image", "--local", "-f", "-", "*=read", "-o", "json", given=as_json(workloads)
    )
    assert read.returncode == 0, read.stderr
    for given, known in zip(workloads, documents(read.stdout), strict=True):
        assert lacking(with_image(given), known) == []


def documents(text: str) -> list[Manifest]:
    """Return the JSON documents of a text, one after the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text.rstrip()):
        document, end = decoder.raw_decode(text[at:].lstrip())
        found.append(document)
        at = len(text) - len(text[at:].lstrip()) + end
    return found


def with_image(workload: Manifest) -> Manifest:
    changed: Manifest = json.loads(json.dumps(workload))
    for container in changed["spec"]["template"]["spec"]["containers"]:
        container["image"] = "read"
    return changed


def lacking(given: object, known: object, at: str = "") -> list[str]:
    """Return the places of what was given and is not known."""
    if isinstance(given, dict) and isinstance(known, dict):
        return [place for key in given for place in lacking(given[key], known.get(key), f"{at}.{key}")]
    if isinstance(given, list) and isinstance(known, list) and len(given) == len(known):
        return [
            p for n, (a, b) in enumerate(zip(given, known, strict=True)) for p in lacking(a, b, f"{at}.{n}")
        ]
    return [] if given == known or (not given and known is None) else [at]


def test_no_two_manifests_have_one_name(manifests: list[Manifest], tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(manifests))
    (tmp_path / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    built = run("kubectl", "kustomize", tmp_path)
    assert built.returncode == 0, built.stderr
    assert len(list(yaml.safe_load_all(built.stdout))) == len(manifests)


def test_every_pod_keeps_to_the_profile_restricted(manifests: list[Manifest]) -> None:
    assert {name: violations(pod) for name, pod in pods(manifests).items() if violations(pod)} == {}


def test_the_namespace_demands_the_profile_restricted() -> None:
    labels = yaml.safe_load((CHART / "namespace.yaml").read_text())["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_container_can_write_to_its_image(manifests: list[Manifest]) -> None:
    containers = [container for pod in pods(manifests).values() for container in pod["containers"]]
    assert [c["name"] for c in containers if not c["securityContext"]["readOnlyRootFilesystem"]] == []


def test_no_pod_has_an_account_of_the_cluster_or_variables_that_nobody_wrote(
    manifests: list[Manifest],
) -> None:
    for pod in pods(manifests).values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False


def test_every_pod_that_serves_has_probes_and_a_limit_of_memory(manifests: list[Manifest]) -> None:
    for name, pod in pods(manifests).items():
        (container,) = pod["containers"]
        assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
        assert name.startswith("seed-") or {"livenessProbe", "readinessProbe"} <= container.keys()


def test_a_new_version_of_the_chart_alone_restarts_nothing(manifests: list[Manifest]) -> None:
    for workload in of_kind(manifests, "Deployment", "StatefulSet"):
        selector, template = workload["spec"]["selector"], workload["spec"]["template"]
        assert template["metadata"] == {"labels": selector["matchLabels"]}


def test_one_pod_of_each_kind_at_a_time_may_be_driven_out(manifests: list[Manifest]) -> None:
    workloads = of_kind(manifests, "Deployment", "StatefulSet")
    budgets = {b["metadata"]["name"]: b["spec"] for b in of_kind(manifests, "PodDisruptionBudget")}
    selectors = {w["metadata"]["name"]: w["spec"]["selector"] for w in workloads}
    assert {name: spec["selector"] for name, spec in budgets.items()} == selectors
    assert {spec["maxUnavailable"] for spec in budgets.values()} == {1}


@pytest.mark.parametrize("component", ["redis", "sentinel"])
def test_no_machine_has_two_nodes_of_a_cluster(manifests: list[Manifest], component: str) -> None:
    (workload,) = [m for m in of_kind(manifests, "StatefulSet") if m["metadata"]["name"] == component]
    (term,) = workload["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"] == workload["spec"]["selector"]
    assert database(manifests)["spec"]["affinity"]["podAntiAffinityType"] == "required"


def test_every_service_selects_pods_that_are_there(manifests: list[Manifest]) -> None:
    workloads = of_kind(manifests, "Deployment", "StatefulSet")
    templates = {w["metadata"]["name"]: w["spec"]["template"] for w in workloads}
    labels = [template["metadata"]["labels"] for template in templates.values()]
    names = [f"{name}-{number}" for name in ("redis", "sentinel") for number in (1, 2, 3)]
    labels += [{"statefulset.kubernetes.io/pod-name": name} for name in names]
    for service in of_kind(manifests, "Service"):
        selector = service["spec"]["selector"].items()
        assert [label for label in labels if selector <= label.items()], service["metadata"]["name"]


def test_the_database_is_asked_for_in_fields_that_its_operator_knows(manifests: list[Manifest]) -> None:
    assert unknown_fields(database(manifests)["spec"]) == []


def unknown_fields(value: object, at: str = "") -> list[str]:
    if isinstance(value, list):
        return [field for item in value for field in unknown_fields(item, at)]
    if not isinstance(value, dict) or at in ANY_NAMES:
        return []
    found = [f"{at}.{key}" for key in value.keys() - FIELDS_OF_A_CLUSTER.get(at, set())]
    return found + [
        f for key, inner in value.items() for f in unknown_fields(inner, f"{at}.{key}".strip("."))
    ]


def test_each_commit_is_on_a_majority_of_the_servers_before_it_is_confirmed(
    manifests: list[Manifest],
) -> None:
    spec = database(manifests)["spec"]
    assert spec["instances"] >= 3
    assert spec["postgresql"]["synchronous"] == {
        "method": "any",
        "number": spec["instances"] // 2,
        "dataDurability": "required",
        "failoverQuorum": True,
    }
    assert spec["postgresql"]["parameters"]["synchronous_commit"] == "on"


@pytest.mark.parametrize("instances", range(3, 10))
def test_the_database_bears_the_loss_of_every_minority_of_its_servers(instances: int) -> None:
    spec = database(render("--set", f"postgres.instances={instances}"))["spec"]
    number, standbys = spec["postgresql"]["synchronous"]["number"], instances - 1
    lost = standbys // 2
    # Without so many standbys commits go on.
    assert standbys - lost >= number
    # Without the primary, and as many in all, the operator reaches enough standbys to promote one.
    assert standbys - (lost - 1) + number > standbys


def test_votes_outlive_the_chart(manifests: list[Manifest]) -> None:
    kept = [database(manifests), *of_kind(manifests, "Secret")]
    assert {m["metadata"]["annotations"]["helm.sh/resource-policy"] for m in kept} == {"keep"}


def test_who_reads_the_chart_is_told_first_that_we_do_not_run_it() -> None:
    title, empty, first, *_ = (CHART / "README.md").read_text().splitlines()
    assert (title[:2], empty, first) == ("# ", "", FIRST_LINE)
    assert (CHART / "templates" / "NOTES.txt").read_text().startswith(FIRST_LINE)
