"""The stack file, its variables and the tool that fills them in must agree."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
import yaml

from deployment.configuration import layout, settings
from deployment.configuration.settings import Settings
from deployment.engine.images.images import needed, variable
from deployment.engine.secrets import credentials
from deployment.operations.release import source
from deployment.plan.release import entrance, release
from deployment.plan.release.release import Release, changes, interpolated, told

IN_FILE = set(re.findall(r"\$\{([A-Z0-9_]+)", layout.STACK_FILE.read_text()))
SECTIONS = ("version", "networks", "volumes", "configs", "secrets")
IMAGES = {component.name: f"vote-app/{component.name}:abc" for component in needed(monitoring=False)}
SECRETS = {key: f"vote-app_{key}_1" for key in credentials.MADE}


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def made(**given: object) -> Release:
    return source.made(IMAGES, settings.load(**given), SECRETS, "a,b")


def test_every_variable_of_the_stack_file_is_filled_in_and_none_is_filled_in_vain() -> None:
    assert {*made().variables, "RELEASE"} == IN_FILE
    assert set(made().images) == {variable(component.name) for component in needed(monitoring=False)}


def test_every_variable_has_a_default_for_a_deployment_by_hand() -> None:
    text = layout.STACK_FILE.read_text()
    assert re.findall(r"\$\{[A-Z0-9_]+\}", text) == []


@pytest.mark.parametrize("name", sorted(settings.Settings.model_fields))
def test_every_setting_is_explained(name: str) -> None:
    example = (layout.ROOT / "stack" / ".env.example").read_text()
    assert re.search(rf"^#?{name.upper()}=", example, re.MULTILINE)


def test_a_release_is_known_by_its_content() -> None:
    one = Release(("s",), {"s": "services: {}"}, {"A": "1", "B": "2"})
    assert one.identity == replace(one, variables={"B": "2", "A": "1"}).identity
    assert one.identity != replace(one, variables={"A": "1", "B": "3"}).identity
    assert one.identity != replace(one, files={"s": "services: {} "}).identity
    assert made().identity != made(network_encryption=True).identity


def test_a_release_has_every_file_that_swarm_is_handed() -> None:
    whole = made(network_encryption=True, network_subnets="10.77.0.0/16")
    names = ["encrypted-networks.yaml", "network-subnets.yaml"]
    assert whole.stack == ("stack/docker-stack.yaml", *(f"stack/overlays/{name}" for name in names))
    configs = yaml.safe_load(whole.texts[0])["configs"].values()
    brought = [config["file"] for config in configs if not config.get("external")]
    assert {os.path.normpath(f"stack/{file}") for file in brought} < set(whole.files)


def test_the_authority_of_a_private_acme_server_comes_along(tmp_path: Path) -> None:
    certificate = trustme.CA().cert_pem.bytes().decode()
    path = tmp_path / "authority.pem"
    path.write_text(certificate)
    whole = made(domain="example.org", acme_email="a@example.org", acme_ca_file=str(path))
    assert whole.files[entrance.ACME_AUTHORITY] == certificate
    assert whole.services["certificates"]["configs"].keys() == {"local_ca", "inside_ca", "acme-ca"}
    found = entrance.of(whole, "a local authority")
    assert (found.authorities, found.local) == (certificate, False)
    assert found.urls == {"vote": "https://vote.example.org/", "result": "https://result.example.org/"}


def test_files_of_the_user_come_along_as_secrets_and_not_in_the_release(tmp_path: Path) -> None:
    key, hook = tmp_path / "key", tmp_path / "hook"
    key.write_text("c2VjcmV0LW9mLXNvbWVib2R5")
    hook.write_text("#!/bin/sh\n")
    names = {"acme_eab_hmac_key": "vote-app_key_1", "acme_dns_hook": "vote-app_hook_1"}
    chosen = settings.load(
        domain="example.org", acme_email="a@example.org",
        acme_eab_kid="kid-1", acme_eab_hmac_key_file=str(key), acme_dns_hook=str(hook),
    )  # fmt: skip
    whole = source.made(IMAGES, chosen, SECRETS | names, "a,b")
    service = whole.services["certificates"]
    assert service["secrets"].items() > names.items()
    assert service["environment"]["ACME_EAB_KID"] == "kid-1"
    assert set(whole.secrets) == {*SECRETS, *names}
    assert not any(part in text for text in whole.files.values() for part in (key.read_text(), "#!/bin/sh"))


def test_a_secret_that_no_file_mentions_is_no_part_of_the_release() -> None:
    before = {"tls_key": "vote-app_tls_key_1", "acme_dns_hook": "vote-app_hook_1"}
    assert source.made(IMAGES, settings.load(), SECRETS | before, "a,b") == made()


def test_the_dashboard_comes_with_its_accounts_and_leaves_nothing_behind(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts"
    accounts.write_text(f"admin:$2y$05${'a' * 53}\n")
    chosen = settings.load(dashboard_host="dashboard.localhost", dashboard_users_file=str(accounts))
    names = {**SECRETS, "dashboard_users": "vote-app_dashboard_users_1"}
    edge = source.made(IMAGES, chosen, names, "a,b").services["traefik"]
    assert edge["environment"]["DASHBOARD_HOST"] == "dashboard.localhost"
    assert edge["secrets"]["dashboard_users"] == "vote-app_dashboard_users_1"
    assert source.made(IMAGES, settings.load(), names, "a,b") == made()
    assert "DASHBOARD_HOST" not in made().services["traefik"]["environment"]


ROUTES = ("rule", "middlewares")


def labels(whole: Release, service: str) -> dict[str, str]:
    return dict(whole.services[service]["deploy"]["labels"])


def test_one_host_changes_routes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    hosts, paths = made(), made(routing="path", domain="example.org")
    for service, path in {"vote": "/vote/", "result": "/result/"}.items():
        before, after = labels(hosts, service), labels(paths, service)
        changed = {name for name in after if before.get(name) != after[name]}
        assert {name.rpartition(".")[2] for name in changed} - {"release"} == set(ROUTES)
        for name in changed:
            if name.endswith(".rule"):
                assert f"Host(`example.org`) && PathPrefix(`{path}`)" in after[name]
                assert after[name].endswith(before[name].partition("`)")[2])
            if name.endswith(".middlewares"):
                assert f"{service}-prefix@file" in after[name]
                assert after[name].replace(f"{service}-prefix@file,", "") == before[name]
    assert labels(made(), "result") == labels(hosts, "result")
    assert changes(hosts, paths).keys() == {"traefik", "certificates", "vote", "result"}


@pytest.mark.parametrize("dashboard", ["", "traefik.example.org"])
def test_one_host_is_named_once_in_the_certificate(tmp_path: Path, dashboard: str) -> None:
    accounts = tmp_path / "accounts"
    accounts.write_text(f"admin:$2y$05${'a' * 53}\n")
    given = {"dashboard_host": dashboard, "dashboard_users_file": str(accounts) if dashboard else ""}
    chosen = settings.load(routing="path", domain="example.org", **given)
    names = {**SECRETS, "dashboard_users": "vote-app_dashboard_users_1"}
    issuer = source.made(IMAGES, chosen, names, "a,b").services["certificates"]
    assert issuer["environment"]["HOSTS"] == f"example.org,{dashboard},"


@pytest.mark.parametrize("routing", ["host", "path"])
def test_the_entrance_follows_from_the_routing(routing: str) -> None:
    chosen = {"routing": routing, "domain": "example.org", "https_port": 8443}
    assert entrance.of(made(**chosen), "local").urls == settings.load(**chosen).urls


def test_the_entrance_follows_from_the_release() -> None:
    found = entrance.of(made(https_port=8443, public_https_port=443), "local")
    assert (found.urls, found.port) == (settings.load(public_https_port=443).urls, 8443)
    assert entrance.of(made(https_port=8443), "local").urls == settings.load(https_port=8443).urls


def test_going_back_takes_the_newest_secrets_and_today_s_poll() -> None:
    former, now = made(option_a="Cats"), made(option_a="Kittens")
    renewed = former.renewed({"redis_worker_password": "new", "tls_key": "of no use"}, now.variables)
    assert renewed.variables.keys() == former.variables.keys()
    assert renewed.variables["REDIS_WORKER_PASSWORD_SECRET"] == "new"
    assert renewed.variables["OPTION_A"] == "Kittens"
    assert set(former.secrets) == set(SECRETS)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${A}", "1"),
        ("${A:-2}", "1"),
        ("${EMPTY:-2}", "2"),
        ("${NONE:-2}", "2"),
        ("${NONE:-}", ""),
        ("${NONE}", ""),
        ("${A:?must be there}", "1"),
        ("x ${A} $$(date) $${A}", "x 1 $(date) ${A}"),
        ("a dollar $ alone", "a dollar $ alone"),
    ],
)
def test_variables_are_filled_in_as_docker_does(text: str, filled: str) -> None:
    assert interpolated(text, {"A": "1", "EMPTY": ""}) == filled


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({}, []),
        ({"vote_replicas": 3}, ["change vote: VOTE_REPLICAS 2 → 3, deploy.replicas 2 → 3"]),
        (
            {"option_a": "Kittens"},
            ["change result, vote: OPTION_A Cats → Kittens"],
        ),
        ({"new_voters_burst": 9}, ["change vote: NEW_VOTERS_BURST 5000 → 9"]),
    ],
    ids=["nothing", "replicas", "an option", "a limit"],
)
def test_what_changes_is_said(given: dict[str, object], lines: list[str]) -> None:
    assert told(changes(made(), made(**given))) == lines


def test_the_same_image_from_elsewhere_is_said_with_its_whole_name() -> None:
    before, after = (
        made().having({"VOTE_IMAGE": f"{host}/vote-app/vote:1"}) for host in ("one.test", "two.test")
    )
    line = "change vote: image one.test/vote-app/vote:1 → two.test/vote-app/vote:1"
    assert told(changes(before, after)) == [line]


def test_another_secret_or_file_is_a_change_by_its_name() -> None:
    before = made()
    secrets = {**before.variables, "LOCAL_CA_KEY_SECRET": "another", "TRAEFIK_CONFIG_HASH": "another"}
    assert changes(before, replace(before, variables=secrets)) == {
        "certificates": "change: secret local_ca_key",
        "traefik": "change: config traefik",
    }
    assert changes(None, before).keys() == before.services.keys()


def test_a_part_of_the_stack_file_has_one_service_and_all_that_it_refers_to() -> None:
    whole = yaml.safe_load(layout.STACK_FILE.read_text())
    part = yaml.safe_load(release.reduced(layout.STACK_FILE.read_text(), "redis-2"))
    assert part["services"] == {"redis-2": whole["services"]["redis-2"]}
    assert [part[section] for section in SECTIONS] == [whole[section] for section in SECTIONS]


def test_a_part_leaves_variables_and_dollars_to_docker() -> None:
    part = release.reduced(
        """
        x-image: &image {image: "${IMAGE:-a:1}"}
        services:
          one: {<<: *image, replicas: "${N:-2}", test: "$$(date)", answer: "no"}
          two: {image: other}
        """,
        "one",
    )
    one = {"image": "${IMAGE:-a:1}", "replicas": "${N:-2}", "test": "$$(date)", "answer": "no"}
    assert yaml.safe_load(part) == {"services": {"one": one}}
