"""Prometheus and what belongs to it: there where it is wanted, and no service of the votes knows of it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest
import yaml
from docker import DockerClient
from docker.errors import APIError, ImageNotFound
from requests.exceptions import ReadTimeout

from deployment.configuration import layout, overlays, settings
from deployment.configuration.settings import Settings
from deployment.engine.images import grafana, images
from deployment.engine.machine import engine
from deployment.engine.secrets import credentials, kits
from deployment.engine.swarm import networks, nodes, services
from deployment.engine.swarm.membership import Membership
from deployment.errors import DeployError
from deployment.operations import up
from deployment.operations.release import source
from deployment.operations.runner.site import Site
from deployment.plan import alerting
from deployment.plan.cluster.picture import UNKNOWN
from deployment.plan.release import history, rules
from deployment.plan.release.drift import Service
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release, changes
from deployment.plan.swarm import placement
from deployment.progress import Progress
from kit.inside import Inside

HASH = f"$2y$05${'a' * 53}"
SECRETS = {key: f"vote-app_{key}_1" for key in (*credentials.MADE, "dashboard_users", "monitoring_users")}
GO = {"prometheus", "alertmanager", "node-exporter", "postgres-exporter", "redis-exporter"}
ADDED = GO | {"swarm-exporter", "prober"}
OVERLAY = layout.OVERLAYS / layout.MONITORING


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.fixture
def accounts(tmp_path: Path) -> str:
    path = tmp_path / "accounts"
    path.write_text(f"admin:{HASH}\n")
    return str(path)


def made(**given: object) -> Release:
    chosen = settings.load(**given)
    components = images.needed(monitoring=bool(chosen.monitoring))
    return source.made({c.name: f"vote-app/{c.name}:abc" for c in components}, chosen, SECRETS, "a,b")


def deployed(release: Release, verb: str = "up") -> tuple[Deployment, ...]:
    return (Deployment(1, "2026-01-01T00:00:00Z", "me@here", "abc", verb, release, {}),)


def site(before: tuple[Deployment, ...], running: Collection[str] = (), **given: object) -> Site:
    client = cast(DockerClient, "an engine")
    found = Site(settings.load(**given), Progress(quiet=True), client, source.release)
    vars(found).update(deployments=before, services=dict.fromkeys(running))
    return found


def test_it_adds_services_and_changes_none() -> None:
    """Who turns it on or off restarts nothing that a voter uses."""
    assert changes(made(), made(monitoring=True)) == dict.fromkeys(ADDED, "add")
    assert changes(made(monitoring=True), made(monitoring=False)) == dict.fromkeys(ADDED, "remove")


def test_every_file_that_it_mounts_comes_along_under_a_name_of_its_content() -> None:
    whole = made(monitoring=True)
    described = yaml.safe_load(OVERLAY.read_text())["configs"]
    brought = {f"stack/{part['file'].removeprefix('../')}" for part in described.values()}
    assert brought < set(whole.files)
    names = [name for service in whole.services.values() for name in service["configs"].values()]
    assert not [name for name in names if name.endswith("by-hand")]


def test_another_rule_is_another_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = made(monitoring=True)
    (tmp_path / "more.yaml").write_text("groups: [{name: more, rules: []}]")
    monkeypatch.setattr(source, "RULE_FILES", tmp_path)
    after = made(monitoring=True)
    assert changes(before, after) == {"prometheus": "change: config prometheus-rules"}
    assert yaml.safe_load(after.files[source.RULES]) == {"groups": [{"name": "more", "rules": []}]}


@pytest.mark.parametrize(
    ("files", "groups"),
    [
        ([], []),
        ([""], []),
        (["groups: [{name: a}]", "# nothing\n", "groups: [{name: b}, {name: c}]"], ["a", "b", "c"]),
    ],
    ids=["no file", "an empty file", "several"],
)
def test_rules_of_several_files_are_one(files: list[str], groups: list[str]) -> None:
    assert [group["name"] for group in yaml.safe_load(rules.joined(files))["groups"]] == groups


def test_a_rule_s_text_stays_as_it_is_written() -> None:
    rule = {"alert": "A", "expr": "up == 0\n", "annotations": {"summary": "{{ $value }} of 10 °C: “bad”"}}
    text = yaml.safe_dump({"groups": [{"name": "a", "rules": [rule]}]})
    assert yaml.safe_load(rules.joined([text]))["groups"][0]["rules"] == [rule]


@pytest.mark.parametrize(
    ("said", "before", "wanted"),
    [
        (None, None, False),
        (None, False, False),
        (None, True, True),
        (True, None, True),
        (True, False, True),
        (False, True, False),
    ],
)
def test_the_stack_remembers_until_somebody_says_otherwise(
    said: bool | None, before: bool | None, wanted: bool
) -> None:
    ran = () if before is None else deployed(made(monitoring=before))
    found = site(ran, monitoring=said)
    assert found.chosen.monitoring is wanted
    assert {c.name for c in found.components if c.monitoring} == (
        {"prometheus", "alertmanager", "exporters", "prober"} if wanted else set()
    )


@pytest.mark.parametrize("said", [None, False])
def test_what_an_interrupted_up_had_started_is_not_taken_away_without_a_word(said: bool | None) -> None:
    found = site(deployed(made()), ["vote", "prometheus"], monitoring=said)
    assert found.chosen.monitoring is (said is None)


WEBHOOK = {"alert_webhook_url": "https://example.org/alerts"}
OFF = "ALERT_WEBHOOK_URL is set, but the stack is not watched: add --monitoring."


@pytest.mark.parametrize(
    ("said", "given", "warned"),
    [
        (None, {}, []),
        (None, WEBHOOK, [OFF]),
        (False, WEBHOOK, [OFF]),
        (True, WEBHOOK, []),
        (True, {}, [alerting.UNHEARD]),
    ],
)
def test_up_says_where_nobody_would_hear_of_trouble(
    monkeypatch: pytest.MonkeyPatch, said: bool | None, given: dict[str, str], warned: list[str]
) -> None:
    monkeypatch.setattr(nodes, "observe", lambda _: [])
    monkeypatch.setattr(services, "placements", lambda _: {})
    monkeypatch.setattr(networks, "warnings", lambda _: [])
    monkeypatch.setattr(kits, "due", lambda *_: [])
    for managed in (True, False):
        found = site((), monitoring=said, **given)
        found.frozen = made()
        member = Membership.MANAGER if managed else Membership.NONE
        vars(found).update(membership=member, nodes=(), picture=UNKNOWN, maintenance=None)
        assert [line for line in up.warnings(found) if "watched" in line or "told" in line] == warned


def test_a_page_that_nothing_shows_is_named(accounts: str) -> None:
    given = {"monitoring_host": "m.localhost", "monitoring_users_file": accounts}
    assert settings.load(**given).idle == ["MONITORING_HOST", "MONITORING_USERS_FILE"]
    assert settings.load(monitoring=True, **given).idle == []


@pytest.mark.parametrize(
    ("verbs", "watched", "said"),
    [
        ([], [], False),
        (["up"], [False], False),
        (["up"], [True], False),
        (["up", "rollback to 1"], [True, False], True),
        (["up", "rollback to 1", "up"], [True, False, False], True),
        (["up", "rollback to 1", "up"], [True, False, True], False),
        (["up", "up"], [True, False], False),
        (["up", "rollback to 1", "up", "up"], [True, False, True, False], False),
        (["up", "rollback to 1"], [True, True], False),
    ],
)
def test_a_rollback_that_ended_the_monitoring_is_not_forgotten(
    verbs: list[str], watched: list[bool], said: bool
) -> None:
    releases = (made(monitoring=each) for each in watched)
    kept = tuple(d for verb, each in zip(verbs, releases, strict=True) for d in deployed(each, verb=verb))
    assert history.unwatched(kept) is said
    assert (up.UNWATCHED in up.watching(site(kept))) is said
    assert up.UNWATCHED not in up.watching(site(kept, monitoring=False))


@pytest.mark.parametrize(
    ("shell", "flag", "wanted"),
    [("true", None, True), ("true", False, False), ("false", True, True), ("", None, None), ("", True, True)],
)
def test_a_flag_outweighs_the_setting(
    monkeypatch: pytest.MonkeyPatch, shell: str, flag: bool | None, wanted: bool | None
) -> None:
    monkeypatch.setenv("MONITORING", shell)
    assert settings.load(monitoring=flag).monitoring is wanted


def test_its_page_comes_with_its_accounts_and_only_where_there_is_one_to_show(accounts: str) -> None:
    given = {"monitoring_host": "monitoring.localhost", "monitoring_users_file": accounts}
    whole = made(monitoring=True, https_port=8443, **given)
    edge, issuer = whole.services["traefik"], whole.services["certificates"]
    assert edge["environment"]["MONITORING_HOST"] == "monitoring.localhost"
    assert edge["secrets"]["monitoring_users"] == "vote-app_monitoring_users_1"
    assert issuer["environment"]["HOSTS"] == "vote.localhost,result.localhost,,monitoring.localhost"
    told = whole.services["prometheus"]["command"]
    assert "--web.external-url=https://monitoring.localhost:8443/" in told
    assert made(**given) == made()
    assert settings.load(**given).given == {}
    assert settings.load(monitoring=True, **given).given == {"monitoring_users": Path(accounts).read_bytes()}


def test_the_dashboards_come_with_the_page_unless_somebody_says_no(accounts: str) -> None:
    page = {"monitoring": True, "monitoring_host": "monitoring.localhost", "monitoring_users_file": accounts}
    without, whole = made(**page, grafana=False), made(**page)
    assert changes(without, whole).keys() == {"grafana", "traefik"}
    assert whole.services["grafana"]["environment"]["GRAFANA_URL"] == "https://monitoring.localhost/grafana/"
    named = whole.services["grafana"]["configs"].values()
    assert not [name for name in named if name.endswith("by-hand")]
    for given in ({"monitoring": True}, page | {"monitoring": False}):
        assert "grafana" not in made(**given).services


class Registry:
    """An engine without Grafana's image, which asks a registry for it."""

    def __init__(self, problem: str | Exception | None, *, here: bool = False) -> None:
        self.api = self.images = self
        self.timeout = engine.TIMEOUT_SECONDS
        self._problem, self._here = problem, here
        self.asked: list[str] = []

    def get(self, name: str) -> str:
        if self._here:
            return name
        raise ImageNotFound(name)

    def inspect_distribution(self, name: str) -> dict[str, str]:
        self.asked.append(name)
        assert self.timeout == grafana.ANSWER_SECONDS
        if isinstance(self._problem, Exception):
            raise self._problem
        if self._problem:
            raise APIError("500 Server Error", explanation=self._problem)
        return {}


