"""compose.yaml is held against the stack file: what both have is the same, and what differs is named here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployment.configuration.layout import COMPOSE_FILE, LOCAL, ROOT, STACK_FILE
from deployment.engine.images import images
from deployment.engine.images.images import COMPONENTS
from local.passwords import OF_REDIS
from local.reload import SUFFIXES
from redis_gate.acl import REDIS_RULES
from redis_gate.redis_config import MODULE

COMPOSE = yaml.safe_load(COMPOSE_FILE.read_text())
STACK = yaml.safe_load(STACK_FILE.read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
# The service of the stack that each stands for. One has none: Swarm keeps passwords itself.
COUNTERPARTS = {
    "vote": "vote",
    "result": "result",
    "worker": "worker",
    "redis": "redis-1",
    "postgres": "postgres-1",
    "paths": "traefik",
    "passwords": "redis-1",
    "seed": "worker",
}
APPLICATION = ("vote", "result", "worker")
NO_TLS_INSIDE = {"PGSSLMODE": "disable", "PGSSLROOTCERT": None}
ONE_DATABASE = {"DATABASE_HOST": "postgres", **NO_TLS_INSIDE}
ONE_QUEUE = {"REDIS_HOST": "redis", "REDIS_TLS": "no"}
# What the environment of a service has otherwise than in the stack; None is what it does not have.
DIFFERENT: dict[str, dict[str, str | None]] = {
    "vote": {
        **ONE_QUEUE,
        "QUEUE_CONFIRMATIONS": "0",
        "DRAIN_SECONDS": "0",
        "VOTE_REPLICAS": None,
        "TRUSTED_PROXIES": None,
        "PROBE_KEY_FILE": None,
    },
    "result": {**ONE_DATABASE, "DRAIN_SECONDS": "0", "PYTHONPATH": "/source:/app"},
    "worker": {**ONE_QUEUE, **ONE_DATABASE, "REDIS_NODES": None, "POSTGRES_NODES": None},
}
NETWORKS = {
    "vote": ["front", "back"],
    "result": ["front", "back"],
    "worker": ["back"],
    "redis": ["back"],
    "postgres": ["back"],
    "paths": ["front"],
    "seed": ["front"],
}
PORTS = {
    "vote": ["127.0.0.1:${VOTE_PORT:-8080}:8080"],
    "result": ["127.0.0.1:${RESULT_PORT:-8081}:8080"],
    "paths": ["127.0.0.1:${PATHS_PORT:-8082}:8082"],
}
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
SECRET = re.compile(r"/run/secrets/(\w+)")
# Nothing else is said of a service: no privilege, no device, no namespace of the machine.
KEYS = {
    *("image", "build", "command", "entrypoint", "environment", "networks", "ports", "volumes", "depends_on"),
    *("healthcheck", "deploy", "restart", "stop_signal", "profiles", "user", "network_mode"),
    *("logging", "cap_drop", "read_only", "security_opt", "tmpfs"),
}


def counterpart(service: str) -> dict[str, Any]:
    return dict(STACK["services"][COUNTERPARTS[service]])


def secrets_of(service: str) -> set[str]:
    return set(SECRET.findall(str(SERVICES[service].get("environment", {}))))


def test_every_service_has_a_counterpart() -> None:
    assert SERVICES.keys() == COUNTERPARTS.keys()
    assert COMPOSE["name"] == LOCAL


@pytest.mark.parametrize("service", SERVICES)
def test_the_image_is_named_and_built_as_in_the_stack(service: str) -> None:
    assert SERVICES[service]["image"] == counterpart(service)["image"]
    (component,) = (c for c in COMPONENTS if images.variable(c.name) in SERVICES[service]["image"])
    assert SERVICES[service]["image"].endswith(f":-{images.by_hand(component)}}}")
    assert SERVICES[service]["build"] == {"context": component.folder, "network": "host"}


@pytest.mark.parametrize("service", APPLICATION)
def test_the_environment_differs_only_where_it_is_meant_to(service: str) -> None:
    here, there = SERVICES[service]["environment"], counterpart(service)["environment"]
    names = {*here, *there}
    assert {n: here.get(n) for n in names if here.get(n) != there.get(n)} == DIFFERENT[service]


def test_every_variable_is_the_stack_s_with_its_default() -> None:
    stack = dict(VARIABLE.findall(STACK_FILE.read_text()))
    own = {"VOTE_PORT": "8080", "RESULT_PORT": "8081", "PATHS_PORT": "8082"}
    found = VARIABLE.findall(COMPOSE_FILE.read_text())
    assert {name: default for name, default in found if (stack | own).get(name) != default} == {}


@pytest.mark.parametrize("service", APPLICATION)
def test_a_service_reads_the_secrets_that_it_has_in_the_stack(service: str) -> None:
    # Only the stack changes a secret while the service runs.
    alone = {name for name in counterpart(service)["secrets"] if isinstance(name, str)}
    assert secrets_of(service) == alone - {"probe_key"}


def test_the_passwords_that_are_made_are_those_that_are_read() -> None:
    made = set(SERVICES["passwords"]["command"][3:])
    assert made == set().union(*map(secrets_of, APPLICATION))
    assert made <= STACK["secrets"].keys()
    assert {match[1] for name in made if (match := OF_REDIS.fullmatch(name))} <= REDIS_RULES.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_locked_in_as_in_the_stack(service: str) -> None:
    found, there = SERVICES[service], counterpart(service)
    assert found.keys() <= KEYS
    for key in ("cap_drop", "read_only", "logging"):
        assert found[key] == there[key]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found.get("user", "the image's") == there.get("user", "the image's")
    assert found["deploy"].keys() == {"resources"}
    assert found["deploy"]["resources"]["limits"].keys() == {"memory", "pids"}


@pytest.mark.parametrize("service", APPLICATION)
def test_a_service_of_ours_has_the_limits_of_the_stack(service: str) -> None:
    assert SERVICES[service]["deploy"]["resources"] == counterpart(service)["deploy"]["resources"]


def test_no_port_is_open_but_those_of_the_pages() -> None:
    assert {name: found["ports"] for name, found in SERVICES.items() if "ports" in found} == PORTS


def test_only_what_a_profile_of_its_name_asks_for_is_not_always_there() -> None:
    found = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert found == {"paths": ["paths"], "seed": ["seed"]}


def test_each_service_is_where_it_has_to_be_and_data_is_behind() -> None:
    assert {name: found["networks"] for name, found in SERVICES.items() if "networks" in found} == NETWORKS
    assert SERVICES["passwords"]["network_mode"] == "none"
    assert COMPOSE["networks"].keys() == {"front", "back"}
    assert COMPOSE["networks"]["back"]["internal"] is True


@pytest.mark.parametrize("service", SERVICES)
def test_only_source_is_mounted_from_the_machine_and_nobody_may_change_it(service: str) -> None:
    for mount in SERVICES[service]["volumes"]:
        if mount["type"] == "bind":
            assert mount["read_only"] is True
            assert mount["source"] in {"./stack/local", f"./{service}/{service}", f"./stack/{service}"}
    writers = {name for name, found in SERVICES.items() for m in found["volumes"] if "read_only" not in m}
    assert writers == {"redis", "postgres", "passwords"}


@pytest.mark.parametrize("service", APPLICATION)
def test_a_change_of_any_source_file_is_noticed(service: str) -> None:
    assert SERVICES[service]["command"][:3] == ["python", "-m", "local.reload"]
    assert SERVICES[service]["command"][3].removeprefix("/source/") == service
    files = (path for path in Path(ROOT, service, service).rglob("*") if path.is_file())
    assert {path.suffix for path in files if "__pycache__" not in path.parts} <= SUFFIXES


def test_a_service_starts_when_what_it_needs_is_healthy() -> None:
    healthy = {"condition": "service_healthy"}
    assert {name: found.get("depends_on", {}) for name, found in SERVICES.items()} == {
        "vote": {"redis": healthy},
        "result": {"postgres": healthy},
        "worker": {"redis": healthy, "postgres": healthy},
        "redis": {"passwords": {"condition": "service_completed_successfully"}},
        "postgres": {"passwords": {"condition": "service_completed_successfully"}},
        "passwords": {},
        "paths": {},
        "seed": {"vote": healthy, "result": healthy},
    }
    assert all("test" in SERVICES[name]["healthcheck"] for name in ("redis", "postgres"))


def test_the_one_redis_has_the_module_and_forgets_nothing() -> None:
    lines = (ROOT / "stack" / "local" / "redis.conf").read_text().splitlines()
    wanted = {f"loadmodule {MODULE}", "appendonly yes", "appendfsync always", "maxmemory-policy noeviction"}
    assert wanted <= set(lines)


@pytest.mark.parametrize("path", [STACK_FILE, *sorted((ROOT / "stack" / "overlays").glob("*.yaml"))], ids=str)
def test_the_stack_always_waits_for_a_replica(path: Path) -> None:
    assert "QUEUE_CONFIRMATIONS" not in path.read_text()