SILENT = 'Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host'


@pytest.mark.parametrize(
    ("registry", "machines", "running", "shown", "asked"),
    [
        (Registry(None), 1, "", True, 1),
        (Registry(SILENT), 1, "", False, 1),
        (Registry("toomanyrequests: limit"), 1, "", False, 1),
        (Registry(ReadTimeout("read timed out")), 1, "", False, 1),
        (Registry(SILENT, here=True), 1, "", True, 0),
        (Registry(SILENT, here=True), 3, "", False, 1),
        (Registry(None, here=True), 3, "", True, 1),
        (Registry(SILENT), 1, grafana.IMAGE, True, 0),
        (Registry(SILENT), 1, "grafana/grafana:1.0.0@sha256:0", False, 1),
    ],
    ids=[
        *("handed out", "silent", "refused", "late", "here"),
        *("here alone", "here and handed out", "runs", "another runs"),
    ],
)
def test_grafana_is_left_out_where_its_image_is_not_to_be_had(
    accounts: str, registry: Registry, machines: int, running: str, shown: bool, asked: int
) -> None:
    given = {"monitoring": True, "monitoring_host": "m.localhost", "monitoring_users_file": accounts}
    found = site((), ["grafana"] if running else [], **given)
    found.client = cast(DockerClient, registry)
    vars(found)["services"] = {"grafana": Service(1, "", running)} if running else {}
    vars(found)["nodes"] = (placement.THIS_NODE,) * machines
    lines = [line for line in up.watching(found) if line.startswith("Grafana is left out: its image ")]
    assert found.chosen.grafana is shown
    assert ("grafana.yaml" in [path.name for path in overlays.chosen(found.chosen)]) is shown
    assert len(lines) == (not shown)
    vars(found).pop("chosen")  # as after each step
    assert found.chosen.grafana is shown
    assert len(registry.asked) == asked
    assert registry.timeout == engine.TIMEOUT_SECONDS


def test_who_waits_for_a_registry_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    registry, said = Registry(None), Event()
    monkeypatch.setattr(grafana, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(registry, "inspect_distribution", lambda _: said.wait(10))
    assert grafana.refusal(cast(DockerClient, registry), lambda _: said.set(), alone=False) is None
    assert said.is_set()


def test_nobody_is_asked_for_it_where_nobody_could_see_it() -> None:
    found = site((), monitoring=True)  # this engine could not even be asked
    assert not found.chosen.dashboards
    assert not [line for line in up.watching(found) if "Grafana" in line]


@pytest.mark.parametrize("routing", ["host", "path"])
def test_all_hosts_are_in_one_certificate(accounts: str, routing: str) -> None:
    whole = made(
        monitoring=True, routing=routing, domain="example.org",
        monitoring_host="m.example.org", monitoring_users_file=accounts,
        dashboard_host="d.example.org", dashboard_users_file=accounts,
    )  # fmt: skip
    pages = {"example.org"} if routing == "path" else {"vote.example.org", "result.example.org"}
    shown = whole.services["certificates"]["environment"]["HOSTS"].split(",")
    assert sorted(shown) == sorted(pages | {"d.example.org", "m.example.org"})


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"monitoring_host": "m.localhost"}, "MONITORING_HOST and MONITORING_USERS_FILE belong together"),
        ({"monitoring_users_file": "here"}, "MONITORING_HOST and MONITORING_USERS_FILE belong together"),
        (
            {"monitoring_host": "vote.localhost", "monitoring_users_file": "here"},
            "MONITORING_HOST must differ",
        ),
        (
            {
                "monitoring_host": "d.localhost",
                "monitoring_users_file": "here",
                "dashboard_host": "d.localhost",
                "dashboard_users_file": "here",
            },
            "MONITORING_HOST must differ",
        ),
        ({"monitoring_host": "no host", "monitoring_users_file": "here"}, "MONITORING_HOST: 'no host'"),
        (
            {
                "monitoring_host": "m.localhost",
                "monitoring_users_file": "here",
                "domain": "example.org",
                "acme_email": "a@example.org",
            },
            "MONITORING_HOST needs a public name",
        ),
    ],
)
def test_a_page_without_a_lock_or_a_name_is_refused(
    accounts: str, given: dict[str, str], complaint: str
) -> None:
    with pytest.raises(DeployError, match=complaint):
        settings.load(**{name: accounts if value == "here" else value for name, value in given.items()})


SERVICES: Mapping[str, Any] = yaml.safe_load(OVERLAY.read_text())["services"]


@pytest.mark.parametrize("name", sorted(ADDED))
def test_each_service_is_held_as_tightly_as_those_of_the_votes(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert {"memory", "pids", "cpus"} == service["deploy"]["resources"]["limits"].keys()
    assert service["deploy"]["endpoint_mode"] == "dnsrr"
    assert not {"ports", "privileged", "cap_add", "user"} & service.keys()
    assert [v for v in service["volumes"] if isinstance(v, str) and v.startswith(("/", "."))] == []


def test_one_service_alone_has_a_way_out_and_nothing_else_of_the_stack_shares_it() -> None:
    whole = made(monitoring=True)
    networks = yaml.safe_load(OVERLAY.read_text())["networks"]
    assert {name for name, network in networks.items() if not network.get("internal")} == {"alerts"}
    assert [n for n, service in whole.services.items() if "alerts" in service["networks"]] == ["alertmanager"]
    inner = {n for n, service in whole.services.items() if "monitoring" in service["networks"]}
    assert inner == ADDED - {"prober"}


def test_prometheus_reaches_what_it_asks_and_no_node_of_the_database() -> None:
    prometheus = set(SERVICES["prometheus"]["networks"])
    whole = made(monitoring=True).services
    reached = {name for name, service in whole.items() if prometheus & set(service["networks"])}
    assert {"vote", "result", "worker", "observer", "traefik", "redis-proxy", "pgpool", *ADDED} <= reached
    assert not {"postgres-1", "postgres-2", "postgres-3", "docker-proxy", "certificates"} & reached


def test_the_overlays_are_merged_in_an_order_in_which_none_undoes_another(accounts: str) -> None:
    chosen = settings.load(
        monitoring=True, routing="path", domain="example.org",
        monitoring_host="m.example.org", monitoring_users_file=accounts,
    )  # fmt: skip
    names = [path.name for path in overlays.chosen(chosen)]
    assert names == ["monitoring.yaml", "monitoring-page.yaml", "grafana.yaml", "path-routing.yaml"]


def test_the_prober_trusts_a_private_acme_server_s_authority(inside: Inside) -> None:
    private = {"domain": "example.org", "acme_email": "a@example.org", "acme_ca_file": str(inside.authority)}
    prober = made(monitoring=True, **private).services["prober"]
    assert prober["environment"]["ACME_CA_FILE"] == "/etc/prober/acme-ca.pem"
    assert "acme-ca" in prober["configs"]


@pytest.mark.parametrize("name", sorted(GO))
def test_a_machine_with_many_processors_does_not_use_up_the_threads_of_a_program(name: str) -> None:
    assert SERVICES[name]["environment"]["GOMAXPROCS"] == "2"
